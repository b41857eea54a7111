import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fdb, fdbOf } from '../../support/host/fdb.js';
import { command, ip, ipBatch } from '../../support/host/netns.js';
import { makeGuest, startTraffic } from '../../support/host/traffic.js';
import { BRIDGE, type CloudHost, DEVICE, makeCloud, plug } from './cloud.js';

/** Hosts of the cloud; it has as many as are named. */
const of = (hosts: readonly CloudHost[], at: number): CloudHost => {
  const host = hosts[at];
  assert.ok(host);
  return host;
};

/** How many UDP packets came to a host at a port where nobody listens: those of a tunnel that it does not have. */
const strays = ({ ns }: CloudHost): number => {
  const text = command('ip', 'netns', 'exec', ns, 'cat', '/proc/net/snmp', '/proc/net/snmp6');
  const [, values = ''] = [...text.matchAll(/^Udp: (.*)$/gm)].map(([, line]) => line);
  return Number(values.split(' ')[1]) + Number(/^Udp6NoPorts\s+(\d+)/m.exec(text)?.[1] ?? 0);
};

const endpoints = ({ ns }: CloudHost): string[] =>
  fdbOf(ns, DEVICE)
    .filter(({ mac }) => mac === '00:00:00:00:00:00')
    .map(({ dst }) => dst)
    .sort();

for (const family of ['IPv4', 'IPv6'] as const) {
  test(`guests of three hosts reach each other over ${family}, and a host without the network sees nothing`, async (t) => {
    const hosts = makeCloud(t, family, 4);
    const members = hosts.slice(0, 3);
    const guests = members.map((host, at) => {
      const guest = makeGuest(t, host.ns, 'tap1', at + 1);
      plug(host, 'tap1');
      return guest;
    });
    for (const host of members) host.pass(members);
    for (const host of members) assert.deepEqual(host.pass(members), []);
    const [one, two, three] = guests;
    assert.ok(one && two && three);
    for (const [from, to] of [
      [one, two],
      [two, three],
      [three, one],
    ] as const) {
      const traffic = await startTraffic(t, from, to);
      assert.equal((await traffic.stop()).lost, 0);
    }
    assert.equal(strays(of(hosts, 3)), 0);
  });
}

test('tunnels that a Neutron agent made are taken over while guests talk, without a lost packet', async (t) => {
  const hosts = makeCloud(t, 'IPv4', 2);
  const guests = hosts.map((host, at) => {
    const guest = makeGuest(t, host.ns, 'tap1', at + 1);
    plug(host, 'tap1');
    return guest;
  });
  const [one, two] = guests;
  assert.ok(one && two);
  for (const [at, host] of hosts.entries()) {
    const other = of(hosts, 1 - at);
    const mac =
      command('ip', '-n', (guests[1 - at] ?? one).namespace, '-br', 'link', 'show', 'eth0').split(/\s+/)[2] ??
      '';
    // Zed's agent with l2_population: dev, local, a flood entry and a permanent one for each remote port.
    ipBatch(host.ns, [
      `link add ${DEVICE} type vxlan id 1001 dev eth0 srcport 0 0 dstport 8472 local ${host.local}`,
      `link set ${DEVICE} mtu 1450 master ${BRIDGE}`,
      `link set ${DEVICE} up`,
    ]);
    fdb(host.ns, 'append', '00:00:00:00:00:00', 'dev', DEVICE, 'dst', other.local);
    fdb(host.ns, 'replace', mac, 'dev', DEVICE, 'dst', other.local);
  }
  const traffic = await startTraffic(t, one, two);
  for (const host of hosts) assert.notDeepEqual(host.pass(hosts), []);
  for (const host of hosts) assert.deepEqual(host.pass(hosts), []);
  const { sent, lost } = await traffic.stop();
  assert.ok(sent > 0);
  assert.equal(lost, 0);
  for (const [at, host] of hosts.entries()) {
    assert.deepEqual(endpoints(host), [of(hosts, 1 - at).local]);
    const fixed = fdbOf(host.ns, DEVICE).filter(
      ({ mac, state }) => mac !== '00:00:00:00:00:00' && state === 'permanent',
    );
    assert.deepEqual(fixed, []);
  }
});

test('a guest that moves to a host which joins the network is reached there, and its old host leaves the list later', async (t) => {
  const hosts = makeCloud(t, 'IPv4', 3);
  const [left, old, fresh] = [of(hosts, 0), of(hosts, 1), of(hosts, 2)];
  const stays = makeGuest(t, left.ns, 'tap1', 1);
  const moves = makeGuest(t, old.ns, 'tap2', 2);
  plug(left, 'tap1');
  plug(old, 'tap2');
  for (const host of [left, old]) host.pass([left, old]);
  const before = await startTraffic(t, stays, moves);
  await before.stop();
  // The guest's end goes to the other host with its address: a veth's peer stays where it is when the tap moves.
  ip(old.ns, 'link', 'set', 'tap2', 'nomaster');
  ip(old.ns, 'link', 'set', 'tap2', 'netns', fresh.ns);
  plug(fresh, 'tap2');
  for (const host of [left, fresh]) host.pass([left, fresh]);
  assert.deepEqual(endpoints(left), [old.local, fresh.local]);
  // Whoever has moved speaks first, as a hypervisor sees to it.
  const after = await startTraffic(t, moves, stays);
  assert.equal((await after.stop()).lost, 0);
  for (const afterMs of [30_000, 30_000, 1_000]) left.pass([left, fresh], afterMs);
  assert.deepEqual(endpoints(left), [fresh.local]);
});
