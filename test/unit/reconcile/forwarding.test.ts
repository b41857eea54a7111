import assert from 'node:assert/strict';
import { test } from 'node:test';
import { floodEntry, groupOf } from '../../../src/model/index.js';
import {
  carryOutAll,
  DEVICE,
  floodsTo,
  inPlace,
  LOCAL,
  NETWORK,
  passes,
  rowsOf,
  tunnelHost,
  tunnelPass,
  UNICAST,
} from '../../support/simulated/tunnel-scene.js';

const BRIDGE = 'brqaaaaaaaa-bb';
const PEERS = { 'node-2': '192.0.2.2', 'node-3': '192.0.2.3' };
const MAC = 'fa:16:3e:00:00:05';

const fdb = (verb: 'append' | 'del', endpoint: string, mac = '00:00:00:00:00:00'): string =>
  `bridge fdb ${verb} ${mac} dev ${DEVICE} dst ${endpoint} self`;

test('a vxlan network with a tap here gets its tunnel, whole before the first frame of a guest', () => {
  const host = tunnelHost();
  const { operations, commands, warnings } = tunnelPass(host, rowsOf(PEERS));
  assert.deepEqual(commands, [
    `ip link add ${DEVICE} type vxlan id 1001 local ${LOCAL} dstport 8472 learning`,
    `ip link set ${DEVICE} alias quantum-linuxbridge-agent:${NETWORK.id}`,
    `echo 1 > /proc/sys/net/ipv6/conf/${DEVICE}/disable_ipv6`,
    `ip link set ${DEVICE} mtu 1450`,
    fdb('append', '192.0.2.2'),
    fdb('append', '192.0.2.3'),
    `ip link set ${DEVICE} master ${BRIDGE}`,
    `ip link set ${DEVICE} up`,
  ]);
  assert.deepEqual(warnings, []);
  assert.equal(carryOutAll(host, operations), null);
  assert.deepEqual(tunnelPass(host, rowsOf(PEERS)).operations, []);
});

test('without an MTU of the network the tunnel has what the interface below leaves, over IPv4 and IPv6', () => {
  const unsaid = { ...NETWORK, mtu: null };
  assert.ok(
    tunnelPass(tunnelHost(), rowsOf({}), { networks: [unsaid] }).commands.includes(
      `ip link set ${DEVICE} mtu 1450`,
    ),
  );
  const host = tunnelHost([{ name: 'eth2', addresses: ['2001:db8::1/64'] }]);
  const settings = { ...UNICAST, local: '2001:db8::1' };
  const { commands } = tunnelPass(host, rowsOf({ 'node-2': '2001:db8::2' }), {
    settings,
    networks: [unsaid],
  });
  assert.ok(commands.includes(`ip link set ${DEVICE} mtu 1430`));
  assert.ok(commands.includes(fdb('append', '2001:db8::2')));
});

test('a host that appears, or arrives, has its entry at once', () => {
  const { commands } = tunnelPass(inPlace(['192.0.2.2']), rowsOf(PEERS));
  assert.deepEqual(commands, [fdb('append', '192.0.2.3')]);
});

test('a host that is no longer there loses its entry after three answers and sixty seconds', () => {
  const rows = rowsOf({ 'node-2': '192.0.2.2' });
  const slow = inPlace(['192.0.2.2', '192.0.2.3']);
  assert.equal(passes(slow, rows, 2, {}, 70_000).pending, 1);
  const three = inPlace(['192.0.2.2', '192.0.2.3']);
  passes(three, rows, 20, {}, 3_000);
  assert.deepEqual(floodsTo(three), ['192.0.2.2', '192.0.2.3']);
  passes(three, rows, 22, {}, 3_000);
  assert.deepEqual(floodsTo(three), ['192.0.2.2']);
});

test('a host that is back before loses nothing, and is counted anew', () => {
  const host = inPlace(['192.0.2.2', '192.0.2.3']);
  const without = rowsOf({ 'node-2': '192.0.2.2' });
  let { memory } = passes(host, without, 2);
  ({ memory } = tunnelPass(host, rowsOf(PEERS), { memory, nowMs: 61_000 }));
  const last = tunnelPass(host, without, { memory, nowMs: 62_000 });
  assert.deepEqual([last.commands, last.pending], [[], 1]);
});

test('a host without a usable end keeps what leads to it, and is named', () => {
  for (const problem of ['it has no row in agents', 'its agent says no tunneling_ip']) {
    const host = inPlace(['192.0.2.2', '192.0.2.3']);
    const before = tunnelPass(host, rowsOf(PEERS));
    const rows = rowsOf({ ...PEERS, 'node-3': problem });
    const { codes, warnings } = passes(host, rows, 9, { memory: before.memory });
    assert.deepEqual(codes, ['VTEP_UNKNOWN']);
    assert.match(warnings[0]?.message ?? '', new RegExp(`node-3.*${problem}`));
    assert.deepEqual(floodsTo(host), ['192.0.2.2', '192.0.2.3']);
  }
});

test('while a host has no known end, an entry of nobody knows whom stays, and one of a host that is gone goes', () => {
  const host = inPlace(['192.0.2.2', '192.0.2.3', '192.0.2.9']);
  const { memory } = tunnelPass(host, rowsOf(PEERS));
  passes(host, rowsOf({ 'node-2': '192.0.2.2', 'node-4': 'it has no row in agents' }), 5, { memory });
  assert.deepEqual(floodsTo(host), ['192.0.2.2', '192.0.2.9']);
});

test('a changed end is added at once, and the old one goes like that of a host that is gone', () => {
  const host = inPlace(['192.0.2.2', '192.0.2.3']);
  const { memory } = tunnelPass(host, rowsOf(PEERS));
  const moved = rowsOf({ ...PEERS, 'node-3': '192.0.2.33' });
  const first = tunnelPass(host, moved, { memory });
  assert.deepEqual(first.commands, [fdb('append', '192.0.2.33')]);
  passes(host, moved, 5, { memory });
  assert.deepEqual(floodsTo(host), ['192.0.2.2', '192.0.2.33']);
});

test('a segment that was not read yet says nothing', () => {
  const { commands, warnings } = passes(inPlace(['192.0.2.2']), { hosts: {}, ends: {} }, 5);
  assert.deepEqual([commands, warnings], [[], []]);
});

test('without an answer nothing is taken away, and what was lost is put back', () => {
  const host = inPlace(['192.0.2.9', { ...floodEntry('192.0.2.9'), mac: MAC }]);
  const last = passes(host, rowsOf(PEERS), 9, { basis: 'memory' });
  assert.deepEqual(floodsTo(host), ['192.0.2.2', '192.0.2.3', '192.0.2.9']);
  assert.ok([...host.entries.values()].flat().some(({ mac }) => mac === MAC));
  assert.deepEqual(last.operations, []);
});

test('in multicast mode the tunnel floods to its group, and no entry is written', () => {
  const base = { group: '239.0.0.0', prefixLength: 16 };
  const settings = { ...UNICAST, multicast: { ranges: [], base } };
  const host = tunnelHost();
  const { operations, commands } = tunnelPass(host, rowsOf(PEERS), { settings });
  assert.equal(
    commands[0],
    `ip link add ${DEVICE} type vxlan id 1001 group 239.0.3.233 dev eth1 local ${LOCAL} dstport 8472 learning`,
  );
  assert.ok(!commands.some((line) => line.startsWith('bridge fdb')));
  assert.equal(carryOutAll(host, operations), null);
  assert.deepEqual(tunnelPass(host, rowsOf(PEERS), { settings }).operations, []);
});

test('the group of a VNI is that of its range, else what the last bits of the VNI number, else the one there is', () => {
  const base = { group: '224.0.0.1', prefixLength: 32 };
  const ranges = [{ group: '239.1.1.1', min: 1000, max: 1999 }];
  assert.equal(groupOf({ ranges, base }, 1000), '239.1.1.1');
  assert.equal(groupOf({ ranges, base }, 2000), '224.0.0.1');
  assert.equal(
    groupOf({ ranges: [], base: { group: '239.0.0.0', prefixLength: 8 } }, 0x123456),
    '239.18.52.86',
  );
  assert.equal(groupOf({ ranges: [], base: { group: 'ff05::100', prefixLength: 120 } }, 0x203), 'ff05::103');
});

const NEVER = [
  ['an address of this host', '10.0.0.1'],
  ['an address of the other family', '2001:db8::2'],
  ['any', '0.0.0.0'],
  ['a multicast address', '239.1.1.1'],
  ['the loopback', '127.0.0.1'],
] as const;
for (const [what, address] of NEVER) {
  test(`${what} is never a destination`, () => {
    const host = inPlace(['192.0.2.2']);
    const eth1 = host.named('eth1');
    assert.ok(eth1);
    host.put({
      ...eth1,
      addresses: [...eth1.addresses, ...eth1.addresses.map((one) => ({ ...one, address: '10.0.0.1' }))],
    });
    const { commands, codes } = tunnelPass(host, rowsOf({ 'node-2': '192.0.2.2', 'node-3': address }));
    assert.deepEqual(commands, []);
    assert.deepEqual(codes, [address === '10.0.0.1' ? 'VTEP_DUPLICATE' : 'VTEP_UNKNOWN']);
  });
}

test('an entry that leads back to this host goes at once: it cuts off its own guests', () => {
  assert.deepEqual(tunnelPass(inPlace([LOCAL, '192.0.2.2']), rowsOf({ 'node-2': '192.0.2.2' })).commands, [
    fdb('del', LOCAL),
  ]);
});

test('two hosts with one end have one entry, and are named', () => {
  const { commands, codes, warnings } = tunnelPass(
    inPlace([]),
    rowsOf({ 'node-2': '192.0.2.2', 'node-3': '192.0.2.2' }),
  );
  assert.deepEqual(commands, [fdb('append', '192.0.2.2')]);
  assert.deepEqual(codes, ['VTEP_DUPLICATE']);
  assert.match(warnings[0]?.message ?? '', /node-2 and node-3/);
});

test('a tunnel of a Neutron agent is taken over as it is: learning, local_ip, no MAC address fixed, no group', () => {
  const group = { ...floodEntry('224.0.0.1'), via: null };
  const mac = { ...floodEntry('192.0.2.2'), mac: MAC };
  const host = inPlace(
    ['192.0.2.2', group, mac],
    { learning: false, local: null, group: '224.0.0.1' },
    { alias: '' },
  );
  const { commands, operations, codes } = tunnelPass(host, rowsOf(PEERS));
  assert.deepEqual(commands, [
    `ip link set ${DEVICE} alias quantum-linuxbridge-agent:${NETWORK.id}`,
    `ip link set ${DEVICE} type vxlan local ${LOCAL} learning`,
    fdb('append', '192.0.2.3'),
    fdb('del', '192.0.2.2', MAC),
    fdb('del', '224.0.0.1'),
  ]);
  assert.deepEqual(codes, []);
  carryOutAll(host, operations);
  assert.deepEqual(floodsTo(host), ['192.0.2.2', '192.0.2.3']);
});

test('the group stays while the end of some host is unknown', () => {
  const host = inPlace(['224.0.0.1']);
  passes(host, rowsOf({ 'node-2': '192.0.2.2', 'node-3': 'it has no row in agents' }), 5);
  assert.deepEqual(floodsTo(host), ['192.0.2.2', '224.0.0.1']);
});

test("a tunnel with another port or a proxy is used as it is, and made again only on an operator's word", () => {
  const host = inPlace(['192.0.2.2'], { port: 4789, proxy: true });
  const { commands, codes, warnings } = tunnelPass(host, rowsOf(PEERS));
  assert.deepEqual(commands, [fdb('append', '192.0.2.3')]);
  assert.deepEqual(codes, ['VXLAN_DEVICE_DIFFERS']);
  assert.match(warnings[0]?.message ?? '', /its UDP port is 4789, not 8472; it answers ARP itself/);
  const again = tunnelPass(host, rowsOf(PEERS), { accepted: 'all' });
  assert.equal(carryOutAll(host, again.operations), null);
  assert.deepEqual(floodsTo(host), ['192.0.2.2', '192.0.2.3']);
  assert.deepEqual(
    [tunnelPass(host, rowsOf(PEERS)).operations, tunnelPass(host, rowsOf(PEERS)).codes],
    [[], []],
  );
});
