import type { Dialect, Migration } from './migrations.js';

/**
 * The migrations as SQL for review, with the history that knex keeps: applied by hand it is seen as applied
 * by `schema migrate`, and applied twice it changes nothing. Each migration is one batch, so that a
 * `schema rollback` takes back one of them.
 */
export function upSql(migrations: readonly Migration[], dialect: Dialect): string {
  const parts = migrations.flatMap((migration) => [
    [`-- ${migration.name}`],
    migration.upStatements(dialect),
    [recordApplied(migration.name)],
  ]);
  return script([HISTORY[dialect], ...parts], dialect);
}

/** The way back, newest first; the rows of tables that the migrations made go with them. */
export function downSql(migrations: readonly Migration[], dialect: Dialect): string {
  const parts = [...migrations]
    .reverse()
    .flatMap((migration) => [
      [`-- ${migration.name}`],
      migration.downStatements(dialect),
      [`delete from knex_migrations where name = '${migration.name}'`],
    ]);
  return script([HISTORY[dialect], ...parts], dialect);
}

const LOCK_ROW = `insert into knex_migrations_lock (is_locked)
  select 0 from (select 1 as one) as once where not exists (select 1 from knex_migrations_lock)`;

/** The tables as knex itself makes them. */
const HISTORY: Readonly<Record<Dialect, readonly string[]>> = {
  postgresql: [
    '-- History of migrations',
    'create table if not exists knex_migrations (id serial primary key, name varchar(255), batch integer, migration_time timestamptz)',
    'create table if not exists knex_migrations_lock (index serial primary key, is_locked integer)',
    LOCK_ROW,
  ],
  mysql: [
    '-- History of migrations',
    'create table if not exists knex_migrations (id int unsigned not null auto_increment primary key, name varchar(255), batch int, migration_time timestamp null)',
    'create table if not exists knex_migrations_lock (`index` int unsigned not null auto_increment primary key, is_locked int)',
    LOCK_ROW,
  ],
};

const recordApplied = (name: string): string =>
  `insert into knex_migrations (name, batch, migration_time)
  select '${name}', once.batch, current_timestamp from (select coalesce(max(batch), 0) + 1 as batch from knex_migrations) as once
  where not exists (select 1 from knex_migrations where name = '${name}')`;

function script(parts: readonly (readonly string[])[], dialect: Dialect): string {
  const body = parts.flat().map((line) => (line.startsWith('--') ? `\n${line}` : `${line};`));
  // MySQL commits at every CREATE and DROP; each statement may be repeated after one that failed.
  const all = dialect === 'postgresql' ? ['begin;', ...body, '\ncommit;'] : body;
  return all.join('\n').trim();
}
