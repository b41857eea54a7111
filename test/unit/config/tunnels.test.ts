import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProblem } from '../../../src/config/problem.js';
import { file, loaded, problems } from './support.js';

const CONNECTION = '[DATABASE]\nconnection = mysql://neutron:secret@db/neutron\n';

/** As a linuxbridge_agent.ini of Neutron says it. */
const tunnelsOf = (t: Parameters<typeof file>[0], vxlan: string, agent = '') =>
  loaded({ files: [file(t, `${CONNECTION}[agent]\n${agent}\n[vxlan]\n${vxlan}\n`)] }).settings.host.tunnels;

const problemsOf = (t: Parameters<typeof file>[0], vxlan: string): string[] =>
  problems({ files: [file(t, `${CONNECTION}[vxlan]\n${vxlan}\n`)] }).map((problem) =>
    describeProblem(problem).replace(/^.*?:\d+: /, ''),
  );

test('a linuxbridge_agent.ini with every setting of tunnels is read as it is', (t) => {
  const vxlan = `enable_vxlan = True
local_ip = 192.0.2.1
l2_population = false
vxlan_group = 239.1.0.0/16
multicast_ranges = 239.2.0.1:100:199,239.2.0.2:200:299
ttl = 12
tos = 8
udp_srcport_min = 30000
udp_srcport_max = 40000
udp_dstport = 4789
arp_responder = false`;
  assert.deepEqual(tunnelsOf(t, vxlan, 'dscp = 10'), {
    local: '192.0.2.1',
    port: 4789,
    ttl: 12,
    tos: 8,
    sourcePorts: { min: 30000, max: 40000 },
    multicast: {
      ranges: [
        { group: '239.2.0.1', min: 100, max: 199 },
        { group: '239.2.0.2', min: 200, max: 299 },
      ],
      base: { group: '239.1.0.0', prefixLength: 16 },
    },
  });
});

test('l2_population, or no vxlan_group, means that the database tells who is where', (t) => {
  const local = 'local_ip = 192.0.2.1\n';
  assert.notEqual(tunnelsOf(t, local)?.multicast, null);
  assert.equal(tunnelsOf(t, `${local}l2_population = True`)?.multicast, null);
  assert.equal(tunnelsOf(t, `${local}vxlan_group =`)?.multicast, null);
});

test('tos comes before dscp_inherit, and that before dscp', (t) => {
  assert.equal(tunnelsOf(t, '', 'dscp = 46')?.tos, 184);
  assert.equal(tunnelsOf(t, '', 'dscp = 46\ndscp_inherit = True')?.tos, 1);
  assert.equal(tunnelsOf(t, 'tos = 16', 'dscp_inherit = True')?.tos, 16);
  assert.equal(tunnelsOf(t, '')?.tos, null);
});

test('local_ip has one text, however it was written', (t) => {
  assert.equal(tunnelsOf(t, 'l2_population = 1\nlocal_ip = 2001:DB8:0:0::0:1')?.local, '2001:db8::1');
});

for (const [vxlan, sentence] of [
  [
    'local_ip = fe80::1%eth0',
    'local_ip is not an IP address: value was "fe80::1%eth0". Write an IPv4 or IPv6 address of this host.',
  ],
  [
    'vxlan_group = 10.0.0.1',
    'vxlan_group is not a multicast address: value was "10.0.0.1". Write a multicast address, or a network of them as 239.1.0.0/16.',
  ],
  [
    'vxlan_group = 224.0.0.0/3',
    'vxlan_group is not a network of multicast addresses alone: value was "224.0.0.0/3". Write a multicast address, or a network of them as 239.1.0.0/16.',
  ],
  [
    'multicast_ranges = 239.1.1.1:20:10',
    'multicast_ranges has an item whose VNIs are no range between 0 and 16777215: value was "239.1.1.1:20:10". Write a list of group:first:last, for example 239.1.1.1:1:1000,239.1.1.2:1001:2000.',
  ],
  [
    'multicast_ranges = 239.1.1.1',
    'multicast_ranges has an item that is not group:first:last with a multicast address: value was "239.1.1.1". Write a list of group:first:last, for example 239.1.1.1:1:1000,239.1.1.2:1001:2000.',
  ],
  [
    'udp_srcport_min = 5000',
    'udp_srcport_min is 5000, which is more than udp_srcport_max, 0. Write a range of UDP ports, or 0 for both.',
  ],
  [
    'local_ip = 2001:db8::1',
    'vxlan_group has the group 224.0.0.1, which is of another family than local_ip 2001:db8::1. Write groups of the family of local_ip, or l2_population = true where the other hosts have it.',
  ],
  [
    'local_ip = 2001:db8::1\nvxlan_group = ff05::1\nmulticast_ranges = 239.1.1.1:1:2',
    'multicast_ranges has the group 239.1.1.1, which is of another family than local_ip 2001:db8::1. Write groups of the family of local_ip, or l2_population = true where the other hosts have it.',
  ],
] as const)
  test(`"${vxlan}" is refused in one sentence`, (t) => assert.deepEqual(problemsOf(t, vxlan), [sentence]));

test('settings of tunnels that do not go together are no problem where there are none', (t) => {
  assert.equal(tunnelsOf(t, 'enable_vxlan = false\nlocal_ip = 2001:db8::1\nudp_srcport_min = 1'), null);
});

test('arp_responder is warned of where tunnels are served', (t) => {
  const codesOf = (vxlan: string) =>
    loaded({ files: [file(t, `${CONNECTION}[vxlan]\narp_responder = True\n${vxlan}`)] }).warnings.map(
      ({ code }) => code,
    );
  assert.deepEqual(codesOf(''), ['ARP_RESPONDER_IGNORED']);
  assert.deepEqual(codesOf('enable_vxlan = False'), []);
});
