import type { Dialect, Migration } from './migrations.js';

/** Statements that belong together, without their semicolons. */
export interface Batch {
  /** For whoever reads the script. */
  readonly title: string;
  readonly statements: readonly string[];
}

/**
 * The migrations as SQL for review, with the history that knex keeps: applied by hand it is seen as applied
 * by `schema migrate`, and applied twice it changes nothing. Each migration is one batch, so that a
 * `schema rollback` takes back one of them.
 */
export const upBatches = (migrations: readonly Migration[], dialect: Dialect): readonly Batch[] => [
  history(dialect),
  ...migrations.map((migration) => ({
    title: migration.name,
    statements: [...migration.upStatements(dialect), recordApplied(migration.name)],
  })),
];

/** The way back, newest first; the rows of tables that the migrations made go with them. */
export const downBatches = (migrations: readonly Migration[], dialect: Dialect): readonly Batch[] => [
  history(dialect),
  ...migrations.toReversed().map((migration) => ({
    title: migration.name,
    statements: [
      ...migration.downStatements(dialect),
      `delete from knex_migrations where name = '${migration.name}'`,
    ],
  })),
];

/** Every statement in its order, for one connection. MySQL commits at every CREATE and DROP; each may be repeated after one that failed. */
export const statementsOf = (batches: readonly Batch[], dialect: Dialect): readonly string[] => {
  const statements = batches.flatMap((batch) => batch.statements);
  return dialect === 'postgresql' ? ['begin', ...statements, 'commit'] : statements;
};

/** The statements as a script for `mysql` or `psql`, each batch below its title. */
export function scriptOf(batches: readonly Batch[], dialect: Dialect): string {
  const body = batches.map(({ title, statements }) =>
    [`-- ${title}`, ...statements.map((statement) => `${statement};`)].join('\n'),
  );
  return (dialect === 'postgresql' ? ['begin;', ...body, 'commit;'] : body).join('\n\n');
}

const LOCK_ROW = `insert into knex_migrations_lock (is_locked)
  select 0 from (select 1 as one) as once where not exists (select 1 from knex_migrations_lock)`;

const history = (dialect: Dialect): Batch => ({
  title: 'History of migrations',
  statements: HISTORY[dialect],
});

/** The tables as knex itself makes them. */
const HISTORY: Readonly<Record<Dialect, readonly string[]>> = {
  postgresql: [
    'create table if not exists knex_migrations (id serial primary key, name varchar(255), batch integer, migration_time timestamptz)',
    'create table if not exists knex_migrations_lock (index serial primary key, is_locked integer)',
    LOCK_ROW,
  ],
  mysql: [
    'create table if not exists knex_migrations (id int unsigned not null auto_increment primary key, name varchar(255), batch int, migration_time timestamp null)',
    'create table if not exists knex_migrations_lock (`index` int unsigned not null auto_increment primary key, is_locked int)',
    LOCK_ROW,
  ],
};

const recordApplied = (name: string): string =>
  `insert into knex_migrations (name, batch, migration_time)
  select '${name}', once.batch, current_timestamp from (select coalesce(max(batch), 0) + 1 as batch from knex_migrations) as once
  where not exists (select 1 from knex_migrations where name = '${name}')`;
