import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestServer } from './servers.js';

/** Dumps of databases that a real Neutron made and filled; they are no part of the repository. */
const FOLDER = new URL('../../../../shared/data/', import.meta.url);
const DUMPS = {
  PostgreSQL: 'neutron-zed-postgres-data.sql',
  MariaDB: 'neutron-zed-mariadb-data.sql',
  MySQL: 'neutron-zed-mariadb-data.sql',
} as const;

/** The file of an engine's dump; null where there is none. */
export function dumpFor(engine: keyof typeof DUMPS): string | null {
  const file = fileURLToPath(new URL(DUMPS[engine], FOLDER));
  return existsSync(file) ? file : null;
}

/** Loads a dump into the database `quantum` with the engine's own client. */
export function loadDump(server: TestServer, file: string): void {
  const [command = '', ...args] =
    server.engine === 'postgresql'
      ? `psql -q -h ${server.folder} -p ${server.port} -U postgres -v ON_ERROR_STOP=1 quantum`.split(' ')
      : ['mysql', '--no-defaults', `--socket=${server.socketPath}`, '-uroot', 'quantum'];
  execFileSync(command, args, { input: readFileSync(file), stdio: ['pipe', 'pipe', 'pipe'] });
}
