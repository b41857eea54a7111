import {
  type Endpoint,
  type ForwardingAnswer,
  floodEntry,
  type Operation,
  type OperationOf,
} from '../../../src/model/index.js';
import { endOf, type Told } from './cloud.js';
import type { Bug } from './host.js';

/** Another part about tunnels than the database has given. */
const telling = (change: (forwarding: ForwardingAnswer) => ForwardingAnswer) => (told: Told) => ({
  ...told,
  answer: { ...told.answer, forwarding: change(told.forwarding) },
});

/** Another batch of entries than was planned. */
const writing =
  (
    change: (one: OperationOf<'set-forwarding'>, host: string) => OperationOf<'set-forwarding'>,
  ): NonNullable<Bug['operations']> =>
  (operations, host) =>
    operations.map((one) => (one.op === 'set-forwarding' ? change(one, host) : one));

const withHosts = (
  forwarding: ForwardingAnswer,
  change: (hosts: readonly string[], segment: string) => readonly string[],
): ForwardingAnswer => ({
  ...forwarding,
  hosts: new Map([...forwarding.hosts].map(([segment, hosts]) => [segment, change(hosts, segment)])),
});

const withEnds = (
  forwarding: ForwardingAnswer,
  change: (host: string, end: Endpoint) => Endpoint,
): ForwardingAnswer => ({
  ...forwarding,
  endpoints: new Map([...forwarding.endpoints].map(([host, end]) => [host, change(host, end)])),
});

const isUnknown = ({ endpoints }: ForwardingAnswer, host: string): boolean =>
  endpoints.get(host)?.kind !== 'address';

/** Some operation before each batch that only a fault would bring about. */
const before =
  (op: 'detach' | 'delete-vxlan'): NonNullable<Bug['operations']> =>
  (operations) =>
    operations.flatMap((one): Operation[] => {
      if (one.op !== 'set-forwarding' || one.target.index === null) return [one];
      const { device, network, target } = one;
      const fields = { device, network, target, scope: 'device', reason: 'starts afresh' } as const;
      return op === 'delete-vxlan'
        ? [{ ...fields, op }, one]
        : [{ ...fields, op, bridge: { name: device, index: null } }, one];
    });

export const TUNNEL_BUGS: readonly Bug[] = [
  { name: 'stale entry kept', operations: writing((one) => ({ ...one, remove: [] })) },
  {
    name: 'own address used',
    operations: writing((one, host) => ({ ...one, add: [...one.add, floodEntry(endOf(host))] })),
  },
  {
    name: 'multicast address used',
    operations: writing((one) => ({ ...one, add: [...one.add, floodEntry('239.1.1.1')] })),
  },
  {
    name: 'an entry of the other family',
    operations: writing((one) => ({ ...one, add: [...one.add, floodEntry('2001:db8::9')] })),
  },
  {
    name: 'the last of a batch forgotten',
    operations: writing((one) => ({ ...one, add: one.add.slice(0, -1) })),
  },
  {
    name: 'what is missing goes at once',
    memory: (memory) => {
      const { pairs } = memory.guard;
      const missing = new Map([...pairs.hostOf.keys()].map((key) => [key, { answers: 9, sinceMs: 0 }]));
      return { ...memory, guard: { ...memory.guard, pairs: { ...pairs, missing } } };
    },
  },
  {
    name: 'guard off',
    memory: (memory) => {
      const { pairs } = memory.guard;
      return { ...memory, accepted: new Set(pairs.hostOf.keys()) };
    },
  },
  {
    name: 'doubt ignored',
    told: (told) => ({
      ...told,
      wentBack: null,
      answer: { ...told.answer, suspect: null, behind: null, emptyTables: [] },
    }),
  },
  {
    name: 'a host of unknown end taken for gone',
    told: telling((forwarding) =>
      withHosts(forwarding, (hosts) => hosts.filter((host) => !isUnknown(forwarding, host))),
    ),
  },
  {
    name: 'a host that is not named taken for this one',
    told: (told) =>
      telling((forwarding) => withHosts(forwarding, (hosts) => [...hosts, 'node-1', 'node-2', 'node-3']))(
        told,
      ),
  },
  { name: 'whose a VNI is not asked', told: telling((forwarding) => ({ ...forwarding, vnis: new Map() })) },
  {
    name: 'hosts of one network taken for those of another',
    told: telling((forwarding) => {
      const [first = []] = forwarding.hosts.values();
      return withHosts(forwarding, () => first);
    }),
  },
  {
    name: 'half of a list read',
    told: telling((forwarding) => withHosts(forwarding, (hosts) => hosts.slice(0, -1))),
  },
  {
    name: 'where tunnels end read once and never again',
    told: telling((forwarding) =>
      withEnds(forwarding, (host, end) =>
        end.kind === 'address' ? { kind: 'address', address: endOf(host) } : end,
      ),
    ),
  },
  { name: 'tunnel made again for each change', operations: before('delete-vxlan') },
  { name: 'tunnel taken out for each change', operations: before('detach') },
];
