import type { Knex } from 'knex';

export type Dialect = 'mysql' | 'postgresql';

/**
 * A table to be there: its definition, in which `{boolean}`, `{time}` and `{ascii}` stand for what the
 * engines call differently, and double quotes are around a name that is a reserved word.
 */
export interface Table {
  readonly name: string;
  readonly definition: string;
}

/**
 * Remembers the tables that were not there before, so that going back drops those and no other. It goes when
 * it is empty.
 */
const RECORD = 'quantum_linuxbridge_agent_tables';

const WORDS: Readonly<Record<Dialect, Readonly<Record<string, string>>>> = {
  postgresql: { boolean: 'boolean', time: 'timestamp', ascii: '', schema: 'current_schema()', end: '' },
  mysql: {
    boolean: 'tinyint(1)',
    time: 'datetime',
    // Two columns of 255 characters in one key: too long for older servers with four bytes a character.
    ascii: 'character set ascii',
    schema: 'database()',
    end: ' engine=InnoDB default character set utf8mb4',
  },
};

/** A text in the engine's words and quotes. */
function inWords(text: string, dialect: Dialect): string {
  const words = text
    .replace(/\{([a-z]+)\}/g, (_, word: string) => WORDS[dialect][word] ?? '')
    .replace(/ +,/g, ',');
  return dialect === 'mysql' ? words.replaceAll('"', '`') : words;
}

/**
 * Statements that make what is missing of `tables`. No foreign keys: a table that was there before may have
 * another storage engine or character set, which foreign keys do not bridge.
 */
function createMissing(tables: readonly Table[], dialect: Dialect): readonly string[] {
  return [
    createRecord(dialect),
    ...tables.flatMap(({ name, definition }) => [
      inWords(
        `insert into ${RECORD} (table_name)
  select '${name}' from (select 1 as one) as once
  where not exists (select 1 from information_schema.tables where table_schema = {schema} and table_name = '${name}')
    and not exists (select 1 from ${RECORD} where table_name = '${name}')`,
        dialect,
      ),
      inWords(`create table if not exists ${name} (\n  ${definition}\n){end}`, dialect),
    ]),
  ];
}

/** Statements that drop those of `tables` that were made here, with all their rows; the last made first. */
function dropMade(tables: readonly Table[], dialect: Dialect): readonly string[] {
  const names = [...tables].reverse().map(({ name }) => name);
  return [
    createRecord(dialect),
    ...names.flatMap((name) => [
      ...dropWhen(name, `exists (select 1 from ${RECORD} where table_name = '${name}')`, dialect),
      `delete from ${RECORD} where table_name = '${name}'`,
    ]),
    ...dropWhen(RECORD, `not exists (select 1 from ${RECORD})`, dialect),
  ];
}

const createRecord = (dialect: Dialect): string =>
  inWords(`create table if not exists ${RECORD} (table_name varchar(64) not null primary key){end}`, dialect);

/** SQL has no conditional DROP that both engines know. */
function dropWhen(table: string, condition: string, dialect: Dialect): readonly string[] {
  if (dialect === 'postgresql') {
    return [`do $$ begin if ${condition} then drop table if exists ${table}; end if; end $$`];
  }
  return [
    `set @statement = (select if(${condition}, 'drop table if exists ${table}', 'do 0'))`,
    'prepare conditional from @statement',
    'execute conditional',
    'deallocate prepare conditional',
  ];
}

/** The two directions of a migration that makes tables, as statements and as knex runs them. */
export interface TableMigration {
  upStatements(dialect: Dialect): readonly string[];
  downStatements(dialect: Dialect): readonly string[];
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
}

/** A migration whose statements `schema sql` prints exactly as knex runs them. */
export function tableMigration(tables: readonly Table[]): TableMigration {
  const run = async (knex: Knex, statements: (dialect: Dialect) => readonly string[]): Promise<void> => {
    for (const statement of statements(dialectOf(knex))) await knex.raw(statement);
  };
  const upStatements = (dialect: Dialect): readonly string[] => createMissing(tables, dialect);
  const downStatements = (dialect: Dialect): readonly string[] => dropMade(tables, dialect);
  return {
    upStatements,
    downStatements,
    up: (knex) => run(knex, upStatements),
    down: (knex) => run(knex, downStatements),
  };
}

const dialectOf = (knex: Knex): Dialect => (knex.client.config.client === 'pg' ? 'postgresql' : 'mysql');
