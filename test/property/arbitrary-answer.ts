import fc from 'fast-check';
import type { AnswerWords, NetworkWords, PortWords } from '../support/simulated/row-builder.js';
import { ENDS, NETWORKS, PORTS } from './names.js';

const segment = fc.constantFrom(
  'local',
  'local',
  'flat physnet1',
  'flat physnet1',
  'flat physnet2',
  'flat physnet3',
  'flat physnet9',
  'vlan physnet1 100',
  'vlan physnet1 100',
  'vlan physnet1 200',
  'vlan physnet2 100',
  'vlan physnet9 100',
  'vxlan 77',
  'vxlan 77',
  'vxlan 78',
  'bad vlan_id is 4095',
  'bad physical_network is NULL',
);

const binding = fc.constantFrom(
  'here',
  'here',
  'here',
  'here',
  'unhosted',
  'arriving',
  'elsewhere node-2',
  'standby node-2',
  'other-driver ovs',
);

const networkWords = fc.record({
  present: fc.constantFrom(true, true, true, true, true, false),
  row: fc.constantFrom(true, true, true, false),
  segments: fc.oneof(
    { weight: 8, arbitrary: fc.tuple(segment) },
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.tuple(segment, segment) },
  ),
  mtu: fc.constantFrom(null, null, null, 0, 1450, 9000),
  /** Where the tunnels of its other hosts end; null: nothing is read of it. */
  ends: fc.option(fc.subarray(ENDS)),
});

const portWords = fc.record({
  present: fc.constantFrom('no', 'yes', 'yes', 'yes', 'bad'),
  network: fc.constantFrom(...NETWORKS),
  adminUp: fc.constantFrom(true, true, true, false),
  status: fc.constantFrom('ACTIVE', 'DOWN', 'BUILD', null),
  binding,
  compute: fc.constantFrom(false, false, true),
});

type NetworkShape = typeof networkWords extends fc.Arbitrary<infer T> ? T : never;
type PortShape = typeof portWords extends fc.Arbitrary<infer T> ? T : never;

/** Any rows: ports of this host and of others, networks of every kind, conflicts, nonsense, rows half deleted. */
export const arbitraryAnswer: fc.Arbitrary<AnswerWords> = fc
  .record({
    generation: fc.constantFrom('folsom', 'grizzly', 'ml2'),
    networks: fc.tuple(...NETWORKS.map(() => networkWords)),
    ports: fc.tuple(...PORTS.map(() => portWords)),
  })
  .map(({ generation, networks, ports }) => {
    const isHostless = generation === 'folsom';
    const present = ports.map((one, at) => ({ one, id: PORTS[at] ?? '' }));
    return {
      generation,
      networks: networks.flatMap((one, at) => describeNetwork(one, NETWORKS[at] ?? '')),
      ports: present.flatMap(({ one, id }): PortWords[] =>
        one.present === 'yes' ? [describePort(isHostless ? { ...one, binding: 'unhosted' } : one, id)] : [],
      ),
      hosts: Object.fromEntries(
        networks.flatMap(({ ends }, at) =>
          ends === null ? [] : [[NETWORKS[at], Object.fromEntries(ends.map((end) => [`of ${end}`, end]))]],
        ),
      ),
      badPorts: present.flatMap(({ one, id }) => (one.present === 'bad' ? [id] : [])),
    };
  });

/** Rows before and after a change of some of them, as when operators and tenants go about their work. */
export const arbitraryChange: fc.Arbitrary<{ before: AnswerWords; after: AnswerWords }> = fc
  .record({
    before: arbitraryAnswer,
    other: arbitraryAnswer,
    changed: fc.subarray([...NETWORKS, ...PORTS], { maxLength: 4 }),
  })
  .map(({ before, other, changed }) => {
    const isChanged = ({ id }: { readonly id: string }) => changed.some((one) => one === id);
    const mix = <Row extends { readonly id: string }>(
      old: readonly Row[] = [],
      young: readonly Row[] = [],
    ) => [...old.filter((row) => !isChanged(row)), ...young.filter(isChanged)];
    const ports = mix(before.ports, other.ports).map((port) =>
      before.generation === 'folsom' ? { ...port, binding: 'unhosted' } : port,
    );
    const networks = mix(before.networks, other.networks);
    const hosts = other.hosts ?? {};
    return { before, after: { ...before, ports, networks, hosts } };
  });

/** Only what is not the default, so that a counterexample can be read. */
const describePort = ({ network, adminUp, status, binding, compute }: PortShape, id: string): PortWords => ({
  id,
  network,
  status,
  binding,
  ...(adminUp ? {} : { adminUp }),
  ...(compute ? { compute } : {}),
});

/** A network without a row and without segments is in no answer. */
function describeNetwork({ present, row, segments, mtu }: NetworkShape, id: string): NetworkWords[] {
  if (!present || (!row && segments.length === 0)) return [];
  return [{ id, ...(row ? {} : { row }), segments, ...(mtu === null ? {} : { mtu }) }];
}
