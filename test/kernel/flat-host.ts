import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Kernel } from '../../src/model/kernel.js';
import type { Operation } from '../../src/model/operation.js';
import {
  type Cleanup,
  endProcess,
  ip,
  ipBatch,
  ipJson,
  makeNamespace,
  makeVeth,
  spawnIn,
} from '../support/host/netns.js';
import { HANG_LIMIT_MS } from '../support/limit.js';
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
} from './fixture.js';

export const MAC = '02:00:00:00:01:05';
const ECHO_PORT = 7007;

/**
 * A host whose one interface carries all that an operator may have put there, and the router on its other
 * side.
 */
export async function flatHost(t: Cleanup): Promise<{ ns: string; router: string; kernel: Kernel }> {
  const { ns, kernel } = kernelInNamespace(t);
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
    'neighbour add 10.1.0.77 lladdr 02:00:00:00:77:04 dev eth0 nud permanent',
    'neighbour add 2001:db8::77 lladdr 02:00:00:00:77:06 dev eth0 nud permanent',
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

/**
 * What a device carries, as `ip` tells it, without what may differ: the device's name (and the label made of
 * it), lifetimes counting down, and how things are.
 */
export function carried(
  ns: string,
  device: string,
): { addresses: unknown[]; routes: unknown[]; neighbours: unknown[] } {
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
  const neighbours = ipJson(ns, 'neighbour', 'show', 'dev', device, 'nud', 'permanent');
  return { addresses: sorted(addresses), routes: sorted(routes), neighbours: sorted(neighbours) };
}

export const prepareBridge = (kernel: Kernel): void =>
  applied(kernel, createBridge(BRIDGE, MAC), { ...about(BRIDGE), op: 'set-up', target: madeRef(BRIDGE) });

export function move(
  kernel: Kernel,
  from: string,
  to: string,
  membership: 'join' | 'leave' | 'none',
): Operation {
  const { addresses, index } = linkOf(kernel, from);
  return {
    ...about(BRIDGE),
    op: 'move-addresses',
    from: refOf(kernel, from),
    to: refOf(kernel, to),
    membership,
    addresses,
    routes: kernel.routesOver(index),
  };
}

/** A TCP echo server in the router's namespace, and connections to it from the host. */
export async function openConnections(t: Cleanup, router: string): Promise<Socket[]> {
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

/**
 * Sends a text over each connection, and waits until just that has come back over the same one. Rejects when one of them
 * was reset, or has not given it all back in time.
 */
export async function exchange(sockets: readonly Socket[], text: string): Promise<void> {
  for (const socket of sockets) {
    const signal = AbortSignal.timeout(HANG_LIMIT_MS);
    socket.write(text);
    let back = '';
    while (back.length < text.length) {
      const [chunk] = (await once(socket, 'data', { signal })) as [Buffer];
      back += chunk.toString();
    }
    assert.equal(back, text);
  }
}
