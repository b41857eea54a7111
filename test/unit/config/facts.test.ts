import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type HostFacts, readFacts } from '../../../src/kernel/facts.js';
import { ifIndex } from '../../../src/model/ids.js';

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
    'proc/self/net/udp': '  sl  local_address rem_address\n 1: 00000000:2118 00000000:0000 07\n',
    'proc/self/net/udp6': '  sl  local_address\n 2: 00000000000000000000000000000000:0035 0:0 07\n',
    'etc/nova/nova.conf': '[DEFAULT]\n#vif_plugging_is_fatal = True\nvif_plugging_is_fatal=False\n',
  });
  const { managersOf: _, ...values } = facts;
  assert.deepEqual(values, {
    ipv6: 'writable',
    bridgeNetfilter: true,
    vlanFiltering: true,
    otherAgents: [],
    vifPluggingIsFatal: false,
    udpPorts: new Set([8472, 53]),
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
    udpPorts: new Set(),
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
