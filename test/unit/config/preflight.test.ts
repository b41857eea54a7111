import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PreflightInput, preflight } from '../../../src/commands/preflight.js';
import type { HostFacts } from '../../../src/kernel/facts.js';
import { ifIndex, linkName, physicalNetwork } from '../../../src/model/ids.js';
import type { Address, HostState, Link } from '../../../src/model/index.js';
import { PREFLIGHT } from '../../../src/model/preflight.js';
import { TUNNEL } from '../../support/simulated/host-builder.js';
import { LOCAL, UNICAST } from '../../support/simulated/tunnel-scene.js';

const LEASED: Address = {
  family: 'inet',
  address: '192.0.2.7',
  prefixLength: 24,
  scope: 0,
  leased: true,
  raw: '',
};

const link = (name: string, index: number, changes: Partial<Link> = {}): Link => ({
  index: ifIndex(index),
  name: linkName(name),
  up: true,
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  master: null,
  alias: '',
  altNames: [],
  detail: { kind: 'other', type: '' },
  group: 0,
  ipv4: null,
  ipv6: null,
  addresses: [],
  ...changes,
});

const stateOf = (...links: readonly Link[]): HostState => ({
  version: 1,
  links: new Map(links.map((one) => [one.index, one])),
  byName: new Map(links.map((one) => [one.name, one])),
  changes: null,
  tapFilter: { kind: 'absent' },
  forwarding: new Map(),
});

const QUIET: HostFacts = {
  ipv6: 'writable',
  bridgeNetfilter: false,
  vlanFiltering: null,
  otherAgents: [],
  vifPluggingIsFatal: null,
  udpPorts: new Set(),
  managersOf: () => [],
};

const look = (facts: Partial<HostFacts>, changes: Partial<PreflightInput> = {}) =>
  preflight({
    facts: { ...QUIET, ...facts },
    vlans: true,
    physicalInterfaces: new Map([[physicalNetwork('physnet1'), linkName('eth1')]]),
    bridgeMappings: new Map([[physicalNetwork('external'), linkName('br-ext')]]),
    tunnels: null,
    mtus: [],
    dropTaggedFrames: true,
    firewallDriver: null,
    openSecrets: [],
    neutronChains: [],
    links: stateOf(link('eth1', 2)),
    generation: 'grizzly',
    ...changes,
  });

const codesOf = (results: ReturnType<typeof look>): string[] =>
  results.map(({ weight, code }) => `${weight} ${code}`);
test('a host that is fit gives neither finding nor note', () => assert.deepEqual(look({}), []));

/** The interface that has local_ip. */
const UNDERLAY = link('eth1', 2, { addresses: [{ ...LEASED, address: LOCAL, leased: false }] });

const mtuOf = (type: string, mtu: number, physical: string | null = null) => ({
  type,
  physicalNetwork: physical,
  mtu,
});

const RESULTS: readonly (readonly [string, ReturnType<typeof look>, string])[] = [
  ['another agent', look({ otherAgents: [{ pid: 7, command: 'python x' }] }), 'finding OTHER_AGENT_RUNS'],
  ['a read-only /proc/sys', look({ ipv6: 'read-only' }), 'finding IPV6_READ_ONLY'],
  ['a kernel without VLANs', look({}, { vlans: false }), 'note VLAN_UNSUPPORTED'],
  [
    'a kernel without nftables for bridges',
    look({}, { links: { ...stateOf(link('eth1', 2)), tapFilter: { kind: 'unsupported' } } }),
    'note TAGGED_FRAMES_PASS',
  ],
  ['bridged frames in iptables', look({ bridgeNetfilter: true }), 'note BRIDGE_NETFILTER_ON'],
  ['a network manager', look({ managersOf: () => ['NetworkManager'] }), 'note INTERFACE_MANAGED'],
  [
    'a lease',
    look({}, { links: stateOf(link('eth1', 2, { addresses: [LEASED] })) }),
    'note INTERFACE_LEASED',
  ],
  [
    'a driver that filtered guests',
    look({}, { firewallDriver: 'iptables' }),
    'finding FIREWALL_NOT_ENFORCED',
  ],
  [
    'rules of Neutron’s agent',
    look({}, { neutronChains: ['neutronMAC-tap1'] }),
    'finding NEUTRON_RULES_LEFT',
  ],
  [
    'a tunnel in a bridge of a network',
    look(
      {},
      {
        links: stateOf(
          link('eth1', 2),
          link('brq11111111-aa', 3, {
            detail: { kind: 'bridge', stp: false, forwardDelayMs: 0, vlanFiltering: false },
          }),
          link('vxlan-7', 4, { master: ifIndex(3), detail: { kind: 'vxlan', ...TUNNEL, vni: 7 } }),
        ),
      },
    ),
    'finding VXLAN_IN_USE',
  ],
  [
    'a local_ip that is on no interface',
    look({}, { tunnels: { ...UNICAST, local: '192.0.2.9' } }),
    'finding VXLAN_LOCAL_IP_MISSING',
  ],
  [
    'another program at the port of the tunnels',
    look({ udpPorts: new Set([8472]) }, { tunnels: UNICAST, links: stateOf(UNDERLAY) }),
    'finding VXLAN_PORT_TAKEN',
  ],
  [
    'networks of type vxlan with more than the underlay leaves',
    look({}, { tunnels: UNICAST, links: stateOf(UNDERLAY), mtus: [mtuOf('vxlan', 1451)] }),
    'finding VXLAN_MTU_TOO_SMALL',
  ],
  [
    'VLAN networks with more than their interface has',
    look({}, { mtus: [mtuOf('vlan', 1501, 'physnet1')] }),
    'finding MTU_EXCEEDS_UPLINK',
  ],
  [
    'flat networks with more than the bridge of bridge_mappings has',
    look({}, { links: stateOf(link('br-ext', 5)), mtus: [mtuOf('flat', 9000, 'external')] }),
    'finding MTU_EXCEEDS_UPLINK',
  ],
  ['a password for all', look({}, { openSecrets: ['/etc/p'] }), 'note PASSWORD_READABLE'],
  ['ML2', look({}, { generation: 'ml2' }), 'note VIF_PLUGGING'],
];
for (const [what, results, expected] of RESULTS) {
  test(`${what} gives the ${expected}, with a sentence and a remedy`, () => {
    assert.deepEqual(codesOf(results), [expected]);
    for (const { message, remedy } of results) assert.match(`${message} ${remedy}`, /^\S.*\. \S.*\.$/s);
  });
}

test('tunnels that fit, and a wire that no interface is mapped to, give nothing', () => {
  const tunnel = link('vxlan-7', 4, { detail: { kind: 'vxlan', ...TUNNEL, vni: 7 } });
  const mtus = [mtuOf('vxlan', 1450), mtuOf('vlan', 1500, 'physnet1'), mtuOf('flat', 9000, 'elsewhere')];
  const served = { tunnels: UNICAST, links: stateOf(UNDERLAY, tunnel), mtus };
  assert.deepEqual(look({ udpPorts: new Set([8472]) }, served), []);
  assert.deepEqual(look({}, { tunnels: { ...UNICAST, local: null } }), []);
});

test('findings come before notes', () => {
  const codes = codesOf(look({ bridgeNetfilter: true, ipv6: 'read-only' }, { vlans: false }));
  assert.equal(codes[0], 'finding IPV6_READ_ONLY');
  assert.equal(codes.length, 3);
});

test('every code of the preflight can be given', () => {
  const given = new Set(RESULTS.flatMap(([, results]) => results.map(({ code }) => code as string)));
  for (const code of Object.keys(PREFLIGHT)) assert.ok(given.has(code), code);
});

test('what an interface that is not mapped does concerns nobody', () => {
  const links = stateOf(link('eth1', 2), link('eth0', 3, { addresses: [LEASED] }));
  const managersOf = (index: number) => (index === 3 ? ['NetworkManager'] : []);
  assert.deepEqual(look({ managersOf }, { links }), []);
});

test('a Nova that does not insist on the event needs no hint', () => {
  assert.deepEqual(look({ vifPluggingIsFatal: false }, { generation: 'ml2' }), []);
});
