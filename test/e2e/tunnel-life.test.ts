import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DATABASE, waitUntil } from '../support/databases/servers.js';
import { startCapture } from '../support/host/capture.js';
import { fdb, fdbOf } from '../support/host/fdb.js';
import { startFlows } from '../support/host/flows.js';
import {
  bridgeOf,
  masterOf,
  networkId,
  onUsualEngine,
  portId,
  type TestDatabase,
  tapOf,
} from '../support/host/host.js';
import { type Cleanup, command, ip, ipBatch, ipJson, ipLink } from '../support/host/netns.js';
import { makeGuest } from '../support/host/traffic.js';
import {
  type Booted,
  boot,
  type CloudHost,
  makeTunnelCloud,
  TENANT,
  waitForEnds,
  waitForMesh,
} from '../support/host/tunnel-cloud.js';

const BRIDGE = bridgeOf(TENANT.network);
const FLOOD = '00:00:00:00:00:00';

const pairsOf = (guests: readonly Booted[]) =>
  guests.flatMap((from) => guests.filter((to) => to !== from).map((to) => ({ from, to })));

/** The addresses of guests that somebody has written into the tunnel for good. */
const fixedIn = ({ namespace }: CloudHost): string[] =>
  fdbOf(namespace, TENANT.tunnel).flatMap(({ mac, state }) =>
    mac !== FLOOD && state === 'permanent' ? [mac] : [],
  );

/** The rows of a port that the agent before has served, and its guest in that agent's bridge. */
async function leftBefore(t: Cleanup, { rows }: TestDatabase, host: CloudHost, n: number): Promise<Booted> {
  const port = portId(n);
  await rows.port({ id: port, network: TENANT.network });
  await rows.binding({ port, host: host.name, segment: TENANT.network });
  ipBatch(host.namespace, [
    `link add ${BRIDGE} type bridge forward_delay 0 stp_state 0`,
    `link set ${BRIDGE} up`,
  ]);
  const guest = makeGuest(t, host.namespace, tapOf(port), n);
  ipBatch(host.namespace, [`link set ${tapOf(port)} master ${BRIDGE}`, `link set ${tapOf(port)} up`]);
  return { ...guest, port, tap: tapOf(port) };
}

const macOf = ({ namespace }: Booted): string => ipLink(namespace, 'eth0')?.address ?? '';

/** As Neutron's agent of Zed makes it with l2_population: on the interface that has local_ip, an entry for each host, one for each guest. */
function makeAsNeutron(
  host: CloudHost,
  others: readonly { readonly host: CloudHost; readonly guest: Booted }[],
): void {
  ipBatch(host.namespace, [
    `link add ${TENANT.tunnel} type vxlan id ${TENANT.vni} dev eth0 srcport 0 0 dstport 8472 local ${host.local}`,
    `link set ${TENANT.tunnel} mtu 1500 master ${BRIDGE}`,
    `link set ${TENANT.tunnel} up`,
  ]);
  for (const { host: other, guest } of others) writeAsNeutron(host, other, guest);
}

function writeAsNeutron(host: CloudHost, other: CloudHost, guest: Booted): void {
  const write = (verb: string, mac: string): string =>
    fdb(host.namespace, verb, mac, 'dev', TENANT.tunnel, 'dst', other.local);
  write('append', FLOOD);
  write('replace', macOf(guest));
}

onUsualEngine('MariaDB', 'ml2-zed', (database) => {
  test('hosts with tunnels of Neutron’s agent are taken over and handed back without a lost packet', async (t) => {
    const hosts = await makeTunnelCloud(t, database(), { hosts: 3, isRunning: false });
    const guests: Booted[] = [];
    for (const [at, host] of hosts.entries()) guests.push(await leftBefore(t, database(), host, at + 1));
    const all = hosts.flatMap((host, at) => (guests[at] ? [{ host, guest: guests[at] }] : []));
    const othersOf = (host: CloudHost) => all.filter((one) => one.host !== host);
    for (const host of hosts) makeAsNeutron(host, othersOf(host));
    const flows = await startFlows(t, pairsOf(guests));
    for (const host of hosts) await host.startAgain();
    await waitForEnds(database(), hosts.length);
    for (const host of hosts) {
      await waitUntil(() => fixedIn(host).length === 0, `${host.name} fixes no guest's address`);
      const device = ipLink(host.namespace, TENANT.tunnel);
      assert.match(device?.ifalias ?? '', /^quantum-linuxbridge-agent:/);
      assert.deepEqual([device?.master, device?.mtu], [BRIDGE, 1500]);
    }
    await waitForMesh(hosts);
    for (const { agent } of hosts) {
      agent().signal('SIGTERM');
      assert.equal(await agent().ended(), 0);
    }
    // The way back: Neutron's agent finds bridge and tunnel by their names, and writes its entries again.
    for (const host of hosts) {
      const [tunnel] = ipJson<{ linkinfo: { info_data: Record<string, unknown> } }>(
        host.namespace,
        'link',
        'show',
        TENANT.tunnel,
      );
      const { id, port, learning } = tunnel?.linkinfo.info_data ?? {};
      assert.deepEqual([id, port, learning], [TENANT.vni, 8472, true]);
      for (const { host: other, guest } of othersOf(host)) writeAsNeutron(host, other, guest);
    }
    const counted = await flows.count();
    assert.deepEqual(
      counted.filter(({ sent, lost }) => sent === 0 || lost > 0),
      [],
    );
  });

  test('a host that boots while the database is away reaches the other hosts', async (t) => {
    const hosts = await makeTunnelCloud(t, database(), { hosts: 2 });
    const guests: Booted[] = [];
    for (const [at, host] of hosts.entries()) guests.push(await boot(t, database(), host, at + 1));
    await waitForMesh(hosts);
    const [host] = hosts;
    assert.ok(host);
    host.agent().signal('SIGTERM');
    assert.equal(await host.agent().ended(), 0);
    ip(host.namespace, 'link', 'del', TENANT.tunnel);
    ip(host.namespace, 'link', 'del', BRIDGE);
    await database().server.stop();
    try {
      await host.startAgain();
      await waitForMesh(hosts);
      const flows = await startFlows(t, pairsOf(guests));
      const counted = await flows.count();
      assert.deepEqual(
        counted.filter(({ sent, lost }) => sent === 0 || lost > 0),
        [],
      );
    } finally {
      await database().server.start();
    }
  });

  test('a VNI that is another tenant’s now joins nobody, though the taps of the network that is gone are held', async (t) => {
    const hosts = await makeTunnelCloud(t, database(), { hosts: 2 });
    const [one, two] = hosts;
    assert.ok(one && two);
    const left: Booted[] = [];
    for (const n of [1, 2, 3]) left.push(await boot(t, database(), one, n));
    const heard = await Promise.all(
      left.map(({ namespace }) => startCapture(t, namespace, 'eth0', 'host 10.77.0.4 or host 10.77.0.99')),
    );
    const fresh = { ...TENANT, network: networkId(3) };
    const { network } = TENANT;
    await database().server.query(
      `delete from ml2_port_binding_levels; delete from ml2_port_bindings;
       delete from ports where network_id = '${network}';
       delete from networksegments where network_id = '${network}'; delete from networks where id = '${network}'`,
      DATABASE,
    );
    await database().rows.network({ id: fresh.network, type: 'vxlan', vlanId: fresh.vni });
    const guest = await boot(t, database(), two, 4, fresh);
    await one.agent().line('removals held, see accept');
    await waitUntil(
      () => ipLink(one.namespace, fresh.tunnel)?.master === undefined,
      'the tunnel leaves its bridge',
    );
    for (const { tap } of left) assert.equal(masterOf(one.namespace, tap), BRIDGE);
    // Whatever the new guest sends would come through the tunnel, if that still led anywhere.
    fdb(two.namespace, 'append', FLOOD, 'dev', fresh.tunnel, 'dst', one.local);
    const came = await startCapture(t, one.namespace, 'eth0', 'udp port 8472');
    await waitUntil(() => {
      command('ip', 'netns', 'exec', guest.namespace, 'bash', '-c', 'echo > /dev/udp/10.77.0.99/9');
      return came.count() > 3;
    }, 'what the guest sends comes to the host');
    assert.deepEqual(
      heard.map(({ count }) => count()),
      [0, 0, 0],
    );
  });
});
