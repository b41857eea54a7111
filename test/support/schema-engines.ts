import type { DatabaseSettings } from '../../src/model/settings.js';
import { startMariadb } from './mariadb.js';
import { startPostgres } from './postgres.js';
import type { TestServer } from './schema-servers.js';

/** Both engines under one shape, so that a suite is written once. */
export const ENGINES = [
  { name: 'PostgreSQL', start: startPostgres },
  { name: 'MariaDB', start: startMariadb },
] as const;

/** Settings for `openDatabase` with limits that suit tests. */
export function databaseSettings(
  server: TestServer,
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
