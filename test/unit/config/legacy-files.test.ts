import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProblem } from '../../../src/config/problem.js';
import { ESSEX_PHYSICAL_NETWORK } from '../../../src/model/names.js';
import { file, loaded, problems } from './support.js';

const ESSEX = `
[VLANS]
vlan_start=1000
vlan_end=3000

[DATABASE]
# Use the MySQL database of the cloud
connection = mysql
name = quantum_linux_bridge
user = quantum
pass = s%40#;é/@:t
host = db.example
port = 3307

[LINUX_BRIDGE]
#this is the interface connected to the switch on your Quantum network
physical_interface = eth1

[AGENT]
#agent's polling interval in seconds
polling_interval = 5
root_helper = sudo
`;

const FOLSOM = `[VLANS]
tenant_network_type = vlan
network_vlan_ranges = physnet1:1000:2999

[DATABASE]
# Database reconnection interval in seconds - if the initial connection fails
sql_connection = mysql://quantum:h0st#ile;%@db.example/quantum_linux_bridge?charset=utf8
sql_max_retries = 10
reconnect_interval = 3
sql_dbpool_enable = True

[LINUX_BRIDGE]
physical_interface_mappings = physnet1:eth1

[AGENT]
polling_interval = 2
root_helper = "sudo quantum-rootwrap /etc/quantum/rootwrap.conf"
rpc = False

[SECURITYGROUP]
firewall_driver = quantum.agent.linux.iptables_firewall.IptablesFirewallDriver
`;

const HAVANA = `[vlans]
tenant_network_type = vlan
[linux_bridge]
physical_interface_mappings = "physnet1:eth1,physnet2:eth2"
[vxlan]
enable_vxlan = True
local_ip = 10.0.0.1
[agent]
polling_interval = 4
[database]
connection = postgresql+psycopg2://neutron:secret@db/neutron
max_retries = 7
retry_interval = 9
idle_timeout = 3600
[securitygroup]
firewall_driver = neutron.agent.linux.iptables_firewall.IptablesFirewallDriver
`;

const NEUTRON_CONF = `[DEFAULT]
host = compute-7
verbose = True
core_plugin = ml2
state_path = /var/lib/neutron
transport_url = rabbit://openstack:secret@controller
[agent]
root_helper = sudo /usr/bin/neutron-rootwrap /etc/neutron/rootwrap.conf
[database]
connection = mysql+pymysql://neutron:secret@controller/neutron
[keystone_authtoken]
auth_uri = http://controller:5000
[oslo_concurrency]
lock_path = /var/lib/neutron/tmp
[nova]
username = nova
`;
const LINUXBRIDGE_AGENT = `[DEFAULT]
debug = false
[agent]
extensions = qos
prevent_arp_spoofing = True
[linux_bridge]
physical_interface_mappings = provider:eth1
bridge_mappings = external:br-ext
[securitygroup]
enable_security_group = True
[vxlan]
enable_vxlan = false
l2_population = True
`;

test('an Essex file is read as it is: parts of the URL taken literally, one physical interface', (t) => {
  const { settings, warnings } = loaded({ files: [file(t, ESSEX)] });
  const [server] = settings.database.servers;
  assert.deepEqual(
    [server.engine, server.host, server.port, server.user, server.password(), server.database],
    ['mysql', 'db.example', 3307, 'quantum', 's%40#;é/@:t', 'quantum_linux_bridge'],
  );
  assert.deepEqual([...settings.host.physicalInterfaces], [[ESSEX_PHYSICAL_NETWORK, 'eth1']]);
  assert.equal(settings.pollingIntervalMs, 5000);
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['ROOT_HELPER_IGNORED'],
  );
});

test('a Folsom file is read as it is, a hostile password and rpc = False included', (t) => {
  const { settings, warnings } = loaded({ files: [file(t, FOLSOM)] });
  const [server] = settings.database.servers;
  assert.deepEqual([server.host, server.port, server.password()], ['db.example', null, 'h0st#ile;%']);
  assert.deepEqual([...settings.host.physicalInterfaces], [['physnet1', 'eth1']]);
  assert.deepEqual(
    [settings.sqlMaxRetries, settings.reconnectIntervalMs, settings.pollingIntervalMs],
    [10, 3000, 2000],
  );
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['ROOT_HELPER_IGNORED'],
  );
});

test('a Havana file is read as it is: lower-case sections, connection, max_retries, quotes', (t) => {
  const { settings, warnings } = loaded({ files: [file(t, HAVANA)] });
  const [server] = settings.database.servers;
  assert.deepEqual([server.engine, server.user, server.password()], ['postgresql', 'neutron', 'secret']);
  assert.deepEqual(
    [...settings.host.physicalInterfaces],
    [
      ['physnet1', 'eth1'],
      ['physnet2', 'eth2'],
    ],
  );
  assert.deepEqual(
    [settings.sqlMaxRetries, settings.reconnectIntervalMs, settings.pollingIntervalMs],
    [7, 9000, 4000],
  );
  assert.deepEqual(warnings, []);
});

test('neutron.conf and linuxbridge_agent.ini together are read as they are', (t) => {
  const files = [file(t, NEUTRON_CONF, 'neutron.conf'), file(t, LINUXBRIDGE_AGENT, 'linuxbridge_agent.ini')];
  const { settings, warnings } = loaded({ files });
  assert.equal(settings.host.host, 'compute-7');
  assert.equal(settings.database.host, 'compute-7');
  assert.equal(settings.database.servers[0].host, 'controller');
  assert.deepEqual([...settings.host.bridgeMappings], [['external', 'br-ext']]);
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['ROOT_HELPER_IGNORED', 'EXTENSIONS_IGNORED'],
  );
});

test('a dollar doubled for oslo.config is one dollar, a single one is itself', (t) => {
  const text = '[DATABASE]\nsql_connection = mysql://u:a$$b$c@h/d\n';
  assert.equal(loaded({ files: [file(t, text)] }).settings.database.servers[0].password(), 'a$b$c');
});

test('a password in Latin-1 loses no byte', (t) => {
  const bytes = Buffer.from('[DATABASE]\nsql_connection = mysql://u:p\xe9\xff@h/d\n', 'latin1');
  assert.equal(loaded({ files: [file(t, bytes)] }).settings.database.servers[0].password(), 'pé\xff');
});

test('the address of tunnels is that of [vxlan], unless it is switched off there', (t) => {
  const tunnelsIn = (text: string) => loaded({ files: [file(t, text)] }).settings.host.tunnels;
  assert.equal(tunnelsIn(HAVANA)?.local, '10.0.0.1');
  assert.equal(tunnelsIn(HAVANA.replace('enable_vxlan = True', 'enable_vxlan = False')), null);
  assert.equal(tunnelsIn(FOLSOM)?.local, null);
  const [problem] = problems({ files: [file(t, HAVANA.replace('local_ip = 10.0.0.1', 'local_ip = eth0'))] });
  assert.deepEqual(
    [problem?.setting, problem?.wrong],
    ['local_ip', 'is not an IP address: value was "eth0"'],
  );
});

test('a mapping list may go on over lines', (t) => {
  const text = `${FOLSOM}\n[LINUX_BRIDGE]\nphysical_interface_mappings = a:eth1,\n    b:eth2\n`;
  assert.deepEqual(
    [...loaded({ files: [file(t, text)] }).settings.host.physicalInterfaces],
    [
      ['a', 'eth1'],
      ['b', 'eth2'],
    ],
  );
});

for (const rpc of ['True', 'yes', '1', 'maybe'])
  test(`rpc = ${rpc} written out is a problem that says to write False`, (t) => {
    const [problem, ...others] = problems({
      files: [file(t, FOLSOM.replace('rpc = False', `rpc = ${rpc}`))],
    });
    assert.deepEqual(others, []);
    assert.match(
      problem ? describeProblem(problem) : '',
      /linuxbridge_conf\.ini:18: rpc .*Write rpc = False/,
    );
  });

for (const connection of [
  'sql_connection = sqlite://',
  'connection = sqlite',
  'connection = sqlite:////var/lib/q.sqlite',
])
  test(`${connection} is refused and the problem says what to write instead`, (t) => {
    const [problem, ...others] = problems({ files: [file(t, `[DATABASE]\n${connection}\n`)] });
    assert.deepEqual(others, []);
    assert.match(
      problem ? describeProblem(problem) : '',
      /:2: sql_connection names SQLite.*Write mysql:\/\/user:password@host/,
    );
  });

test('each missing part of an Essex connection is a problem of its own', (t) => {
  const found = problems({ files: [file(t, '[DATABASE]\nconnection = mysql\npass = S3CRET\n')] });
  assert.deepEqual(
    found.map(({ wrong }) => /but (\w+) is missing/.exec(wrong)?.[1]),
    ['name', 'user', 'host'],
  );
  assert.doesNotMatch(JSON.stringify(found), /S3CRET/);
});

for (const [section, line, nearest] of [
  ['AGENT', 'poling_interval = 3', 'polling_interval'],
  ['DATABASE', 'sql_conection = mysql://u:S3CRET@h/d', 'sql_connection'],
  ['linux_bridge', 'physical_interface_maping = a:b', 'physical_interface_mappings'],
  ['DEFAULT', 'hots = compute-1', 'host'],
  ['DATABASE', 'pas = S3CRET', 'pass'],
  ['DATABASE', 'max_retires = 3', 'max_retries'],
] as const)
  test(`${line} in [${section}] is unknown, and ${nearest} is suggested`, (t) => {
    const { warnings } = loaded({ files: [file(t, `${HAVANA}\n[${section}]\n${line}\n`)] });
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['SETTING_UNKNOWN'],
    );
    assert.match(warnings[0]?.message ?? '', new RegExp(`nearest one is ${nearest}\\.$`));
    assert.doesNotMatch(warnings[0]?.message ?? '', /S3CRET/);
  });

test('an unknown section gives one warning with the nearest section', (t) => {
  const { warnings } = loaded({ files: [file(t, `${HAVANA}\n[DATABSE]\na = 1\nb = 2\n`)] });
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['SETTING_UNKNOWN'],
  );
  assert.match(warnings[0]?.message ?? '', /\[DATABSE\].*\[DATABASE\]/);
});

for (const text of [
  '[AGENT]\na_setting_of_another_agent = 1',
  '[DATABASE]\ndb_max_retries = 20\nslave_connection = mysql://u:p@h/d',
  '[NOVA]\nhost = compute-2',
  '[OVS]\nlocal_ip = 10.0.0.9',
  '[NEW_IN_A_LATER_RELEASE]\na = 1',
])
  test(`${text.replaceAll('\n', ' ')} is another program's, and taken without a word`, (t) => {
    assert.deepEqual(loaded({ files: [file(t, `${HAVANA}\n${text}\n`)] }).warnings, []);
  });

test('a setting of this agent in a section that is not its own gives a warning', (t) => {
  const { warnings } = loaded({ files: [file(t, `${HAVANA}\n[NOVA]\nread_only = True\n`)] });
  assert.match(warnings[0]?.message ?? '', /\[NOVA\] is not a known section, nothing in it is read/);
});

test('root_helper written many times gives one warning', (t) => {
  const { warnings } = loaded({
    files: [file(t, `${FOLSOM}\n[AGENT]\nroot_helper = a\nroot_helper_daemon = b\n`)],
  });
  assert.equal(warnings.length, 1);
});

test('read_only counts in whichever of the sections it stands', (t) => {
  for (const section of ['DEFAULT', 'DATABASE', 'LINUX_BRIDGE', 'VXLAN', 'AGENT'])
    assert.equal(
      loaded({ files: [file(t, `${HAVANA}\n[${section}]\nread_only = True\n`)] }).settings.database.readOnly,
      true,
    );
});
