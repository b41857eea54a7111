import { DatabaseError, type DatabaseErrorKind } from '../../model/database.js';
import { type Connection, inNamespace, type Row } from '../connection.js';
import { databaseError, endpointOf } from '../errors.js';
import { essex } from './essex.js';
import { folsom } from './folsom.js';
import {
  type Generation,
  type GenerationFile,
  type GenerationName,
  missing,
  type Schema,
} from './generation.js';
import { grizzly } from './grizzly.js';
import { ml2 } from './ml2.js';
import { text } from './values.js';

/** Newest first: a newer generation has the marks of the older ones too, or leaves their tables behind. */
const GENERATIONS: readonly GenerationFile[] = [ml2, grizzly, folsom, essex];

/** Tables that any generation may read, and those `schema check` tells about. */
const KNOWN_TABLES: readonly string[] = [
  'ports',
  'networks',
  'network_bindings',
  'network_states',
  'portbindingports',
  'vlan_bindings',
  'ml2_port_bindings',
  'ml2_port_binding_levels',
  'ml2_network_segments',
  'networksegments',
  'portsecuritybindings',
  'agents',
  'qos_port_policy_bindings',
  'qos_network_policy_bindings',
  'trunks',
  'subports',
  'allowedaddresspairs',
  'segmenthostmappings',
  'subnets',
  'ha_router_agent_port_bindings',
];

/** One table that a generation needs; `type` is null where the table or the column was not found. */
export interface TableDescription {
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: string | null }[];
}

/** What `schema check` shows: the generation that the marks tell, and each thing it needs. */
export interface SchemaDescription {
  /** null: no generation is recognised; `tables` is empty then. */
  readonly generation: GenerationName | null;
  readonly tables: readonly TableDescription[];
  /** What the generations are told apart by. */
  readonly sought: string;
  /** The known tables that are there. */
  readonly found: readonly string[];
}

/** A bound that a limit of the session, which would cut the answer in silence, does not override. */
const COLUMNS_MAX = 10_000;

/** What a database was found to hold, and the connection to read it with. */
export interface FoundSchema {
  readonly schema: Schema;
  readonly connection: Connection;
}

/**
 * Tables and columns of the database, those that matter here only. Rights do not hide any from PostgreSQL's catalogue;
 * MySQL shows only what the account may use. In PostgreSQL all tables come from the one schema of the search path that
 * holds a generation. Rejects with the driver's error, or with DatabaseError where two schemas hold one.
 */
export async function readSchema(connection: Connection): Promise<FoundSchema> {
  if (connection.server.engine === 'mysql') {
    const rows = await connection.select(mysqlColumns(connection).limit(COLUMNS_MAX));
    return { schema: schemaOf(rows), connection };
  }
  // That of the account: another client of a pooler may have set another one in the session.
  const ownPath = connection.builder.raw('SET LOCAL search_path TO DEFAULT');
  const columns = postgresqlColumns(connection).limit(COLUMNS_MAX);
  const [, rows = []] = (await connection.wholeSnapshot([ownPath, columns], null)).rows;
  const schemaIn = (namespace: string): Schema =>
    schemaOf(rows.filter((row) => text(row.namespace) === namespace));
  const namespaces = new Set(rows.map((row) => text(row.namespace) ?? ''));
  const [first, second] = [...namespaces].filter((each) => recognise(schemaIn(each)) !== null);
  if (first === undefined) return { schema: schemaOf(rows), connection };
  if (second !== undefined) throw ambiguous(connection, first, second);
  return { schema: schemaIn(first), connection: inNamespace(connection, first) };
}

/**
 * The schema without what may be read and need not, where it cannot be: PostgreSQL shows everybody every table, and a right
 * that is missing, or a broken view, would fail the transaction of a poll. Rejects with the driver's error when the connection fails.
 */
export async function readableSchema({ connection, schema }: FoundSchema): Promise<Schema> {
  const readable = new Map(schema);
  for (const [table, columns] of Object.entries(recognise(schema)?.optional ?? {})) {
    if (missing(schema, { [table]: columns }).length > 0) continue;
    const isReadable = await connection.select(connection.builder(table).select(columns).limit(0)).then(
      () => true,
      (error: unknown) => {
        if (isOfTables(error, connection)) return false;
        throw error;
      },
    );
    if (!isReadable) readable.delete(table);
  }
  return readable;
}

/** Whether a SELECT has failed for what is wrong with its tables, and not with the connection. */
export const isOfTables = (error: unknown, { server }: Connection): boolean =>
  OF_THE_TABLE.has(databaseError(error, server).kind);

const OF_THE_TABLE: ReadonlySet<DatabaseErrorKind> = new Set([
  'permission',
  'rows-hidden',
  'schema',
  'query',
]);

function ambiguous({ server }: Connection, one: string, other: string): DatabaseError {
  return new DatabaseError(
    'schema',
    `${endpointOf(server)} holds the tables twice, in the schemas "${one}" and "${other}", and the search path of user "${server.user}" has both: leave the right one in it (alter role … set search_path = …) or move the other's tables away.`,
  );
}

function schemaOf(rows: readonly Row[]): Schema {
  const schema = new Map<string, Map<string, string>>();
  for (const row of rows) {
    const table = text(row.table_name) ?? '';
    const columns = schema.get(table) ?? new Map<string, string>();
    schema.set(table, columns.set(text(row.column_name) ?? '', text(row.column_type) ?? ''));
  }
  return schema;
}

function postgresqlColumns({ builder }: Connection) {
  return (
    builder('pg_catalog.pg_class as c')
      .join('pg_catalog.pg_attribute as a', 'a.attrelid', 'c.oid')
      .join('pg_catalog.pg_namespace as n', 'n.oid', 'c.relnamespace')
      .select(
        'n.nspname as namespace',
        'c.relname as table_name',
        'a.attname as column_name',
        builder.raw('pg_catalog.format_type(a.atttypid, a.atttypmod) as column_type'),
      )
      .whereIn('c.relname', KNOWN_TABLES)
      .whereIn('c.relkind', ['r', 'p', 'v', 'm', 'f'])
      // The schemas of the search path that are there; not that of temporary tables, which only shadow others.
      .whereRaw('n.nspname = any(pg_catalog.current_schemas(false))')
      .where('a.attnum', '>', 0)
      .whereRaw('not a.attisdropped')
  );
}

function mysqlColumns({ builder }: Connection) {
  return builder('information_schema.columns')
    .select('table_name as table_name', 'column_name as column_name', 'column_type as column_type')
    .whereRaw('table_schema = database()')
    .whereIn('table_name', KNOWN_TABLES);
}

/**
 * The generation of a schema, by what is there. Throws DatabaseError `schema` whose sentence says what was
 * looked for and what was found. `endpoint` names the database in it.
 */
export function detectGeneration(schema: Schema, endpoint: string): Generation {
  const file = recognise(schema);
  if (file === null) throw new DatabaseError('schema', unrecognised(schema, endpoint));
  const lacking = missing(schema, file.needs(schema));
  if (lacking.length > 0) {
    throw new DatabaseError(
      'schema',
      `${endpoint} looks like the ${file.name} generation, but lacks ${lacking.join(', ')} (or this account may not see it).`,
    );
  }
  return file.open(schema);
}

/** The schema described with every finding, for people; throws nothing. */
export function describeSchema(schema: Schema): SchemaDescription {
  const file = recognise(schema);
  const needs = file === null ? {} : file.needs(schema);
  const tables = Object.entries(needs).map(([table, columns]) => ({
    table,
    columns: columns.map((name) => ({ name, type: schema.get(table)?.get(name) ?? null })),
  }));
  return { generation: file?.name ?? null, tables, sought: soughtText(), found: [...schema.keys()].sort() };
}

/** Rank of a generation in time, oldest 0; one of a later agent's is the newest. */
export const rankOf = (name: string): number =>
  GENERATIONS.length - 1 - GENERATIONS.findIndex((file) => file.name === name);

function recognise(schema: Schema): GenerationFile | null {
  return GENERATIONS.find((file) => missing(schema, file.marks).length === 0) ?? null;
}

function unrecognised(schema: Schema, endpoint: string): string {
  const found = [...schema.keys()].sort().join(', ') || 'none of these tables';
  return `${endpoint} holds no known generation: looked for ${soughtText()}; found ${found}.`;
}

const soughtText = (): string => GENERATIONS.map((file) => `${markText(file)} (${file.name})`).join('; ');

function markText(file: GenerationFile): string {
  return Object.entries(file.marks)
    .map(([table, columns]) =>
      columns.length === 0 ? table : columns.map((column) => `${table}.${column}`).join(', '),
    )
    .join(', ');
}
