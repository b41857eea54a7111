import type { DatabaseSettings } from '../../../src/model/settings.js';
import { startMariadb } from './mariadb.js';
import { startMysql } from './mysql.js';
import { startPostgres } from './postgres.js';
import { type Rows, rowsOf } from './rows.js';
import type { TestServer } from './servers.js';
import { createSchema, type TestGeneration } from './tables.js';
import { VERSIONS } from './versions.js';

export interface Engine {
  readonly name: 'PostgreSQL' | 'MariaDB' | 'MySQL';
  start(options?: { settings?: readonly string[] }): Promise<TestServer>;
}

export type EngineName = Engine['name'];

export const POSTGRESQL = { name: 'PostgreSQL', start: startPostgres } as const satisfies Engine;
export const MARIADB = { name: 'MariaDB', start: startMariadb } as const satisfies Engine;
export const MYSQL = { name: 'MySQL', start: startMysql } as const satisfies Engine;

/** The long proofs start these suites once more, and name the one version of a server that they are to be on. */
const version = VERSIONS.find(({ packageName }) => packageName === process.env.TEST_SERVER);

/** Every engine under one shape, so that a suite is written once. */
export const ENGINES: readonly Engine[] = version ? [version] : [POSTGRESQL, MARIADB, MYSQL];

/**
 * What the built program does on one engine it does on each: `npm test` goes through the usual one of a file, and
 * `npm run test:long` through PostgreSQL and MariaDB, to which MySQL is the same.
 */
export const usually = <One extends Pick<Engine, 'name'>>(
  usual: EngineName,
  engines: readonly One[],
): readonly One[] =>
  engines.filter(({ name }) => (process.env.TEST_EVERY_ENGINE === '1' ? name !== 'MySQL' : name === usual));

/** Settings for `openDatabase` with limits that suit tests. */
export function databaseSettings(
  server: Pick<TestServer, 'client'>,
  changes: Partial<DatabaseSettings> = {},
): DatabaseSettings {
  return {
    servers: [server.client()],
    connectTimeoutMs: 3000,
    queryTimeoutMs: 3000,
    readOnly: false,
    tunnels: false,
    host: 'host1',
    ...changes,
  };
}

let databases = 0;

/** A database of its own with the tables of a generation, and settings that reach it. */
export async function freshDatabase(
  server: TestServer,
  generation: TestGeneration | null,
  options = '',
): Promise<{ readonly database: string; readonly rows: Rows; readonly settings: DatabaseSettings }> {
  databases += 1;
  const database = `fresh_${databases}`;
  await server.createDatabase(database, options);
  if (generation !== null) await createSchema(server, generation, database);
  return {
    database,
    rows: rowsOf(server, generation ?? 'grizzly', database),
    settings: databaseSettings(server, { servers: [server.client({ database })] }),
  };
}
