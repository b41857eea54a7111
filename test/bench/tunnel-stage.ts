import type { EngineName } from '../support/databases/engines.js';
import type { TestServer } from '../support/databases/servers.js';
import { type Bench, cloudOn, insertRange } from './stage.js';

/** Where the tunnels of this host end. */
export const LOCAL = '10.8.1.1';
export const NETWORKS_EACH = 50;
/** The ports of a network are spread over so many other hosts. */
const OTHERS = 200;

/** Networks of one size, each with one port here, which has the network's number. */
export interface Size {
  readonly ports: number;
  readonly networks: readonly number[];
}

export const SIZES: readonly Size[] = [20, 200, 5_000].map((ports, at) => ({
  ports,
  networks: Array.from({ length: NETWORKS_EACH }, (_, index) => at * NETWORKS_EACH + index + 1),
}));

/** Ports in all networks of a size. */
export const countIn = ({ ports }: Size): number => ports * NETWORKS_EACH;
/** Other hosts that a network of this size has ports on. */
export const countOthers = ({ ports }: Size): number => Math.min(ports - 1, OTHERS);

/** A server whose tables have the networks of all sizes; `indexed`: the index on segments is there, which MySQL always has. */
export async function tunnelCloudOn(bench: Bench, engine: EngineName, indexed: boolean): Promise<TestServer> {
  const networks = NETWORKS_EACH * SIZES.length;
  const server = await cloudOn(bench, { ports: networks, networks }, { engine, generation: 'ml2-zed' });
  const query = (statement: string) => server.query(statement, 'quantum');
  const isPostgres = server.engine === 'postgresql';
  await query(`update networks set mtu = 1450`);
  const vni = isPostgres ? `('x' || substr(id, 1, 8))::bit(32)::int` : 'conv(substr(id, 1, 8), 16, 10)';
  await query(`update networksegments set segmentation_id = ${vni} - 268435456`);
  let first = networks + 1;
  for (const size of SIZES) {
    const last = first + NETWORKS_EACH * (size.ports - 1) - 1;
    await addOthers(server, [first, last], size);
    first = last + 1;
  }
  await addAgents(server);
  await query('create index i1 on ports (network_id, mac_address)');
  if (indexed)
    await query(
      `create index x on ml2_port_binding_levels (segment_id${isPostgres ? ', host, port_id' : ''})`,
    );
  const tables = 'ports, ml2_port_bindings, ml2_port_binding_levels, networks, networksegments';
  await query(isPostgres ? 'vacuum analyze' : `analyze table ${tables}`);
  return server;
}

/** Ports with these numbers in the networks of a size, in turn, and each network's on one other host after another. */
async function addOthers(
  server: TestServer,
  range: readonly [number, number],
  { networks: [first = 0] }: Size,
): Promise<void> {
  const whole = server.engine === 'postgresql' ? '/' : 'div';
  const network = `${first} + (n - ${range[0]}) % ${NETWORKS_EACH}`;
  const host = `((n - ${range[0]}) ${whole} ${NETWORKS_EACH}) % ${OTHERS} + 1`;
  await insertRange(
    server,
    'ports (id, network_id, mac_address, admin_state_up, status, device_owner)',
    range,
    ({ id, text }) => {
      const mac = text("'fa:16:'", 'n');
      return `${id('aaaa')}, ${id('bbbb', network)}, ${mac}, true, 'ACTIVE', 'compute:nova'`;
    },
  );
  await insertRange(
    server,
    'ml2_port_bindings (port_id, host, vif_type)',
    range,
    ({ id, text }) => `${id('aaaa')}, ${text("'other'", `(${host})`)}, 'bridge'`,
  );
  await insertRange(
    server,
    'ml2_port_binding_levels (port_id, host, level, driver, segment_id)',
    range,
    ({ id, text }) =>
      `${id('aaaa')}, ${text("'other'", `(${host})`)}, 0, 'linuxbridge', ${id('bbbb', network)}`,
  );
}

async function addAgents(server: TestServer): Promise<void> {
  const program = server.engine === 'postgresql' ? '"binary"' : '`binary`';
  const columns = `id, agent_type, ${program}, topic, host, admin_state_up, created_at, started_at, heartbeat_timestamp`;
  await insertRange(server, `agents (${columns}, configurations)`, [1, OTHERS], ({ id, text }) => {
    const end = text(`'{"tunnel_types": ["vxlan"], "tunneling_ip": "10.8.0.'`, 'n', `'"}'`);
    const host = text("'other'", 'n');
    return `${id('cccc')}, 'Linux bridge agent', 'agent', 'N/A', ${host}, true, now(), now(), now(), ${end}`;
  });
}
