import type { Knex } from 'knex';

/** Tables to be there, by name, each with what it is made of; of their keys `primary` and `unique`. */
export type Tables = Readonly<Record<string, (table: Knex.CreateTableBuilder) => void>>;

/**
 * Remembers the tables that were not there before, so that going back drops those and no other. It goes when
 * it is empty.
 */
const RECORD = 'quantum_linuxbridge_agent_tables';

const isMysql = (knex: Knex): boolean => knex.client.config.client === 'mysql2';
const schemaOf = (knex: Knex): string => (isMysql(knex) ? 'database()' : 'current_schema()');

/**
 * Statements that make what is missing of `tables`. No foreign keys: a table that was there before may have
 * another storage engine or character set, which foreign keys do not bridge.
 */
function createMissing(knex: Knex, tables: Tables): readonly string[] {
  return [
    createRecord(knex),
    ...Object.entries(tables).flatMap(([name, columns]) => {
      const [create = '', ...keys] = createTable(knex, name, columns);
      const made = `exists (select 1 from ${RECORD} where table_name = '${name}')`;
      return [
        `insert into ${RECORD} (table_name)
  select '${name}' from (select 1 as one) as once
  where not exists (select 1 from information_schema.tables where table_schema = ${schemaOf(knex)} and table_name = '${name}')
    and not ${made}`,
        create,
        ...keys.flatMap((key) => when(knex, `${made} and ${lacksKey(knex, name)}`, key)),
      ];
    }),
  ];
}

/** The statement that makes a table, if it is not there, and those that add the keys for which knex has statements of their own. */
function createTable(knex: Knex, name: string, columns: Tables[string]): readonly string[] {
  const statements = knex.schema.createTableIfNotExists(name, (table) => {
    columns(table);
    if (!isMysql(knex)) return;
    table.engine('InnoDB');
    table.charset('utf8mb4');
  });
  return statements.toQuery().split(';\n');
}

const createRecord = (knex: Knex): string =>
  createTable(knex, RECORD, (table) => table.string('table_name', 64).notNullable().primary()).join();

const lacksKey = (knex: Knex, table: string): string =>
  `not exists (select 1 from information_schema.table_constraints where table_schema = ${schemaOf(knex)} and table_name = '${table}' and constraint_type = 'UNIQUE')`;

/** Statements that drop those of `tables` that were made here, with all their rows; the last made first. */
function dropMade(knex: Knex, tables: Tables): readonly string[] {
  return [
    createRecord(knex),
    ...Object.keys(tables)
      .toReversed()
      .flatMap((name) => [
        ...when(
          knex,
          `exists (select 1 from ${RECORD} where table_name = '${name}')`,
          `drop table if exists ${name}`,
        ),
        `delete from ${RECORD} where table_name = '${name}'`,
      ]),
    ...when(knex, `not exists (select 1 from ${RECORD})`, `drop table if exists ${RECORD}`),
  ];
}

/** SQL has no conditional statement that both engines know. */
function when(knex: Knex, condition: string, statement: string): readonly string[] {
  if (!isMysql(knex)) return [`do $$ begin if ${condition} then ${statement}; end if; end $$`];
  return [
    `set @statement = (select if(${condition}, '${statement}', 'do 0'))`,
    'prepare conditional from @statement',
    'execute conditional',
    'deallocate prepare conditional',
  ];
}

/** The two directions of a migration that makes tables, as statements and as knex runs them. */
export interface TableMigration {
  upStatements(knex: Knex): readonly string[];
  downStatements(knex: Knex): readonly string[];
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
}

/** A migration whose statements `schema sql` prints exactly as knex runs them. */
export function tableMigration(tables: Tables): TableMigration {
  const upStatements = (knex: Knex): readonly string[] => createMissing(knex, tables);
  const downStatements = (knex: Knex): readonly string[] => dropMade(knex, tables);
  const run = async (knex: Knex, statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await knex.raw(statement);
  };
  return {
    upStatements,
    downStatements,
    up: (knex) => run(knex, upStatements(knex)),
    down: (knex) => run(knex, downStatements(knex)),
  };
}
