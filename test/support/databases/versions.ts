import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engines.js';
import { type Mariadb, startMariadb } from './mariadb.js';
import { asRoot } from './mysql-family.js';
import { startPostgres } from './postgres.js';
import { unpackedFolder } from './unpacked.js';

/** A version of a server that is not the installed one: the oldest and the newest that Debian's mirrors have. */
export interface Version extends Engine {
  /** As test/packages.sh has it. */
  readonly packageName: string;
}

const postgresql = (packageName: string): Version => ({
  name: 'PostgreSQL',
  packageName,
  start: (options) => {
    const versions = join(unpackedFolder(packageName), 'usr/lib/postgresql');
    return startPostgres({ ...options, programs: join(versions, readdirSync(versions)[0] ?? '', 'bin') });
  },
});

const mariadb = (packageName: string, share: string): Version => ({
  name: 'MariaDB',
  packageName,
  start: (options) =>
    startMariadb({ ...options, mariadb: unpackedMariadb(join(unpackedFolder(packageName), 'usr'), share) }),
});

export const VERSIONS: readonly Version[] = [
  postgresql('postgresql-13@bullseye'),
  postgresql('postgresql-17@trixie'),
  postgresql('postgresql-18@sid'),
  mariadb('mariadb-server-core-10.5@bullseye', 'mysql'),
  mariadb('mariadb-server-core@trixie', 'mariadb'),
];

/** Its data folder is made as mariadb-install-db does it, which asks for a whole installation. */
function unpackedMariadb(usr: string, share: string): Mariadb {
  const program = join(usr, 'sbin', 'mariadbd');
  const shared = join(usr, 'share', share);
  const flags = [
    `--basedir=${usr}`,
    `--lc-messages-dir=${shared}`,
    `--character-sets-dir=${join(shared, 'charsets')}`,
  ];
  const script = (name: string): string => readFileSync(join(shared, `${share}_${name}.sql`), 'utf8');
  return {
    program,
    flags,
    fill: (data, more) => {
      mkdirSync(data);
      const tables = ['system_tables', 'performance_tables', 'system_tables_data'].map(script);
      // The server takes a statement for ended only at the end of a line.
      const start = [
        'create database mysql;',
        'use mysql;',
        'set @auth_root_socket = null, @skip_auth_anonymous = 1;',
        '',
      ];
      const own = ['--no-defaults', '--bootstrap', ...flags, `--datadir=${data}`, ...more, ...asRoot()];
      execFileSync(program, own, {
        input: start.join('\n') + tables.join(''),
        stdio: ['pipe', 'pipe', 'pipe'],
      });
    },
  };
}
