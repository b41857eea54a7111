import type { DatabaseSettings } from '../../../src/model/settings.js';
import { startMariadb } from './mariadb.js';
import { startMysql } from './mysql.js';
import { startPostgres } from './postgres.js';
import { type Rows, rowsOf } from './rows.js';
import type { TestServer } from './servers.js';
import { createSchema, type TestGeneration } from './tables.js';

/** Every engine under one shape, so that a suite is written once. */
export const ENGINES = [
  { name: 'PostgreSQL', start: startPostgres },
  { name: 'MariaDB', start: startMariadb },
  { name: 'MySQL', start: startMysql },
] as const;

export type EngineName = (typeof ENGINES)[number]['name'];

/**
 * What the built program does on one engine it does on each: `npm test` goes through the usual one of a file, and
 * `npm run test:long` through PostgreSQL and MariaDB, to which MySQL is the same.
 */
export const usually = <Engine extends { readonly name: EngineName }>(
  usual: EngineName,
  engines: readonly Engine[],
): readonly Engine[] =>
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
