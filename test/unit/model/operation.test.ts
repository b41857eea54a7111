import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Address,
  commandsOf,
  ifIndex,
  linkName,
  networkId,
  type Operation,
  type Route,
} from '../../../src/model/index.js';

const eth1 = { name: linkName('eth1'), index: ifIndex(2) };
const tap = { name: linkName('tap1'), index: ifIndex(7) };
const bridge = { name: linkName('brq1'), index: null };
const on = (device: { name: string }) =>
  ({ device: linkName(device.name), network: networkId('n1'), reason: 'a test', scope: 'network' }) as const;

/** One operation of every kind, and the commands that say the same. */
const WORDS: readonly [Operation, string[]][] = [
  [
    { ...on(bridge), op: 'create-bridge', mac: 'fa:00:00:00:00:01', vlanFiltering: true },
    [
      'ip link add brq1 address fa:00:00:00:00:01 group 7433314 type bridge stp_state 0 forward_delay 0 vlan_filtering 1',
    ],
  ],
  [
    { ...on({ name: 'eth1.100' }), op: 'create-subinterface', parent: eth1, vlanId: 100 },
    ['ip link add link eth1 name eth1.100 type vlan id 100'],
  ],
  [{ ...on(bridge), op: 'set-label', target: bridge, label: 'x:n1' }, ['ip link set brq1 alias x:n1']],
  [{ ...on(tap), op: 'disable-ipv6', target: tap }, ['echo 1 > /proc/sys/net/ipv6/conf/tap1/disable_ipv6']],
  [{ ...on(bridge), op: 'set-mac', target: bridge, mac: 'fa:1' }, ['ip link set brq1 address fa:1']],
  [{ ...on(tap), op: 'set-mtu', target: tap, mtu: 1450 }, ['ip link set tap1 mtu 1450']],
  [
    { ...on(bridge), op: 'set-bridge-options', target: bridge },
    ['ip link set brq1 type bridge stp_state 0 forward_delay 0'],
  ],
  [{ ...on(tap), op: 'set-up', target: tap }, ['ip link set tap1 up']],
  [{ ...on(tap), op: 'attach', target: tap, bridge }, ['ip link set tap1 master brq1']],
  [
    { ...on(tap), op: 'attach', target: tap, bridge, group: 7_433_314 },
    ['ip link set tap1 master brq1 group 7433314'],
  ],
  [{ ...on(tap), op: 'set-group', target: tap, group: 7 }, ['ip link set tap1 group 7']],
  [
    { ...on(tap), op: 'set-tap-filter', drops: { tagged: false, switchFrames: true } },
    [
      'nft add table bridge quantum-linuxbridge-agent',
      "nft add chain bridge quantum-linuxbridge-agent from_tap '{ type filter hook prerouting priority -400; }'",
      'nft add rule bridge quantum-linuxbridge-agent from_tap iifgroup != 7433314 accept',
      'nft add rule bridge quantum-linuxbridge-agent from_tap @ll,0,48 & 0xffffffffffd0 == 0x0180c2000000 drop',
      'nft add rule bridge quantum-linuxbridge-agent from_tap @ll,0,24 == 0x01000c drop',
      "nft add chain bridge quantum-linuxbridge-agent to_host '{ type filter hook input priority -400; }'",
      'nft add rule bridge quantum-linuxbridge-agent to_host iifgroup != 7433314 accept',
      'nft add rule bridge quantum-linuxbridge-agent to_host meta l4proto != 0x3a accept',
      'nft add rule bridge quantum-linuxbridge-agent to_host @th,0,8 == 0x86 drop',
      'nft add rule bridge quantum-linuxbridge-agent to_host @th,0,8 == 0x89 drop',
    ],
  ],
  [
    { ...on(tap), op: 'set-tap-filter', drops: { tagged: false, switchFrames: false } },
    ['nft delete table bridge quantum-linuxbridge-agent'],
  ],
  [{ ...on(tap), op: 'detach', target: tap, bridge }, ['ip link set tap1 nomaster']],
  [{ ...on(bridge), op: 'delete-bridge', target: bridge }, ['ip link delete brq1']],
  [
    {
      ...on({ name: 'eth1.100' }),
      op: 'delete-subinterface',
      target: { name: linkName('eth1.100'), index: null },
    },
    ['ip link delete eth1.100'],
  ],
];

for (const [operation, expected] of WORDS) {
  test(`${operation.op} in iproute2's words`, () => {
    assert.deepEqual(commandsOf(operation), expected);
  });
}

test('a bridge that lets tagged frames pass is made without the option', () => {
  const operation: Operation = { ...on(bridge), op: 'create-bridge', mac: 'fa:1', vlanFiltering: false };
  assert.deepEqual(commandsOf(operation), [
    'ip link add brq1 address fa:1 group 7433314 type bridge stp_state 0 forward_delay 0',
  ]);
});

test('the IPv6 settings of a flat bridge are four files, disable_ipv6 last', () => {
  const settings = { disabled: false, acceptRa: 2, autoconf: true, forwarding: false };
  assert.deepEqual(commandsOf({ ...on(bridge), op: 'set-ipv6', target: bridge, settings }), [
    'echo 2 > /proc/sys/net/ipv6/conf/brq1/accept_ra',
    'echo 1 > /proc/sys/net/ipv6/conf/brq1/autoconf',
    'echo 0 > /proc/sys/net/ipv6/conf/brq1/forwarding',
    'echo 0 > /proc/sys/net/ipv6/conf/brq1/disable_ipv6',
  ]);
});

const ADDRESSES: Address[] = [
  { family: 'inet', address: '10.1.0.5', prefixLength: 24, scope: 0, leased: false, raw: '' },
  { family: 'inet6', address: '2001:db8::5', prefixLength: 64, scope: 0, leased: false, raw: '' },
];
const ROUTES: Route[] = [
  {
    family: 'inet',
    destination: 'default',
    gateway: '10.1.0.1',
    table: 254,
    metric: 50,
    protocol: 4,
    raw: '',
  },
];

test('addresses are on the bridge, and routes too, before the interface joins it and loses them', () => {
  const membership = 'join';
  const operation: Operation = {
    ...on(eth1),
    op: 'move-addresses',
    from: eth1,
    to: bridge,
    membership,
    addresses: ADDRESSES,
    routes: ROUTES,
  };
  assert.deepEqual(commandsOf(operation), [
    'ip address add 10.1.0.5/24 dev brq1',
    'ip -6 address add 2001:db8::5/64 dev brq1 nodad',
    'ip route append default via 10.1.0.1 dev brq1 table 254 metric 50',
    'ip link set eth1 master brq1',
    'ip address del 10.1.0.5/24 dev eth1',
    'ip -6 address del 2001:db8::5/64 dev eth1',
  ]);
});

test('on the way back it is the interface that leaves', () => {
  const back = { from: bridge, to: eth1, membership: 'leave', addresses: [], routes: [] } as const;
  assert.deepEqual(commandsOf({ ...on(eth1), op: 'move-addresses', ...back }), ['ip link set eth1 nomaster']);
});
