import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import type { Kernel } from '../../src/model/kernel.js';
import type { Operation } from '../../src/model/operation.js';
import {
  type Cleanup,
  endProcess,
  ip,
  ipBatch,
  ipJson,
  ipLink,
  makeNamespace,
  makeVeth,
  spawnIn,
} from '../support/netns.js';
import {
  about,
  applied,
  BRIDGE,
  createBridge,
  eventually,
  kernelInNamespace,
  linkOf,
  madeRef,
  refOf,
  refused,
} from './fixture.js';

const MAC = '02:00:00:00:01:05';
const ECHO_PORT = 7007;

/** A host whose one interface carries all that an operator may have put there, and the router on its other side. */
async function flatHost(t: Cleanup): Promise<{ ns: string; router: string; kernel: Kernel }> {
  const { ns, kernel } = kernelInNamespace(t, ['eth0']);
  const router = makeNamespace(t);
  makeVeth(ns, 'eth0', router, 'port0');
  ipBatch(ns, ['link set eth0 down', `link set eth0 address ${MAC} up`]);
  ipBatch(router, [
    'address add 10.1.0.1/24 dev port0',
    'address add 10.1.0.2/24 dev port0',
    'address add 2001:db8::1/64 dev port0 nodad',
    'address add fe80::1/64 dev port0 nodad',
  ]);
  ipBatch(ns, [
    'address add 10.1.0.5/24 brd + dev eth0 label eth0:main',
    'address add 10.1.0.6/24 dev eth0',
    'address add 10.7.0.5/16 dev eth0 scope site metric 77',
    'address add 10.8.0.1 peer 10.8.0.2/32 dev eth0 valid_lft 3600 preferred_lft 1800',
    'address add 10.6.0.5/24 dev eth0 noprefixroute',
    'address add 2001:db8::5/64 dev eth0 nodad',
    'address add 2001:db8:7::5/64 dev eth0 nodad valid_lft 3600 preferred_lft 1800 metric 99',
    'route add default via 10.1.0.1 dev eth0',
    'route add default via 10.1.0.2 dev eth0 metric 200',
    'route add 10.9.0.0/16 via 10.1.0.2 dev eth0 src 10.1.0.6 mtu 1400',
    'route add 10.10.0.0/16 dev eth0 scope link proto static',
    'route add 10.11.0.0/16 tos 0x10 via 10.1.0.1 dev eth0',
    'route add 172.31.0.1/32 via 192.168.99.1 dev eth0 onlink',
    'route add default via 10.1.0.2 dev eth0 table 100',
    'route add 10.1.0.0/24 dev eth0 table 100',
    'route add local 10.66.0.0/24 dev eth0 table local',
    'route add 10.12.0.0/16 nexthop via 10.1.0.1 dev eth0 weight 2 nexthop via 10.1.0.2 dev eth0',
    'route add default via 2001:db8::1 dev eth0',
    'route add default via fe80::1 dev eth0 metric 2048',
    'route add 2001:db8:9::/48 via 2001:db8::1 dev eth0 src 2001:db8::5 expires 3000',
    'route add default via fe80::1 dev eth0 table 100',
    'route add 2001:db8:b::/48 nexthop via 2001:db8::1 dev eth0 nexthop via fe80::1 dev eth0',
  ]);
  // The link-local address comes by itself, a little later.
  await eventually('the link-local address is ready', () =>
    ip(ns, 'address', 'show', 'dev', 'eth0', 'scope', 'link', '-tentative').includes('fe80'),
  );
  return { ns, router, kernel };
}

/** What a device carries, as `ip` tells it, without what may differ: the device's name (and the label made of it), lifetimes counting down, and how things are. */
function carried(ns: string, device: string): { addresses: unknown[]; routes: unknown[] } {
  const addresses = ipJson<{ ifname: string; addr_info: Record<string, unknown>[] }>(
    ns,
    'address',
    'show',
    'dev',
    device,
  )
    .flatMap((row) => row.addr_info)
    .map(({ label, valid_life_time, preferred_life_time, nodad, ...rest }) => ({
      ...rest,
      endless: valid_life_time === 0xffffffff,
    }));
  const routes = ['-4', '-6']
    .flatMap((family) => ipJson(ns, family, 'route', 'show', 'table', 'all'))
    .filter((row) => JSON.stringify(row).includes(`"dev":"${device}"`))
    .map((row) => JSON.parse(JSON.stringify(row).replaceAll(device, 'DEVICE')))
    .map(({ expires, flags, ...rest }) => ({ ...rest, ends: expires !== undefined }));
  const sorted = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort();
  return { addresses: sorted(addresses), routes: sorted(routes) };
}

const prepareBridge = (kernel: Kernel): void =>
  applied(kernel, createBridge(BRIDGE, MAC), { ...about(BRIDGE), op: 'set-up', target: madeRef(BRIDGE) });

function move(kernel: Kernel, from: string, to: string, membership: 'join' | 'leave' | 'none'): Operation {
  const { addresses, routes } = linkOf(kernel, from);
  return {
    ...about(BRIDGE),
    op: 'move-addresses',
    from: refOf(kernel, from),
    to: refOf(kernel, to),
    membership,
    addresses,
    routes,
  };
}

/** A TCP echo server in the router's namespace, and connections to it from the host. */
async function openConnections(t: Cleanup, router: string): Promise<Socket[]> {
  const script = `require('net').createServer(c => c.pipe(c)).listen(${ECHO_PORT}, '::', () => console.log('up'))`;
  const server = spawnIn(router, process.execPath, '-e', script);
  t.after(() => endProcess(server));
  if (server.stdout) await once(server.stdout, 'data');
  return ['10.1.0.1', '2001:db8::1'].map((host) => {
    const socket = connect({ host, port: ECHO_PORT, noDelay: true });
    t.after(() => {
      socket.destroy();
    });
    return socket;
  });
}

async function roundTripMs(socket: Socket): Promise<number> {
  const start = performance.now();
  socket.write('x');
  await once(socket, 'data', { signal: AbortSignal.timeout(5_000) });
  return performance.now() - start;
}

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
  for (const socket of sockets) await roundTripMs(socket);
  prepareBridge(kernel);
  applied(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  for (const socket of sockets) assert.ok((await roundTripMs(socket)) < 1_000);
  applied(kernel, move(kernel, BRIDGE, 'eth0', 'leave'));
  for (const socket of sockets) assert.ok((await roundTripMs(socket)) < 1_000);
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
  assert.deepEqual(carried(ns, BRIDGE), { addresses: [], routes: [] });
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
  for (const socket of sockets) await roundTripMs(socket);
  const before = carried(ns, 'eth0');
  prepareBridge(kernel);
  // A macvlan holds the interface's receive handler, which a bridge needs, too.
  ip(ns, 'link', 'add', 'mv0', 'link', 'eth0', 'type', 'macvlan', 'mode', 'private');
  const failure = refused(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
  assert.equal(failure.errno, 'EBUSY');
  assert.deepEqual(carried(ns, 'eth0'), before);
  assert.equal(ipLink(ns, 'eth0')?.master, undefined);
  for (const socket of sockets) assert.ok((await roundTripMs(socket)) < 1_000);
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
