import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { IfIndex } from '../../src/model/ids.js';
import type { Kernel } from '../../src/model/kernel.js';
import type { HostState, Link } from '../../src/model/link.js';
import { type IpLink, ip, ipBatch, ipJson, makeNamespace, makeTap, makeVeth } from '../support/host/netns.js';
import { startQuietWitness } from '../support/host/witness.js';
import { eventually, kernelInNamespace, linkOf, notifications } from './fixture.js';

interface IpAddress {
  readonly family: string;
  readonly local: string;
  readonly prefixlen: number;
}

/** What `ip` and the picture both tell of a link, in one form. */
interface Common {
  readonly name: string;
  readonly up: boolean;
  readonly mac: string;
  readonly mtu: number;
  readonly master: string | null;
  readonly alias: string;
  readonly kind: string;
  readonly addresses: string[];
}

function fromIp(namespace: string): Common[] {
  const addresses = new Map(
    ipJson<{ ifname: string; addr_info: IpAddress[] }>(namespace, 'address', 'show').map((row) => [
      row.ifname,
      row.addr_info.map(({ family, local, prefixlen }) => `${family} ${local}/${prefixlen}`).sort(),
    ]),
  );
  return ipJson<IpLink>(namespace, 'link', 'show')
    .map((row) => ({
      name: row.ifname,
      up: row.flags.includes('UP'),
      mac: row.address ?? '',
      mtu: row.mtu,
      master: row.master ?? null,
      alias: row.ifalias ?? '',
      kind: row.linkinfo?.info_kind ?? '',
      addresses: addresses.get(row.ifname) ?? [],
    }))
    .sort(byName);
}

function fromPicture(state: HostState): Common[] {
  const nameOf = (index: IfIndex | null) => (index === null ? null : (state.links.get(index)?.name ?? '?'));
  return [...state.links.values()]
    .map((link: Link) => ({
      name: link.name,
      up: link.up,
      mac: link.mac,
      mtu: link.mtu,
      master: nameOf(link.master),
      alias: link.alias,
      kind: link.detail.kind === 'other' ? link.detail.type : link.detail.kind,
      addresses: link.addresses
        .map(({ family, address, prefixLength }) => `${family} ${address}/${prefixLength}`)
        .sort(),
    }))
    .sort(byName);
}

/** The kernel gives a link its own IPv6 address a little later, so the two may need a moment to agree. */
async function expectSame(kernel: Kernel, namespace: string): Promise<void> {
  await eventually('the picture and ip agree', () =>
    isDeepStrictEqual(fromPicture(kernel.observe()), fromIp(namespace)),
  ).catch(() => assert.deepEqual(fromPicture(kernel.observe()), fromIp(namespace)));
}

const byName = (one: { name: string }, other: { name: string }): number => (one.name < other.name ? -1 : 1);

function makeHost(ns: string, peer: string): void {
  makeVeth(ns, 'eth0', peer, 'port0');
  makeTap(ns, 'tap1');
  ipBatch(ns, [
    'link add br1 type bridge stp_state 1',
    'link add br2 type bridge forward_delay 0',
    'link set br1 alias "a label with spaces"',
    'link set br1 up',
    'link set tap1 mtu 1400 master br1',
    'address add 10.1.0.5/24 brd + dev eth0',
    'address add 10.1.0.6/24 dev eth0',
    'address add 10.8.0.1 peer 10.8.0.2/32 dev eth0',
    'address add 2001:db8::5/64 dev eth0 nodad valid_lft 600 preferred_lft 300',
    'address add 2001:db8:1:0:1::/80 dev br1 nodad',
    'route add default via 10.1.0.1 dev eth0 metric 50',
    'route add 10.9.0.0/16 via 10.1.0.2 dev eth0 table 100',
    'route add default via 2001:db8::1 dev eth0',
  ]);
}

test('the first picture is what ip sees', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeHost(ns, makeNamespace(t));
  await expectSame(kernel, ns);
});

test('a picture kept from notifications is what ip sees, also after links, addresses and ports went', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  assert.equal(kernel.observe().byName.size, fromIp(ns).length);
  makeHost(ns, makeNamespace(t));
  await expectSame(kernel, ns);
  ipBatch(ns, [
    'link set tap1 nomaster',
    'address del 10.1.0.5/24 dev eth0',
    'link set br1 down',
    'link set br1 alias ""',
    'link del br2',
    'link set br1 name br9',
    'link set eth0 address 02:00:00:00:00:77',
  ]);
  await expectSame(kernel, ns);
  kernel.invalidate();
  await expectSame(kernel, ns);
});

test('a port that leaves its bridge is still there', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  ipBatch(ns, ['link add br1 type bridge', 'tuntap add dev tap1 mode tap', 'link set tap1 master br1']);
  assert.equal(linkOf(kernel, 'tap1').master, linkOf(kernel, 'br1').index);
  ip(ns, 'link', 'set', 'tap1', 'nomaster');
  assert.equal(linkOf(kernel, 'tap1').master, null);
});

test('bridge details and lifetimes are read', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeHost(ns, makeNamespace(t));
  const { detail } = linkOf(kernel, 'br1');
  assert.equal(detail.kind, 'bridge');
  assert.equal(detail.kind === 'bridge' && detail.stp, true);
  assert.equal(detail.kind === 'bridge' && detail.forwardDelayMs, 15_000);
  const leased = linkOf(kernel, 'eth0').addresses.filter((address) => address.leased);
  assert.deepEqual(
    leased.map(({ address }) => address),
    ['2001:db8::5'],
  );
});

test('IPv6 settings are those under /proc/sys', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'tap1');
  kernel.observe();
  const set = (file: string, value: number) =>
    writeFileSync(`/proc/sys/net/ipv6/conf/tap1/${file}`, String(value));
  set('accept_ra', 2);
  set('autoconf', 0);
  set('forwarding', 1);
  set('disable_ipv6', 1);
  kernel.invalidate();
  assert.deepEqual(linkOf(kernel, 'tap1').ipv6, {
    disabled: true,
    acceptRa: 2,
    autoconf: false,
    forwarding: true,
  });
});

test('the routes over a link are read when somebody asks for them', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeHost(ns, makeNamespace(t));
  const routes = kernel.routesOver(linkOf(kernel, 'eth0').index).filter(({ protocol }) => protocol === 3);
  assert.deepEqual(
    routes.map(({ family, destination, gateway, table, metric }) => [
      family,
      destination,
      gateway,
      table,
      metric,
    ]),
    [
      ['inet', '10.9.0.0/16', '10.1.0.2', 100, 0],
      ['inet', 'default', '10.1.0.1', 254, 50],
      ['inet6', 'default', '2001:db8::1', 254, 1024],
    ],
  );
});

/** Waits until the kernel has told what was done before; nobody listens any more then. */
async function quiet(namespace: string): Promise<void> {
  const ends: (() => unknown)[] = [];
  await startQuietWitness({ after: (end) => void ends.push(end) }, namespace);
  for (const end of ends.reverse()) await end();
}

test('ten thousand routes over a bridge of somebody else are nothing that a look at the host has to take in', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeHost(ns, makeNamespace(t));
  await quiet(ns);
  const before = kernel.observe();
  ipBatch(
    ns,
    Array.from({ length: 10_000 }, (_, n) => `route add 10.${100 + (n >> 8)}.${n & 255}.0/24 dev br1`),
  );
  assert.equal(notifications().waiting, 0);
  assert.equal(kernel.observe(), before);
  assert.ok(kernel.routesOver(linkOf(kernel, 'br1').index).length > 10_000);
});

test('a lease that a DHCP client renews is no change of the host', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeHost(ns, makeNamespace(t));
  const lease = (seconds: number) =>
    `address replace 10.44.0.5/24 dev eth0 valid_lft ${seconds} preferred_lft ${seconds}`;
  ipBatch(ns, [lease(600)]);
  const before = kernel.observe();
  assert.equal(linkOf(kernel, 'eth0').addresses.find(({ leased }) => leased)?.address, '10.44.0.5');
  ipBatch(ns, [lease(900)]);
  assert.equal(kernel.observe(), before);
  ipBatch(ns, ['address replace 10.44.0.5/24 dev eth0 valid_lft forever preferred_lft forever']);
  assert.ok(kernel.observe().version > before.version);
});

test('nothing changed: the very same value', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeHost(ns, makeNamespace(t));
  const first = kernel.observe();
  assert.equal(kernel.observe(), first);
});

test('a whole reading of an unchanged host is the very same value, too', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'tap1');
  const before = kernel.observe();
  kernel.invalidate();
  assert.equal(kernel.observe(), before);
});

test('a link has every other name that somebody gave it, also one that comes later', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeVeth(ns, 'eth1', makeNamespace(t), 'port1');
  ipBatch(ns, ['link property add dev eth1 altname enp3s0f0 altname eth-of-the-rack-in-the-north']);
  const names = (): readonly string[] => linkOf(kernel, 'eth1').altNames;
  assert.deepEqual(names(), ['enp3s0f0', 'eth-of-the-rack-in-the-north']);
  ipBatch(ns, ['link set eth1 up', 'link property del dev eth1 altname enp3s0f0']);
  await eventually('the other name is gone', () => names().join() === 'eth-of-the-rack-in-the-north');
});
