import { connectTo, disconnect } from '../../../src/database/connect.js';
import type { Connection, Row } from '../../../src/database/connection.js';
import type { ForwardingReader } from '../../../src/database/forwarding/asks.js';
import { findForwardingSource } from '../../../src/database/forwarding/source.js';
import { detectGeneration, readSchema } from '../../../src/database/generations/detect.js';
import { freshDatabase } from './engines.js';
import { literal, numbersSql, type Rows } from './rows.js';
import type { TestServer } from './servers.js';

/** Two networks and their segments of type vxlan. */
export const [N1, N2] = ['11111111-aaaa-4000-8000-000000000001', '22222222-aaaa-4000-8000-000000000002'];
export const [S1, S2] = ['51111111-aaaa-4000-8000-000000000001', '52222222-aaaa-4000-8000-000000000002'];

const HA_TABLE = `create table ha_router_agent_port_bindings (port_id varchar(36) not null primary key,
  router_id varchar(36) not null, l3_agent_id varchar(36), state varchar(16))`;

/** A database that says who is behind which tunnel, and what reads it. */
export interface ForwardingStage {
  readonly rows: Rows;
  readonly reader: ForwardingReader;
  /** Every SELECT that was made by itself. */
  readonly selects: string[];
  /** Terms, by their milliseconds, that are over. */
  readonly overdue: Set<number>;
  query(statement: string): Promise<readonly Row[]>;
  clear(): Promise<void>;
  /** A port of the network whose binding is of the segment. */
  bind(port: string, host: string, network?: string, segment?: string, owner?: string): Promise<void>;
  /** A row of agents; its configurations as they are, or as JSON. */
  agent(host: string, configurations: unknown, type?: string, id?: string): Promise<void>;
  /** A row of agents with this tunnel's end for every host that has none and a port. */
  agentsOfBound(address: string): Promise<void>;
  /** So many ports, spread over the hosts. */
  manyPorts(count: number, network: string, segment: string, hosts?: number): Promise<void>;
  close(): Promise<void>;
}

export async function openForwardingStage(server: TestServer, index: boolean): Promise<ForwardingStage> {
  const { database, rows, settings } = await freshDatabase(server, 'ml2-zed');
  const query = (statement: string) => server.query(statement, database);
  const [client] = settings.servers;
  await query(HA_TABLE);
  if (server.engine === 'postgresql') {
    await query(`grant select on ha_router_agent_port_bindings to ${client.user}`);
  }
  if (index) await query('create index x on ml2_port_binding_levels (segment_id, host, port_id)');
  const { connection, schema } = await readSchema(await connectTo(client, settings));
  const source = await findForwardingSource(connection, detectGeneration(schema, 'the database'));
  if (source === null) throw new Error('this generation says who is behind which tunnel');
  const selects: string[] = [];
  const overdue = new Set<number>();
  const select: Connection['select'] = (statement) => {
    selects.push(statement.toSQL().sql);
    return connection.select(statement);
  };
  const period = (periodMs: number) => ({ isOver: () => overdue.has(periodMs) });
  return {
    ...fillers(server, rows, query),
    rows,
    reader: { connection: { ...connection, select }, source, period },
    selects,
    overdue,
    query,
    clear: async () => {
      selects.length = 0;
      overdue.clear();
      await rows.clear();
      await query('delete from ha_router_agent_port_bindings');
    },
    close: () => disconnect(connection),
  };
}

function fillers(
  { engine }: TestServer,
  rows: Rows,
  query: ForwardingStage['query'],
): Pick<ForwardingStage, 'bind' | 'agent' | 'agentsOfBound' | 'manyPorts'> {
  const isPostgres = engine === 'postgresql';
  const program = isPostgres ? '"binary"' : '`binary`';
  const agents = `insert into agents (id, agent_type, host, configurations, ${program}, topic, admin_state_up, created_at, started_at, heartbeat_timestamp)`;
  const dead = `'agent', 'N/A', false, now(), now(), now()`;
  return {
    bind: async (port, host, network = N1, segment = S1, owner = '') => {
      const values = [port, network, `fa:${port}`, 'ACTIVE', owner, 'router-1'].map(literal);
      await query(
        `insert into ports (id, network_id, mac_address, status, device_owner, device_id, admin_state_up) values (${values}, true)`,
      );
      await rows.binding({ port, host, segment });
    },
    agent: async (host, configurations, type = 'Linux bridge agent', id = `${host} ${type}`) => {
      const text = typeof configurations === 'string' ? configurations : JSON.stringify(configurations);
      await query(`${agents} values (${[id, type, host, text].map(literal)}, ${dead})`);
    },
    agentsOfBound: async (address) => {
      const text = literal(JSON.stringify({ tunneling_ip: address }));
      await query(
        `${agents} select distinct host, 'Linux bridge agent', host, ${text}, ${dead} from ml2_port_binding_levels where host not in (select host from agents)`,
      );
    },
    manyPorts: async (count, network, segment, hosts = 100) => {
      const numbers = numbersSql(engine, count);
      const start = segment.slice(0, 8);
      const id = isPostgres ? `'${start}' || n` : `concat('${start}', n)`;
      const host = isPostgres ? `'host' || n % ${hosts}` : `concat('host', n % ${hosts})`;
      await query(
        `insert into ports (id, network_id, mac_address, admin_state_up, status, device_owner) select ${id}, '${network}', ${id}, true, 'ACTIVE', '' from ${numbers}`,
      );
      await query(
        `insert into ml2_port_binding_levels (port_id, host, level, segment_id) select ${id}, ${host}, 0, '${segment}' from ${numbers}`,
      );
    },
  };
}
