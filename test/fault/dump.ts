import { literal } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';
import { schemaStatements } from '../support/databases/tables.js';

/** The tables of the Grizzly generation that the catalogue works with, in the order of a dump: by name. */
export const TABLES = ['network_bindings', 'networks', 'portbindingports', 'ports'] as const;
export type Table = (typeof TABLES)[number];

/** The statements that a dump of the database holds. */
export interface Dump {
  /** DROP and CREATE of one table. */
  readonly definition: Readonly<Record<Table, readonly string[]>>;
  /** One INSERT for each row. */
  readonly rows: Readonly<Record<Table, readonly string[]>>;
}

type Value = string | number | boolean | null;

/** Reads every table. */
export async function takeDump(server: TestServer, database = 'quantum'): Promise<Dump> {
  const rows: Partial<Record<Table, readonly string[]>> = {};
  for (const table of TABLES) {
    const found = await server.query(`select * from ${table}`, database);
    rows[table] = found.map((row) => insert(table, row as Record<string, Value>));
  }
  return { definition: definitions(server), rows: rows as Dump['rows'] };
}

const insert = (table: Table, row: Readonly<Record<string, Value>>): string =>
  `insert into ${table} (${Object.keys(row).join(', ')}) values (${Object.values(row).map(literal).join(', ')})`;

function definitions({ engine }: TestServer): Dump['definition'] {
  const all = schemaStatements(engine, 'grizzly');
  const of = (table: Table): readonly string[] => {
    const create = all.find((statement) => statement.startsWith(`create table ${table} `));
    if (create === undefined) throw new Error(`the generation has no table ${table}`);
    const owner = engine === 'postgresql' ? [`alter table ${table} owner to quantum`] : [];
    return [`drop table if exists ${table}`, create, ...owner];
  };
  return Object.fromEntries(TABLES.map((table) => [table, of(table)])) as unknown as Dump['definition'];
}

/** Puts the rows of a dump into tables that are there, at once: nobody sees half of it. */
export const restoreRows = (dump: Dump, omit: (statement: string) => boolean = () => false): string =>
  [
    'begin',
    ...TABLES.map((table) => `delete from ${table}`),
    ...TABLES.flatMap((table) => dump.rows[table]).filter((statement) => !omit(statement)),
    'commit',
  ].join(';\n');
