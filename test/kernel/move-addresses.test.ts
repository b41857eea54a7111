import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ip, ipBatch, ipJson, ipLink, makeNamespace, makeVeth } from '../support/host/netns.js';
import { startWitness } from '../support/host/witness.js';
import { about, applied, BRIDGE, createBridge, refOf, refused } from './fixture.js';
import { carried, exchange, flatHost, MAC, move, openConnections, prepareBridge } from './flat-host.js';

test('joining a bridge, an interface hands over every address and route, and gets all of it back when it leaves', async (t) => {
  const { ns, kernel } = await flatHost(t);
  const before = carried(ns, 'eth0');
  assert.equal(before.addresses.length, 8);
  prepareBridge(kernel);
  applied(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  assert.deepEqual(carried(ns, BRIDGE), before);
  assert.deepEqual(carried(ns, 'eth0').addresses, []);
  assert.equal(ipLink(ns, 'eth0')?.master, BRIDGE);
  applied(kernel, move(kernel, BRIDGE, 'eth0', 'leave'));
  assert.deepEqual(carried(ns, 'eth0'), before);
  assert.equal(ipLink(ns, 'eth0')?.master, undefined);
  applied(kernel, { ...about(BRIDGE), op: 'delete-bridge', target: refOf(kernel, BRIDGE) });
});

test('open TCP connections go on over IPv4 and IPv6, there and back', async (t) => {
  const { router, kernel } = await flatHost(t);
  const sockets = await openConnections(t, router);
  await exchange(sockets, 'before');
  prepareBridge(kernel);
  applied(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  await exchange(sockets, 'on the bridge');
  applied(kernel, move(kernel, BRIDGE, 'eth0', 'leave'));
  await exchange(sockets, 'back again');
});

test('addresses with a lifetime keep what is left of it', async (t) => {
  const { ns, kernel } = await flatHost(t);
  prepareBridge(kernel);
  applied(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  const leased = ipJson<{
    addr_info: { local: string; valid_life_time: number; preferred_life_time: number }[];
  }>(ns, 'address', 'show', 'dev', BRIDGE)
    .flatMap((row) => row.addr_info)
    .filter((row) => row.valid_life_time !== 0xffffffff);
  assert.deepEqual(leased.map(({ local }) => local).sort(), ['10.8.0.1', '2001:db8:7::5']);
  for (const { valid_life_time, preferred_life_time } of leased) {
    assert.ok(valid_life_time > 3500 && valid_life_time <= 3600, String(valid_life_time));
    assert.ok(preferred_life_time > 1700 && preferred_life_time <= 1800, String(preferred_life_time));
  }
});

test('the same move again changes nothing', async (t) => {
  const { ns, kernel } = await flatHost(t);
  prepareBridge(kernel);
  const operation = move(kernel, 'eth0', BRIDGE, 'join');
  applied(kernel, operation);
  const after = carried(ns, BRIDGE);
  applied(kernel, operation);
  assert.deepEqual(carried(ns, BRIDGE), after);
});

test('killed between adding and removing: the move is finished by doing it again', async (t) => {
  const { ns, kernel } = await flatHost(t);
  const before = carried(ns, 'eth0');
  prepareBridge(kernel);
  // Half of it is on the bridge already.
  ipBatch(ns, [
    `address add 10.1.0.5/24 brd + dev ${BRIDGE}`,
    `address add 2001:db8::5/64 dev ${BRIDGE} nodad`,
    `route append default via 10.1.0.1 dev ${BRIDGE}`,
    `route append default via 2001:db8::1 dev ${BRIDGE}`,
  ]);
  applied(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  assert.deepEqual(carried(ns, BRIDGE), before);
  assert.deepEqual(carried(ns, 'eth0').addresses, []);
});

test('an address renewed on the enslaved uplink goes to the bridge with its new lifetime', async (t) => {
  const { ns, kernel } = await flatHost(t);
  prepareBridge(kernel);
  applied(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  ip(
    ns,
    'address',
    'add',
    '10.8.0.1',
    'peer',
    '10.8.0.2/32',
    'dev',
    'eth0',
    'valid_lft',
    '7200',
    'preferred_lft',
    '7200',
  );
  applied(kernel, move(kernel, 'eth0', BRIDGE, 'none'));
  assert.deepEqual(ipJson(ns, '-4', 'address', 'show', 'dev', 'eth0'), []);
  const renewed = ipJson<{ addr_info: { local: string; valid_life_time: number }[] }>(
    ns,
    'address',
    'show',
    'dev',
    BRIDGE,
  )
    .flatMap((row) => row.addr_info)
    .find(({ local }) => local === '10.8.0.1');
  assert.ok((renewed?.valid_life_time ?? 0) > 7000);
  assert.equal(ipLink(ns, 'eth0')?.master, BRIDGE);
});

test('a bridge that is down cannot hold the routes: nothing is moved and nothing is left behind', async (t) => {
  const { ns, kernel } = await flatHost(t);
  const before = carried(ns, 'eth0');
  applied(kernel, createBridge(BRIDGE, MAC));
  const failure = refused(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  assert.equal(failure.errno, 'ENETDOWN');
  assert.deepEqual(carried(ns, 'eth0'), before);
  assert.deepEqual(carried(ns, BRIDGE), { addresses: [], routes: [], neighbours: [] });
  assert.equal(ipLink(ns, 'eth0')?.master, undefined);
});

test('a bridge without IPv6 cannot hold the IPv6 addresses: nothing is moved and nothing is left behind', async (t) => {
  const { ns, kernel } = await flatHost(t);
  const before = carried(ns, 'eth0');
  prepareBridge(kernel);
  applied(kernel, { ...about(BRIDGE), op: 'disable-ipv6', target: refOf(kernel, BRIDGE) });
  const failure = refused(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  assert.match(failure.message, /2001:db8/);
  assert.deepEqual(carried(ns, 'eth0'), before);
  assert.deepEqual(carried(ns, BRIDGE).addresses, []);
  assert.equal(ipLink(ns, 'eth0')?.master, undefined);
});

test('an interface that the bridge refuses keeps its addresses, routes and connections', async (t) => {
  const { ns, router, kernel } = await flatHost(t);
  const sockets = await openConnections(t, router);
  await exchange(sockets, 'before');
  const before = carried(ns, 'eth0');
  prepareBridge(kernel);
  // A macvlan holds the interface's receive handler, which a bridge needs, too.
  ip(ns, 'link', 'add', 'mv0', 'link', 'eth0', 'type', 'macvlan', 'mode', 'private');
  const operation = move(kernel, 'eth0', BRIDGE, 'join');
  const witness = await startWitness(t, ns);
  assert.equal(refused(kernel, operation).errno, 'EBUSY');
  const touched = (await witness.events()).filter((line) => /inet|via|lladdr|route/.test(line));
  assert.deepEqual(touched, [], 'no address, route or neighbour was touched');
  assert.deepEqual(carried(ns, 'eth0'), before);
  assert.equal(ipLink(ns, 'eth0')?.master, undefined);
  await exchange(sockets, 'after');
});

test('more permanent neighbours than one exchange holds move with the addresses', async (t) => {
  const { ns, kernel } = await flatHost(t);
  const numbers = Array.from({ length: 600 }, (_, number) => `10.9.${number >> 8}.${number & 255}`);
  ipBatch(ns, [
    'address add 10.9.255.1/16 dev eth0',
    ...numbers.map((address) => `neighbour add ${address} lladdr 02:00:00:00:00:09 dev eth0 nud permanent`),
  ]);
  const before = carried(ns, 'eth0');
  prepareBridge(kernel);
  applied(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  assert.deepEqual(carried(ns, BRIDGE).neighbours, before.neighbours);
  assert.equal(ipLink(ns, 'eth0')?.master, BRIDGE);
});

test('an interface in somebody else’s bridge is not moved', async (t) => {
  const { ns, kernel } = await flatHost(t);
  prepareBridge(kernel);
  ip(ns, 'link', 'add', 'br0', 'type', 'bridge');
  ip(ns, 'link', 'set', 'eth0', 'master', 'br0');
  assert.equal(refused(kernel, move(kernel, 'eth0', BRIDGE, 'join')).errno, 'EBUSY');
  assert.equal(ipLink(ns, 'eth0')?.master, 'br0');
});

test('a route with a nexthop object is refused by name before anything is changed', async (t) => {
  const { ns, kernel } = await flatHost(t);
  ip(ns, 'nexthop', 'add', 'id', '5', 'via', '10.1.0.1', 'dev', 'eth0');
  ip(ns, 'route', 'add', '10.99.0.0/16', 'nhid', '5');
  const before = carried(ns, 'eth0');
  prepareBridge(kernel);
  const failure = refused(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  assert.equal(failure.errno, 'EOPNOTSUPP');
  assert.match(failure.message, /10\.99\.0\.0\/16/);
  assert.deepEqual(carried(ns, 'eth0'), before);
});

test('a route with ways over two interfaces keeps the other way', async (t) => {
  const { ns, kernel } = await flatHost(t);
  const other = makeNamespace(t);
  makeVeth(ns, 'eth1', other, 'port1');
  ipBatch(ns, [
    'address add 10.2.0.5/24 dev eth1',
    'route add 10.13.0.0/16 nexthop via 10.1.0.1 dev eth0 nexthop via 10.2.0.1 dev eth1',
    'address add 2001:db8:2::5/64 dev eth1 nodad',
    'route add 2001:db8:c::/48 nexthop via 2001:db8::1 dev eth0 nexthop via 2001:db8:2::1 dev eth1',
  ]);
  prepareBridge(kernel);
  applied(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  for (const prefix of ['10.13.0.0/16', '2001:db8:c::/48']) {
    const rows = ipJson<{ dst: string; nexthops: { dev: string }[] }>(
      ns,
      prefix.includes(':') ? '-6' : '-4',
      'route',
      'show',
      prefix,
    );
    assert.equal(rows.length, 1);
    assert.deepEqual(rows[0]?.nexthops.map(({ dev }) => dev).sort(), [BRIDGE, 'eth1']);
  }
});
