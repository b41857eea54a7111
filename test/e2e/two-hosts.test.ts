import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeSite, OPEN_ENGINES } from '../support/databases/outside-database.js';
import { type Rows, rowsOf } from '../support/databases/rows.js';
import { type TestServer, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import {
  type GuestHost,
  guestProgram,
  makeMachine,
  reaches,
  startGuestHost,
} from '../support/host/guest-host.js';
import { bridgeOf, networkId, portId, tapOf, waitForStatus } from '../support/host/host.js';

/** Ports 1 and 2 are on the first network, 3 and 4 on the second; the odd ones are on the first host. */
const NETWORKS = [
  { id: networkId(1), vlanId: 100, ports: [1, 2] },
  { id: networkId(2), vlanId: 200, ports: [3, 4] },
] as const;
const hostOf = (port: number): number => (port + 1) % 2;

const configOf = (url: string, host: number): string => `[DATABASE]
sql_connection = ${url}
reconnect_interval = 0.5
[LINUX_BRIDGE]
physical_interface_mappings = physnet1:vec0
[AGENT]
polling_interval = 0.5
host = host${host}
`;

async function fill(rows: Rows): Promise<void> {
  for (const { id, vlanId, ports } of NETWORKS) {
    await rows.network({ id, type: 'vlan', physicalNetwork: 'physnet1', vlanId });
    for (const port of ports) await rows.port({ id: portId(port), network: id, host: `host${hostOf(port)}` });
  }
}

/** Two machines of one subnet on each host, one of either network, and an agent that wires them. */
async function prepareHost(host: GuestHost, url: string, number: number): Promise<void> {
  writeFileSync(join(host.folder, 'agent.ini'), configOf(url, number));
  for (const port of [1, 2, 3, 4].filter((one) => hostOf(one) === number)) {
    await host.run(...makeMachine(`vm${port}`, tapOf(portId(port)), `10.0.0.${port}/24`));
  }
  await host.run(`${guestProgram('/run/out/agent.ini', 'run')} > /run/out/agent.log 2>&1 &`);
}

/** How many frames the machine's card has received. */
async function received(host: GuestHost, machine: string): Promise<number> {
  const printed = await host.run(`ip -n ${machine} -j -s link show inside`);
  const [link] = JSON.parse(printed) as { stats64: { rx: { packets: number } } }[];
  return link?.stats64.rx.packets ?? Number.NaN;
}

describe('two User-mode Linux hosts with an agent each on one PostgreSQL, joined by an outer bridge', () => {
  const cleanups: (() => void | Promise<void>)[] = [];
  const t = { after: (end: () => void | Promise<void>) => void cleanups.unshift(end) };
  const hosts: GuestHost[] = [];
  let server: TestServer;
  const hostWith = (port: number): GuestHost => {
    const host = hosts[hostOf(port)];
    assert.ok(host, 'the guests have not started');
    return host;
  };
  const canReach = async (port: number, other: number): Promise<boolean> => {
    const { status } = await hostWith(port).attempt(reaches(`vm${port}`, `10.0.0.${other}`));
    return status === 0;
  };
  const logs = (): string =>
    hosts.map(({ folder }) => readFileSync(join(folder, 'agent.log'), 'utf8')).join('\n');

  before(async () => {
    const site = await makeSite(t, OPEN_ENGINES[0].start, 2);
    server = site.server;
    await createSchema(server, 'grizzly');
    await fill(rowsOf(server, 'grizzly'));
    hosts.push(
      ...(await Promise.all(site.cards.map((card, n) => startGuestHost(t, card, `10.200.0.${n + 2}/24`)))),
    );
    await Promise.all(hosts.map((host, n) => prepareHost(host, site.url, n)));
    for (const port of [1, 2, 3, 4]) {
      await waitForStatus(rowsOf(server, 'grizzly'), portId(port), 'ACTIVE').catch((error: Error) => {
        throw new Error(`${error.message}; the agents say\n${logs()}`);
      });
    }
  });
  after(async () => {
    for (const end of cleanups) await end();
  });

  test('each agent has wired the taps of its own host, each network on its VLAN', async () => {
    for (const { id, vlanId, ports } of NETWORKS) {
      for (const port of ports) {
        const host = hostWith(port);
        assert.equal((await host.link(tapOf(portId(port))))?.master, bridgeOf(id));
        const uplink = await host.link(`vec0.${vlanId}`);
        assert.deepEqual([uplink?.master, uplink?.linkinfo?.info_data?.id], [bridgeOf(id), vlanId]);
      }
    }
  });

  test('a frame passes between the machines of one network, on either network', async () => {
    await waitUntil(() => canReach(1, 2), 'a frame passes on the first network');
    await waitUntil(() => canReach(3, 4), 'a frame passes on the second network');
  });

  test('no frame passes between machines of two networks, neither across hosts nor on one', async () => {
    // What they know of each other from the test before they would ask for again, and count those frames.
    for (const port of [3, 4]) await hostWith(port).run(`ip -n vm${port} neighbour flush dev inside`);
    const [near, far] = [await received(hostWith(3), 'vm3'), await received(hostWith(4), 'vm4')];
    assert.equal(await canReach(1, 3), false);
    assert.equal(await canReach(1, 4), false);
    assert.deepEqual([await received(hostWith(3), 'vm3'), await received(hostWith(4), 'vm4')], [near, far]);
  });

  test('a VLAN id that changes in the database changes on both hosts, and frames pass again', async () => {
    const [network] = NETWORKS;
    await server.query(
      `update network_bindings set vlan_id = 300 where network_id = '${network.id}'`,
      'quantum',
    );
    for (const host of hosts) {
      await waitUntil(
        async () => (await host.link('vec0.300'))?.master === bridgeOf(network.id),
        'vec0.300 is in the bridge',
      );
      assert.equal(await host.link('vec0.100'), undefined);
    }
    for (const [port, other] of [
      [1, 2],
      [2, 1],
    ] as const) {
      await hostWith(port).run(`ip -n vm${port} neighbour flush dev inside`);
      await waitUntil(() => canReach(port, other), `vm${port} reaches vm${other} again`);
    }
  });
});
