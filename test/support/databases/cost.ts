import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectTo, disconnect } from '../../../src/database/connect.js';
import type { Connection, Select } from '../../../src/database/connection.js';
import { openDatabase } from '../../../src/database/database.js';
import { detectGeneration, readSchema } from '../../../src/database/generations/detect.js';
import { heartbeatOf, keyOfOwnRow } from '../../../src/database/own-row.js';
import { readSnapshot } from '../../../src/database/read.js';
import type { Question, TapQuestion } from '../../../src/model/database.js';
import { networkId, portId } from '../../../src/model/ids.js';
import type { DatabaseSettings } from '../../../src/model/settings.js';
import { ENGINES, type Engine, type EngineName, freshDatabase } from './engines.js';
import { numbersSql } from './rows.js';
import { type TestServer, waitUntil } from './servers.js';
import { addUnservedTables, type TestGeneration } from './tables.js';

/** Essex has one physical interface, so that it cannot have more networks than there are VLANs. */
const NETWORKS = 4000;
const AGENTS = 1000;
const TAPS = 100;
/**
 * A question may touch a few rows more than it finds: ends of ranges, one lookup in each joined table; the first of a session
 * also those of what is asked for and not served.
 */
const ROWS_PER_TAP_MAX = 16;

export interface CostCase {
  readonly generation: TestGeneration;
  readonly ports: number;
}

/** Describes, on each of these engines, what a poll for 100 taps costs in a database with many ports. */
export function describeCost(cases: readonly CostCase[], engines: readonly Engine[] = ENGINES): void {
  for (const engine of engines) {
    describe(`what a poll costs ${engine.name}`, () => {
      let server: TestServer;
      before(async () => {
        server = await engine.start({ settings: COUNTING[engine.name] });
      });
      after(() => server.destroy());
      for (const each of cases) describeCase(engine.name, () => server, each);
    });
  }
}

function describeCase(name: EngineName, server: () => TestServer, { generation, ports }: CostCase): void {
  describe(`${generation} with ${ports} ports`, () => {
    let fresh: Awaited<ReturnType<typeof freshDatabase>>;
    before(async () => {
      fresh = await freshDatabase(server(), generation);
      if (generation === 'ml2-zed') await addUnservedTables(server(), fresh.database);
      await fill(server(), generation, fresh.database, ports);
    });
    after(() => server().query(`drop database ${fresh.database}`));

    it(`reads rows for ${TAPS} taps, not for all ports`, async () => {
      const { database, settings } = fresh;
      const before = await rowsRead(name, server(), database);
      const agent = openDatabase(settings);
      const kinds = generation === 'essex' ? (['id', 'id'] as const) : (['id', 'suffix'] as const);
      const answers = [];
      for (const by of kinds) answers.push(await agent.read(question(by, ports)));
      await agent.close();
      const read = (await rowsRead(name, server(), database)) - before;
      for (const answer of answers) assert.equal(answer.ports.length, TAPS);
      // The bindings of Essex have no index on their network, and never more rows than there are VLANs.
      const scanned = generation === 'essex' ? kinds.length * NETWORKS : 0;
      assert.ok(read >= kinds.length * TAPS, `${read} rows read: the witness does not count`);
      assert.ok(read <= kinds.length * TAPS * ROWS_PER_TAP_MAX + scanned, `${read} rows read`);
    });

    // A tap that is new is looked for by the name it has, on which Essex has no index.
    for (const by of generation === 'essex' ? (['id'] as const) : (['id', 'suffix'] as const)) {
      it(`every SELECT is planned on indexes when it asks by ${by}`, async () => {
        const plans = await plansOf(fresh.settings, question(by, ports));
        const asked = ['ports', 'networks', ...(hasAgents(generation) ? ["this agent's heartbeat"] : [])];
        assert.equal(plans.length, asked.length, asked.join(', '));
        const walked = plans.flatMap(({ tables }) => tables.filter(({ isWalked }) => isWalked));
        assert.ok(plans.every(({ tables }) => tables.length >= 1));
        assert.deepEqual(
          walked.map(({ table }) => table).filter((table) => table !== 'vlan_bindings'),
          [],
          plans.map(({ text }) => text).join('\n'),
        );
      });
    }
  });
}

const hasAgents = (generation: TestGeneration): boolean => !['essex', 'folsom'].includes(generation);

/** How the server would carry out one SELECT: each table, and whether all of it (or of an index) is walked. */
export interface Plan {
  readonly tables: readonly { readonly table: string; readonly isWalked: boolean }[];
  readonly text: string;
}

/** The server's plan for each SELECT of a poll, exactly as the agent sends them, in a session like the agent's. */
async function plansOf({ servers, ...limits }: DatabaseSettings, asked: Question): Promise<Plan[]> {
  const { connection, schema } = await readSchema(await connectTo(servers[0], limits));
  const generation = detectGeneration(schema, 'the database');
  const plans: Plan[] = [];
  const explain = async (query: Select): Promise<void> => {
    const { sql, bindings } = query.toSQL();
    plans.push(await planOf(connection, sql, bindings));
  };
  const select: Connection['select'] = async (query) => {
    await explain(query);
    return connection.select(query);
  };
  const beginSnapshot: Connection['beginSnapshot'] = async (first, heartbeat) => {
    for (const query of first) await explain(query);
    if (heartbeat !== null) await explain(heartbeat);
    return connection.beginSnapshot(first, heartbeat);
  };
  const key = await keyOfOwnRow(connection, generation, { servers, ...limits });
  const heartbeat = key === null ? null : heartbeatOf(connection, key);
  const source = { connection: { ...connection, select, beginSnapshot }, generation, heartbeat };
  await readSnapshot(source, asked, 'host1');
  await disconnect(connection);
  return plans;
}

/** The server's plan for a SELECT. */
export async function planOf(
  { builder, select, server }: Pick<Connection, 'builder' | 'select' | 'server'>,
  sql: string,
  bindings: readonly unknown[],
): Promise<Plan> {
  const values = bindings as string[];
  if (server.engine === 'mysql') {
    const rows = await select(builder.raw(`explain ${sql}`, values));
    const tables = rows
      // `<union1,2>` is the list of what the two halves found.
      .filter(({ table }) => typeof table === 'string' && !table.startsWith('<'))
      .map(({ table, type }) => ({ table: String(table), isWalked: type === 'ALL' || type === 'index' }));
    return { tables, text: JSON.stringify(rows) };
  }
  const [row] = await select(builder.raw(`explain (format json) ${sql}`, values));
  return { tables: scansIn(row?.['QUERY PLAN']), text: JSON.stringify(row) };
}

/** Every node of PostgreSQL's plan that reads a table. */
function scansIn(node: unknown): Plan['tables'] {
  if (Array.isArray(node)) return node.flatMap(scansIn);
  if (typeof node !== 'object' || node === null) return [];
  const here: Record<string, unknown> = { ...node };
  const table = here['Relation Name'];
  const own = typeof table === 'string' ? [{ table, isWalked: here['Node Type'] === 'Seq Scan' }] : [];
  return [...own, ...scansIn(here.Plan), ...scansIn(here.Plans)];
}

/** The id of a port, spread over the key as UUIDs are; the same as `ID_SQL` makes. */
const idOf = (at: number): string => {
  const hex = at.toString(16).padStart(8, '0');
  return `${[...hex].reverse().join('')}-${hex.slice(4)}-4000-8000-${hex.padStart(12, '0')}`;
};

const idSql = (engine: TestServer['engine']): string =>
  engine === 'postgresql'
    ? `reverse(lpad(to_hex(n), 8, '0')) || '-' || right(lpad(to_hex(n), 8, '0'), 4) || '-4000-8000-' || lpad(to_hex(n), 12, '0')`
    : `concat(reverse(lpad(lower(hex(n)), 8, '0')), '-', right(lpad(lower(hex(n)), 8, '0'), 4), '-4000-8000-', lpad(lower(hex(n)), 12, '0'))`;

function question(by: TapQuestion['by'], ports: number): Question {
  const ids = Array.from({ length: TAPS }, (_, at) => idOf(1 + Math.floor((at * ports) / TAPS)));
  return {
    taps: ids.map((id) =>
      by === 'id'
        ? { by, id: portId(id), wired: false }
        : { by: 'suffix', suffix: id.slice(0, 11), wired: false },
    ),
    bridges: [{ by: 'id', id: networkId('network-7') }],
  };
}

async function fill(
  server: TestServer,
  generation: TestGeneration,
  database: string,
  ports: number,
): Promise<void> {
  const isPostgres = server.engine === 'postgresql';
  const numbers = (count: number): string => numbersSql(server.engine, count);
  const id = idSql(server.engine);
  const network = isPostgres ? `'network-' || n % ${NETWORKS}` : `concat('network-', n % ${NETWORKS})`;
  const ml2 = `insert into ml2_port_bindings (port_id, host, vif_type) select ${id}, 'host1', 'bridge' from ${numbers(ports)} order by 1`;
  const segments = (table: string): string =>
    `insert into ${table} (id, network_id, network_type, physical_network, segmentation_id)
     select ${network}, ${network}, 'vlan', 'physnet1', n from ${numbers(NETWORKS)}`;
  const bindings = `insert into network_bindings select ${network}, 'physnet1', n from ${numbers(NETWORKS)}`;
  if (generation === 'essex') {
    await fillEssex(server, database, { ports: numbers(ports), networks: numbers(NETWORKS), id, network });
    return;
  }
  const byGeneration: Readonly<Record<string, readonly string[]>> = {
    folsom: [bindings],
    grizzly: [
      bindings,
      `insert into portbindingports select ${id}, 'host1' from ${numbers(ports)} order by 1`,
    ],
    'ml2-havana': [segments('ml2_network_segments'), ml2],
    'ml2-zed': [
      segments('networksegments'),
      ml2,
      `insert into ml2_port_binding_levels (port_id, host, level, segment_id)
       select ${id}, 'host1', 0, ${network} from ${numbers(ports)} order by 1`,
      `insert into portsecuritybindings (port_id, port_security_enabled) select ${id}, true from ${numbers(ports)} order by 1`,
      `insert into allowedaddresspairs select ${id}, 'm', 'a' from ${numbers(ports)} order by 1`,
      `insert into qos_port_policy_bindings select 'q', ${id} from ${numbers(ports)}`,
    ],
  };
  const statements = [
    `insert into networks (id, name) select ${network}, 'n' from ${numbers(NETWORKS)}`,
    `insert into ports (id, network_id, admin_state_up, status, device_owner)
     select ${id}, ${network}, true, 'ACTIVE', '' from ${numbers(ports)} order by 1`,
    ...(byGeneration[generation] ?? []),
  ];
  if (hasAgents(generation)) statements.push(agentsSql(isPostgres, numbers(AGENTS)));
  for (const statement of statements) await server.query(statement, database);
  await analyze(server, database);
}

const agentsSql = (isPostgres: boolean, numbers: string): string => {
  const [name, program] = isPostgres ? ["'host' || n", '"binary"'] : ["concat('host', n)", '`binary`'];
  return `insert into agents (id, agent_type, ${program}, topic, host, admin_state_up, created_at, started_at, heartbeat_timestamp, configurations)
    select ${name}, 'Linux bridge agent', 'agent', 'N/A', ${name}, true, now(), now(), now(), '{}' from ${numbers}`;
};

/** Has every table counted: a server does it by itself some seconds later, and plans joins blindly until then. */
async function analyze(server: TestServer, database: string): Promise<void> {
  if (server.engine === 'postgresql') {
    await server.query('analyze', database);
    return;
  }
  const [row] = await server.query(
    `select group_concat(table_name) as names from information_schema.tables where table_schema = '${database}'`,
  );
  await server.query(`analyze table ${row?.names}`, database);
}

async function fillEssex(
  server: TestServer,
  database: string,
  sql: Readonly<Record<'ports' | 'networks' | 'id' | 'network', string>>,
): Promise<void> {
  for (const statement of [
    `insert into networks (uuid, name) select ${sql.network}, 'n' from ${sql.networks}`,
    `insert into vlan_bindings select n, ${sql.network} from ${sql.networks}`,
    `insert into ports select ${sql.id}, ${sql.network}, ${sql.id}, 'ACTIVE', 'UP' from ${sql.ports} order by 1`,
  ]) {
    await server.query(statement, database);
  }
  await analyze(server, database);
}

/** What has a server count the rows that it reads. */
const COUNTING = { PostgreSQL: [], MariaDB: ['userstat=1'], MySQL: ['performance-schema=ON'] };

const ROWS_READ = {
  MariaDB: 'select sum(rows_read) as total from information_schema.table_statistics where table_schema',
  MySQL:
    'select sum(count_read) as total from performance_schema.table_io_waits_summary_by_table where object_schema',
};

/** The server's own count of rows read from all tables of a database, when every session has reported its own. */
async function rowsRead(engine: EngineName, server: TestServer, database: string): Promise<number> {
  if (engine !== 'PostgreSQL') {
    const [row] = await server.query(`${ROWS_READ[engine]} = '${database}'`);
    return Number(row?.total);
  }
  const sessions = `select 1 from pg_stat_activity where datname = '${database}' and backend_type = 'client backend'`;
  await waitUntil(async () => (await server.query(sessions)).length === 0, 'every session has ended');
  const [row] = await server.query(
    'select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as total from pg_stat_user_tables',
    database,
  );
  return Number(row?.total);
}
