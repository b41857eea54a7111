import { FLOOD_MAC } from '../../../src/model/forwarding.js';
import { waitUntil } from '../databases/servers.js';
import { type ConfigFile, makeConfig, type RunningAgent, socketUrl, startAgent } from './agent.js';
import { fdbOf } from './fdb.js';
import { networkId, portId, type TestDatabase, tapOf, waitForStatus } from './host.js';
import type { Cleanup } from './netns.js';
import { type Guest, makeGuest } from './traffic.js';
import { type Family, makeWire, type WiredHost } from './wire.js';

/** A network of type vxlan; its segment has the network's id. */
export interface Tenant {
  readonly network: string;
  readonly vni: number;
  readonly tunnel: string;
}

export const TENANT: Tenant = { network: networkId(1), vni: 1001, tunnel: 'vxlan-1001' };
export const OTHER_TENANT: Tenant = { network: networkId(2), vni: 1002, tunnel: 'vxlan-1002' };

/** A host of the cloud. */
export interface CloudHost extends WiredHost {
  /** As the database has it. */
  readonly name: string;
  readonly config: ConfigFile;
  /** The one that runs now, or ran last. */
  agent(): RunningAgent;
  /** Starts an agent after the end of the one before. */
  startAgain(): Promise<RunningAgent>;
}

export interface CloudWords {
  readonly family?: Family;
  readonly hosts: number;
  /** Lines of every agent's configuration, over those of the tests. */
  readonly agent?: readonly string[];
  /** false: `startAgain` starts them. */
  readonly isRunning?: boolean;
  /** Environment of every agent. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Hosts on one wire with an agent each, all of which have told the database where their tunnels end; and both networks. */
export async function makeTunnelCloud(
  t: Cleanup,
  database: TestDatabase,
  { family = 'IPv4', hosts, agent = [], isRunning = true, environment = {} }: CloudWords,
): Promise<readonly CloudHost[]> {
  for (const { network: id, vni } of [TENANT, OTHER_TENANT])
    await database.rows.network({ id, type: 'vxlan', vlanId: vni });
  const cloud = await Promise.all(
    makeWire(t, family, hosts).map(async ({ namespace, local }, at): Promise<CloudHost> => {
      const name = `host${at + 1}`;
      const settings = [`host = ${name}`, `local_ip = ${local}`, 'l2_population = true', ...agent];
      const config = makeConfig({ url: socketUrl(database.server), agent: settings });
      const start = (): Promise<RunningAgent> => startAgent(t, namespace, config, { environment });
      let current = isRunning ? await start() : null;
      return {
        namespace,
        local,
        name,
        config,
        agent: () => {
          if (current === null) throw new Error(`the agent of ${name} was not started yet`);
          return current;
        },
        startAgain: async () => {
          current = await start();
          return current;
        },
      };
    }),
  );
  if (isRunning) await waitForEnds(database, hosts);
  return cloud;
}

/** Waits until so many hosts have told where their tunnels end. */
export const waitForEnds = (database: TestDatabase, hosts: number): Promise<void> =>
  waitUntil(async () => {
    const rows = await database.server.query(
      `select host from agents where configurations like '%"tunnel_types":["vxlan"]%'`,
      'quantum',
    );
    return rows.length === hosts;
  }, 'every host says where its tunnels end');

/** A guest whose port is bound to a host; `n` from 1 to 9 gives port and address. */
export interface Booted extends Guest {
  readonly port: string;
  readonly tap: string;
}

/** Makes the rows of a port and plugs its guest in, as the server and Nova do; waits until it is ACTIVE. */
export async function boot(
  t: Cleanup,
  { rows }: TestDatabase,
  { name, namespace }: Pick<CloudHost, 'name' | 'namespace'>,
  n: number,
  { network }: Tenant = TENANT,
): Promise<Booted> {
  const port = portId(n);
  await rows.port({ id: port, network });
  await rows.binding({ port, host: name, segment: network });
  const guest = makeGuest(t, namespace, tapOf(port), n);
  await waitForStatus(rows, port, 'ACTIVE');
  return { ...guest, port, tap: tapOf(port) };
}

/** To whom a tunnel floods, sorted; null: there is no such tunnel. */
export function floodListOf(
  { namespace }: Pick<CloudHost, 'namespace'>,
  { tunnel }: Tenant,
): string[] | null {
  try {
    return fdbOf(namespace, tunnel)
      .flatMap(({ mac, dst }) => (mac === FLOOD_MAC ? [dst] : []))
      .sort();
  } catch (error) {
    if (/Cannot find device/.test(String(error))) return null;
    throw error;
  }
}

/** Waits until the host floods the network to exactly these. */
export const waitForFloodList = (
  host: CloudHost,
  others: readonly Pick<CloudHost, 'local'>[],
  tenant: Tenant = TENANT,
): Promise<void> => {
  const wanted = others.map(({ local }) => local).sort();
  return waitUntil(
    () => JSON.stringify(floodListOf(host, tenant)) === JSON.stringify(wanted),
    `${host.name} floods ${tenant.tunnel} to ${wanted}`,
  );
};

/** Waits until each of these hosts floods the network to all the others of them. */
export async function waitForMesh(hosts: readonly CloudHost[], tenant: Tenant = TENANT): Promise<void> {
  for (const host of hosts) {
    const others = hosts.filter((other) => other !== host);
    await waitForFloodList(host, others, tenant);
  }
}
