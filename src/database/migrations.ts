import { readdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import knex, { type Knex } from 'knex';
import type { DatabaseServer, DatabaseSettings } from '../model/settings.js';
import { GOODBYE_LIMIT_MS } from './connect.js';
import { databaseError, endpointOf, tooLate } from './errors.js';
import { within } from './limit.js';
import { mysqlOptions } from './mysql.js';
import { databaseSocket } from './names.js';
import { postgresqlOptions } from './postgresql.js';

export type Dialect = DatabaseServer['engine'];

/** One migration as its file exports it. */
export interface Migration {
  /** As `knex_migrations` records it: the name of the built file. */
  readonly name: string;
  upStatements(knex: Knex): readonly string[];
  downStatements(knex: Knex): readonly string[];
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
}

/** What is built stands in `dist/chunks/`, beside `dist/migrations/`; the sources have theirs at the top. */
const FOLDER = new URL(
  import.meta.url.endsWith('.ts') ? '../../migrations/' : '../migrations/',
  import.meta.url,
);
const FILE_NAME = /^(\d{14}_[a-z0-9_]+)\.(js|ts)$/;

/** Tables are made or dropped in well under a second; this is for a server that has stopped answering. */
const MIGRATION_LIMIT_MS = 300_000;

/** Every migration, oldest first. */
export async function loadMigrations(): Promise<readonly Migration[]> {
  const names = (await readdir(fileURLToPath(FOLDER))).sort();
  return Promise.all(
    names.flatMap((name) => {
      const match = FILE_NAME.exec(name);
      return match === null ? [] : [load(name, `${match[1]}.js`)];
    }),
  );
}

async function load(file: string, name: string): Promise<Migration> {
  const module: unknown = await import(new URL(file, FOLDER).href);
  if (!isMigration(module)) throw new Error(`${file} is no migration: it lacks one of the four functions`);
  // The names of a module cannot be spread into knex's own check of it, hence one by one.
  const { upStatements, downStatements, up, down } = module;
  return { name, upStatements, downStatements, up, down };
}

function isMigration(module: unknown): module is Omit<Migration, 'name'> {
  if (typeof module !== 'object' || module === null) return false;
  const functions: Record<string, unknown> = { ...module };
  return ['upStatements', 'downStatements', 'up', 'down'].every(
    (name) => typeof functions[name] === 'function',
  );
}

/** `locked`: knex leaves its lock behind when it is killed; only a person knows whether another one still runs. */
export type Migrated =
  | { readonly kind: 'done'; readonly names: readonly string[] }
  | { readonly kind: 'locked'; readonly endpoint: string };

/**
 * Brings the first server of the list to the newest form (`latest`) or takes the last batch back
 * (`rollback`). Throws DatabaseError.
 */
export async function runMigrations(
  settings: DatabaseSettings,
  direction: 'latest' | 'rollback',
): Promise<Migrated> {
  const [server] = settings.servers;
  const socket = databaseSocket();
  const migrator = await migratorOf(server, socket, settings.connectTimeoutMs);
  try {
    const run = direction === 'latest' ? migrator.migrate.latest() : migrator.migrate.rollback();
    const result: unknown = await within(MIGRATION_LIMIT_MS, run, () =>
      tooLate(server, 'finish the migration', MIGRATION_LIMIT_MS),
    );
    const [, names] = Array.isArray(result) ? result : [];
    return { kind: 'done', names: Array.isArray(names) ? names.map(String) : [] };
  } catch (error) {
    if (isLocked(error)) return { kind: 'locked', endpoint: endpointOf(server) };
    throw databaseError(error, server);
  } finally {
    // A server that does not say good-bye is no failure of the migration: the socket is cut either way.
    await within(GOODBYE_LIMIT_MS, migrator.destroy(), () => new Error('late')).catch(() => {});
    socket.destroy();
  }
}

const isLocked = (error: unknown): boolean => error instanceof Error && error.name === 'MigrationLocked';

async function migratorOf(server: DatabaseServer, socket: Socket, connectTimeoutMs: number): Promise<Knex> {
  const migrations = await loadMigrations();
  const options = await (server.engine === 'postgresql' ? postgresqlOptions : mysqlOptions)(server, socket);
  return knex({
    ...commonOptions(server.engine),
    // knex's own type of a connection lacks some of what the drivers take; it hands everything on to them.
    connection: options as Knex.StaticConnectionConfig,
    pool: { min: 0, max: 1 },
    acquireConnectionTimeout: connectTimeoutMs,
    migrations: {
      migrationSource: {
        getMigrations: async () => [...migrations],
        getMigrationName: (migration: Migration) => migration.name,
        getMigration: async (migration: Migration) => migration,
      },
    },
  });
}

/** For statements alone: it connects to nothing. */
export const unconnected = (dialect: Dialect): Knex => knex(commonOptions(dialect));

const commonOptions = (dialect: Dialect): Knex.Config => ({
  client: dialect === 'postgresql' ? 'pg' : 'mysql2',
  // knex puts whole statements into messages of errors otherwise.
  compileSqlOnError: false,
  // Whatever knex says there it throws as well; it would be told twice, once with a stack.
  log: { warn: () => {}, error: () => {}, deprecate: () => {}, debug: () => {} },
});
