import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type PreflightInput, preflight } from '../../../src/commands/preflight.js';
import { type HostFacts, readFacts } from '../../../src/kernel/facts.js';
import { ifIndex, linkName, physicalNetwork } from '../../../src/model/ids.js';
import type { Address, HostState, Link } from '../../../src/model/index.js';
import { PREFLIGHT } from '../../../src/model/preflight.js';

/** A file system of the test's own with these files; a value that begins with `->` is a symbolic link. */
function rootWith(t: TestContext, files: Readonly<Record<string, string | Buffer>>): HostFacts {
  const root = mkdtempSync(join(tmpdir(), 'qlb-facts-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (typeof content === 'string' && content.startsWith('->'))
      symlinkSync(content.slice(2), join(root, path));
    else writeFileSync(join(root, path), content);
  }
  return readFacts(root);
}

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
});

const QUIET: HostFacts = {
  ipv6: 'writable',
  bridgeNetfilter: false,
  vlanFiltering: null,
  otherAgents: [],
  vifPluggingIsFatal: null,
  managersOf: () => [],
};

const look = (facts: Partial<HostFacts>, changes: Partial<PreflightInput> = {}) =>
  preflight({
    facts: { ...QUIET, ...facts },
    vlans: true,
    physicalInterfaces: new Map([[physicalNetwork('physnet1'), linkName('eth1')]]),
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
          link('vxlan-7', 4, { master: ifIndex(3), detail: { kind: 'vxlan', vni: 7 } }),
        ),
      },
    ),
    'finding VXLAN_IN_USE',
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

test('managers are read from their own records, by interface index', (t) => {
  const facts = rootWith(t, {
    'run/systemd/netif/links/2': 'ADMIN_STATE=configured\nOPER_STATE=routable\n',
    'run/systemd/netif/links/3': 'ADMIN_STATE=unmanaged\n',
    'run/NetworkManager/devices/2': '[device]\nmanaged=true\n',
    'run/NetworkManager/devices/3': '[device]\nmanaged=false\n',
  });
  assert.deepEqual(facts.managersOf(ifIndex(2)), ['NetworkManager', 'systemd-networkd']);
  assert.deepEqual(facts.managersOf(ifIndex(3)), []);
  assert.deepEqual(facts.managersOf(ifIndex(4)), []);
});

test('sysctls, the kernel’s configuration and Nova’s file are read as they are written', (t) => {
  const facts = rootWith(t, {
    'proc/sys/net/bridge/bridge-nf-call-iptables': '1\n',
    'proc/sys/net/ipv6/conf/default/disable_ipv6': '0\n',
    'proc/config.gz': gzipSync('CONFIG_BRIDGE=y\nCONFIG_BRIDGE_VLAN_FILTERING=y\n'),
    'etc/nova/nova.conf': '[DEFAULT]\n#vif_plugging_is_fatal = True\nvif_plugging_is_fatal=False\n',
  });
  const { managersOf: _, ...values } = facts;
  assert.deepEqual(values, {
    ipv6: 'writable',
    bridgeNetfilter: true,
    vlanFiltering: true,
    otherAgents: [],
    vifPluggingIsFatal: false,
  });
});

test('a host that shows nothing is known for nothing', (t) => {
  const { managersOf: _, ...values } = rootWith(t, {});
  assert.deepEqual(values, {
    ipv6: 'missing',
    bridgeNetfilter: null,
    vlanFiltering: null,
    otherAgents: [],
    vifPluggingIsFatal: null,
  });
});

test('an agent of Python in this namespace is found; this program, what starts it, one elsewhere and an editor are not', (t) => {
  const command = (...words: readonly string[]): string => words.map((word) => `${word}\0`).join('');
  const facts = rootWith(t, {
    'proc/self/ns/net': '->net:[1]',
    'proc/10/comm': 'python3\n',
    'proc/10/cmdline': command(
      '/usr/bin/python3',
      '/usr/bin/neutron-linuxbridge-agent',
      '--config-file',
      '/x',
    ),
    'proc/10/exe': '->/usr/bin/python3.11',
    'proc/10/ns/net': '->net:[1]',
    'proc/11/comm': 'quantum-linuxbr\n',
    'proc/11/cmdline': command('/usr/bin/node', '/usr/bin/quantum-linuxbridge-agent', 'run'),
    'proc/11/exe': '->/usr/bin/node',
    'proc/11/ns/net': '->net:[1]',
    'proc/12/comm': 'python3\n',
    'proc/12/cmdline': command('/usr/bin/python3', '/usr/bin/quantum-linuxbridge-agent'),
    'proc/12/exe': '->/usr/bin/python3.11',
    'proc/12/ns/net': '->net:[2]',
    'proc/13/comm': 'vi\n',
    'proc/13/cmdline': command('vi', '/etc/neutron-linuxbridge-agent.conf'),
    'proc/14/comm': 'python3\n',
    'proc/14/cmdline': command('/usr/bin/python3', '/usr/bin/quantum-linuxbridge-agent'),
    'proc/15/comm': 'sudo\n',
    'proc/15/cmdline': command('sudo', 'quantum-linuxbridge-agent', 'config', 'check'),
    'proc/15/exe': '->/usr/bin/sudo',
    'proc/15/ns/net': '->net:[1]',
  });
  // Arguments are left out: a password may be among them.
  assert.deepEqual(facts.otherAgents, [
    { pid: 10, command: '/usr/bin/python3 /usr/bin/neutron-linuxbridge-agent' },
    { pid: 14, command: '/usr/bin/python3 /usr/bin/quantum-linuxbridge-agent' },
  ]);
});

test('an agent that has given itself a title is found by it, and its arguments are left out', (t) => {
  const facts = rootWith(t, {
    'proc/self/ns/net': '->net:[1]',
    'proc/10/comm': 'neutron-linuxbr\n',
    'proc/10/cmdline': 'neutron-linuxbridge-agent (/usr/bin/python3 /usr/bin/neutron-linuxbridge-agent)\0',
    'proc/10/exe': '->/usr/bin/python3.11',
    'proc/10/ns/net': '->net:[1]',
    'proc/11/comm': 'neutron-linuxbr\n',
    'proc/11/cmdline': 'neutron-linuxbridge-agents-of-another-kind\0',
    'proc/11/ns/net': '->net:[1]',
  });
  assert.deepEqual(facts.otherAgents, [{ pid: 10, command: 'neutron-linuxbridge-agent' }]);
});
