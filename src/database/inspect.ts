import type { Knex } from 'knex';
import type { DatabaseSettings } from '../model/settings.js';
import { answered } from './connect.js';
import type { Connection, Row } from './connection.js';
import { databaseError, endpointOf } from './errors.js';
import { AGENT_COLUMNS } from './generations/agents.js';
import { describeSchema, detectGeneration, type SchemaDescription } from './generations/detect.js';
import {
  type ForwardingTables,
  forwardingNeeds,
  type Generation,
  type Needs,
} from './generations/generation.js';
import { integer, text } from './generations/values.js';
import { indexedColumns } from './indexed-columns.js';
import { type Trouble, troubles } from './troubles.js';
import { unserved } from './unserved.js';
import { withSchema } from './with-schema.js';

/** What `schema check` found behind the first server that answers. */
export interface Inspection {
  /** The database, for people. */
  readonly endpoint: string;
  readonly schema: SchemaDescription;
  /** null: something the generation needs is missing, see `schema`. */
  readonly details: Details | null;
}

export interface Details {
  /** The tables that are views: a fact, never a finding. An index is then a matter of the tables behind them. */
  readonly views: readonly string[];
  /** `needed`: the agent cannot do its work without it. */
  /** Tables without transactions (MyISAM): a poll may read half of a change in them. */
  readonly torn: readonly { readonly table: string; readonly engine: string }[];
  readonly rights: readonly { readonly right: string; readonly held: boolean; readonly needed: boolean }[];
  /** The lookups of a poll, and whether an index begins with the column; `remedy` makes it, and says what it is for. */
  readonly indexes: readonly (Lookup & { readonly there: boolean })[];
  /** How the database sorts and compares ids: a fact, never a finding. */
  readonly collation: string;
  /** Rows that will cause trouble; `statement` shows them. */
  readonly troubles: readonly FoundRows[];
  /** What ports of this host ask for and do not get: facts, never findings. `rows` is null: this account may not read them. */
  readonly unserved: readonly FoundRows[];
}

export interface FoundRows {
  readonly what: string;
  readonly rows: number | null;
  readonly statement: string;
}

type Lookup = Generation['lookups'][number] & { readonly remedy?: string };

type Ask = (query: Knex.QueryBuilder | Knex.Raw) => Promise<readonly Row[]>;

/**
 * Looks at schema, rights, indexes and rows, changes nothing, and ends the connection. `knownNetworks` are the
 * physical networks mapped on this host. Throws DatabaseError.
 */
export async function inspectDatabase(
  settings: DatabaseSettings,
  knownNetworks: readonly string[],
): Promise<Inspection> {
  return withSchema(settings, async (connection, schema) => {
    const endpoint = endpointOf(connection.server);
    const description = describeSchema(schema);
    const isComplete = description.tables.every(({ columns }) => columns.every(({ type }) => type !== null));
    if (description.generation === null || !isComplete)
      return { endpoint, schema: description, details: null };
    const generation = detectGeneration(schema, endpoint);
    const { builder } = connection;
    const ask: Ask = (query) =>
      answered(connection, settings.queryTimeoutMs, 'answer', connection.select(query));
    const views = await foundViews(connection, generation, ask);
    const details = {
      views,
      rights: await heldRights(connection, generation, settings, views, ask),
      indexes: (await foundIndexes(connection, generation, settings.tunnels, ask)).filter(
        ({ table }) => !views.includes(table),
      ),
      torn: await tornTables(connection, generation, ask),
      collation: await collationOf(connection, generation, ask),
      troubles: await foundRows(connection, troubles(builder, generation, knownNetworks), ask),
      unserved: await foundRows(connection, unserved(builder, generation, schema, settings.host), ask),
    };
    return { endpoint, schema: description, details };
  });
}

/** The generation behind the first server that answers, and the schema (PostgreSQL) it is in. Throws DatabaseError, `schema` when it is none. */
export const inspectGeneration = (
  settings: DatabaseSettings,
): Promise<{ readonly generation: Generation } & Pick<Connection, 'namespace'>> =>
  withSchema(settings, async ({ server, namespace }, schema) => ({
    generation: detectGeneration(schema, endpointOf(server)),
    namespace,
  }));

async function foundViews(
  { builder, server, namespace }: Connection,
  { needs }: Generation,
  ask: Ask,
): Promise<Details['views']> {
  const tables = [...Object.keys(needs), 'agents'];
  const rows = await ask(
    server.engine === 'postgresql'
      ? builder('pg_catalog.pg_class as c')
          .join('pg_catalog.pg_namespace as n', 'n.oid', 'c.relnamespace')
          .whereIn('c.relname', tables)
          .where('n.nspname', namespace)
          .whereIn('c.relkind', ['v', 'm'])
          .select('c.relname as table_name')
      : builder('information_schema.views')
          .whereIn('table_name', tables)
          .whereRaw('table_schema = database()')
          .select('table_name as table_name'),
  );
  return rows.map((row) => text(row.table_name) ?? '').sort();
}

/** On PostgreSQL every table has transactions. */
async function tornTables(
  { builder, server }: Connection,
  { needs }: Generation,
  ask: Ask,
): Promise<Details['torn']> {
  if (server.engine === 'postgresql') return [];
  const rows = await ask(
    builder('information_schema.tables as t')
      .join('information_schema.engines as e', 'e.engine', 't.engine')
      .whereRaw('t.table_schema = database()')
      .whereIn('t.table_name', Object.keys(needs))
      .whereNot('e.transactions', 'YES')
      .orderBy('t.table_name')
      .select('t.table_name as table_name', 't.engine as engine'),
  );
  return rows.map((row) => ({ table: text(row.table_name) ?? '', engine: text(row.engine) ?? '' }));
}

/** Tried with EXPLAIN, which asks for the same rights as the statement and carries nothing out. */
async function heldRights(
  { builder, server }: Connection,
  generation: Generation,
  { readOnly, tunnels }: Pick<DatabaseSettings, 'readOnly' | 'tunnels'>,
  views: Details['views'],
  ask: Ask,
): Promise<Details['rights']> {
  const readsOf = (tables: Needs): { right: string; query: Knex.QueryBuilder }[] =>
    Object.entries(tables).map(([table, columns]) => ({
      right: `SELECT on ${table}`,
      query: builder(table).select(columns),
    }));
  const reads = readsOf({ ...generation.needs, ...forwardingNeeds(generation, tunnels) });
  // What is written is partly read, too.
  const isRead = (right: string): boolean => reads.some((read) => read.right === right);
  const written = readOnly ? [] : writes(builder, generation).filter(({ right }) => !isRead(right));
  const needed = [...reads, ...written];
  const optional = readsOf(generation.readsToo);
  const rights: { right: string; held: boolean; needed: boolean }[] = [];
  for (const { right, query } of [...needed, ...optional]) {
    const { sql, bindings } = query.toSQL();
    const held = await ask(builder.raw(`explain ${sql}`, bindings)).then(
      () => true,
      (error: unknown) => {
        const failure = databaseError(error, server);
        if (failure.kind === 'permission') return false;
        // Not every view can be written through.
        if (failure.kind === 'query' && views.length > 0) return false;
        throw failure;
      },
    );
    rights.push({ right, held, needed: !optional.some((one) => one.right === right) });
  }
  if (readOnly || generation.heartbeat === null || generation.heartbeat.hasTable) return rights;
  return [
    ...rights,
    {
      right: 'SELECT, INSERT and UPDATE on agents (not there, or not to be seen)',
      held: false,
      needed: true,
    },
  ];
}

function writes(builder: Knex, { status, heartbeat }: Generation) {
  const update = {
    right: `UPDATE (${status.column}) on ${status.table}`,
    query: builder(status.table)
      .where({ [status.id]: '', [status.column]: '' })
      .update({ [status.column]: '' }),
  };
  if (!heartbeat?.hasTable) return [update];
  const values = (columns: readonly string[]) =>
    Object.fromEntries(columns.map((name) => [name, builder.ref(name)]));
  const agents = (): Knex.QueryBuilder => builder('agents');
  return [
    update,
    { right: 'SELECT on agents', query: agents().select(AGENT_COLUMNS.found) },
    {
      right: 'INSERT on agents',
      query: agents().insert(
        builder.raw('(??) ?', [
          [...AGENT_COLUMNS.inserted],
          agents().select(AGENT_COLUMNS.inserted).whereRaw('1 = 0'),
        ]),
      ),
    },
    {
      right: `UPDATE (${AGENT_COLUMNS.updated.join(', ')}) on agents`,
      query: agents().where({ id: '' }).update(values(AGENT_COLUMNS.updated)),
    },
  ];
}

async function foundIndexes(
  connection: Connection,
  generation: Generation,
  tunnels: boolean,
  ask: Ask,
): Promise<Details['indexes']> {
  const bindings = tunnels ? generation.forwarding?.bindings : undefined;
  const lookups: readonly Lookup[] = [
    ...generation.lookups,
    ...(bindings === undefined ? [] : [segmentIndex(bindings)]),
  ];
  const tables = lookups.map(({ table }) => table);
  const there = await indexedColumns({ ...connection, select: ask }, tables);
  return lookups.map((one) => ({ ...one, there: there.has(`${one.table}.${one.column}`) }));
}

/** MySQL has it with the foreign key. Without it, ports are counted, and a port that moves is found in rotation. */
const segmentIndex = ({ table, segment }: ForwardingTables['bindings']): Lookup => ({
  table,
  column: segment,
  remedy: `create index on ${table} (${segment}, host, port_id): without it a poll asks for 500 ports more, and another host reaches a port that has moved up to 40 s late (10,000 ports)`,
});

async function collationOf(
  { builder, server }: Connection,
  { places }: Generation,
  ask: Ask,
): Promise<string> {
  const [row] = await ask(
    server.engine === 'postgresql'
      ? builder('pg_catalog.pg_database')
          .whereRaw('datname = current_database()')
          .select('datcollate as collation', builder.raw('pg_encoding_to_char(encoding) as encoding'))
      : builder('information_schema.columns')
          .whereRaw('table_schema = database()')
          .where({ table_name: 'ports', column_name: places.port.id })
          .select('collation_name as collation', 'character_set_name as encoding'),
  );
  return `${text(row?.collation ?? null)} (${text(row?.encoding ?? null)})`;
}

/** The troubles of which there are rows, or whose rows may not be counted. */
async function foundRows(
  { builder, server }: Connection,
  sought: readonly Trouble[],
  ask: Ask,
): Promise<readonly FoundRows[]> {
  const found: FoundRows[] = [];
  for (const { what, query } of sought) {
    const counting = ask(builder.from(query.clone().as('found')).count('* as rows_found'));
    const rows = await counting.then(
      ([row]) => integer(row?.rows_found ?? null) ?? 0,
      (error: unknown) => {
        if (databaseError(error, server).kind === 'permission') return null;
        throw error;
      },
    );
    if (rows !== 0) found.push({ what, rows, statement: query.toString() });
  }
  return found;
}
