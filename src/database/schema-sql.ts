import type { Knex } from 'knex';
import { type Dialect, type Migration, unconnected } from './migrations.js';

/** Statements that belong together, without their semicolons. */
export interface Batch {
  /** For whoever reads the script. */
  readonly title: string;
  readonly statements: readonly string[];
}

/**
 * The migrations as SQL for review, with the history that knex keeps: applied by hand it is seen as applied
 * by `schema migrate`, and applied twice it changes nothing. Each migration is one batch, so that a
 * `schema rollback` takes back one of them. The way back begins with the newest; the rows of tables that the migrations
 * made go with them.
 */
export function batchesOf(
  migrations: readonly Migration[],
  dialect: Dialect,
  way: 'up' | 'down',
): readonly Batch[] {
  const knex = unconnected(dialect);
  const up = migrations.map((migration) => ({
    title: migration.name,
    statements: [...migration.upStatements(knex), recordApplied(migration.name)],
  }));
  const down = migrations.toReversed().map((migration) => ({
    title: migration.name,
    statements: [...migration.downStatements(knex), recordTakenBack(migration.name)],
  }));
  return [{ title: 'History of migrations', statements: history(knex) }, ...(way === 'up' ? up : down)];
}

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

/** The tables as knex itself makes them. */
const history = (knex: Knex): readonly string[] => [
  ...knex.schema
    .createTableIfNotExists('knex_migrations', (table) => {
      table.increments();
      table.string('name');
      table.integer('batch');
      table.timestamp('migration_time').nullable();
    })
    .createTableIfNotExists('knex_migrations_lock', (table) => {
      table.increments('index').primary();
      table.integer('is_locked');
    })
    .toQuery()
    .split(';\n'),
  `insert into knex_migrations_lock (is_locked)
  select 0 from (select 1 as one) as once where not exists (select 1 from knex_migrations_lock)`,
];

const recordApplied = (name: string): string =>
  `insert into knex_migrations (name, batch, migration_time)
  select '${name}', once.batch, current_timestamp from (select coalesce(max(batch), 0) + 1 as batch from knex_migrations) as once
  where not exists (select 1 from knex_migrations where name = '${name}')`;

const recordTakenBack = (name: string): string => `delete from knex_migrations where name = '${name}'`;
