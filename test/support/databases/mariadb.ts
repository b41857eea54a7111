import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import {
  clientOf,
  DATABASE,
  freePort,
  PASSWORD,
  type Program,
  privateFolder,
  removeFolder,
  startProgram,
  type systemUser,
  type TestServer,
  USER,
  waitUntilReady,
} from './servers.js';

const PROGRAM = '/usr/sbin/mariadbd';
const INSTALL = '/usr/bin/mariadb-install-db';
let template: string | null = null;

export const isMariadbInstalled = (): boolean => existsSync(PROGRAM) && existsSync(INSTALL);

/**
 * Starts a MariaDB of the test's own, with the account and database `quantum`. `settings` are further flags
 * of the server, without the leading dashes.
 */
export async function startMariadb(options: { settings?: readonly string[] } = {}): Promise<TestServer> {
  const server = await prepareMariadb(() => options.settings ?? []);
  await server.start();
  await makeAccount(server);
  return server;
}

/**
 * A server with an empty data folder, not started. `settings` are asked for at each start; `user` is whom it runs as
 * (null: as this process).
 */
export async function prepareMariadb(
  settings: () => readonly string[],
  user: ReturnType<typeof systemUser> = null,
): Promise<TestServer> {
  if (!isMariadbInstalled()) throw new Error('MariaDB is not installed: apt-get install mariadb-server');
  const folder = privateFolder('mariadb');
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  copyTemplate(data);
  const temporary = makeTemporary(folder);
  if (user) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
  return mariadbServer(folder, [`datadir=${data}`, `tmpdir=${temporary}`], await freePort(), settings, user);
}

/** The account and the database `quantum`. */
export async function makeAccount(server: TestServer): Promise<void> {
  for (const host of ['localhost', '127.0.0.1']) {
    await server.query(`create user '${USER}'@'${host}' identified by '${PASSWORD}'`);
  }
  await server.createDatabase(DATABASE);
}

function copyTemplate(data: string): void {
  if (template === null) {
    const folder = privateFolder('mariadb-template');
    template = join(folder, 'data');
    const folders = [`--datadir=${template}`, `--tmpdir=${makeTemporary(folder)}`];
    const flags = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'];
    execFileSync(INSTALL, ['--no-defaults', ...folders, ...flags, ...asRoot()], { stdio: 'pipe' });
  }
  cpSync(template, data, { recursive: true });
}

/** A server that starts deletes every temporary table's file in its tmpdir: those of all servers that share /tmp. */
function makeTemporary(folder: string): string {
  const path = join(folder, 'tmp');
  mkdirSync(path, { mode: 0o700 });
  return path;
}

const asRoot = (): readonly string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

/** Small and fast; what a crash would lose does not matter here. */
const FAST = [
  'bind-address=127.0.0.1',
  'skip-name-resolve',
  'innodb-flush-log-at-trx-commit=0',
  'innodb-buffer-pool-size=64M',
  'innodb-log-file-size=32M',
  'character-set-server=utf8mb3',
  'collation-server=utf8mb3_general_ci',
];

function mariadbServer(
  folder: string,
  folders: readonly string[],
  port: number,
  settings: () => readonly string[],
  user: ReturnType<typeof systemUser>,
): TestServer {
  const log = join(folder, 'log');
  const socketPath = join(folder, 'socket');
  let program: Program | null = null;
  const query = async (sql: string, database?: string): Promise<Record<string, unknown>[]> => {
    const connection = await mysql.createConnection({
      socketPath,
      user: 'root',
      multipleStatements: true,
      charset: 'utf8mb4',
      ...(database && { database }),
    });
    try {
      await connection.query('set autocommit = 1');
      const [result] = await connection.query(sql);
      const last: unknown = Array.isArray(result) && Array.isArray(result.at(-1)) ? result.at(-1) : result;
      return Array.isArray(last) ? (last as Record<string, unknown>[]) : [];
    } finally {
      await connection.end();
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = program;
    program = null;
    if (running === null) return;
    running.signal(signal);
    await running.ended();
  };
  return {
    engine: 'mysql',
    folder,
    socketPath,
    port,
    url: (database = DATABASE) =>
      `mysql://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${database}`,
    client: (changes = {}) => clientOf('mysql', port, changes),
    query,
    createDatabase: async (name, options = '') => {
      await query(`create database ${name} ${options}`);
      for (const host of ['localhost', '127.0.0.1']) {
        await query(`grant all on ${name}.* to '${USER}'@'${host}'`);
      }
    },
    start: async () => {
      const flags = [...folders, `socket=${socketPath}`, `port=${port}`, ...FAST, ...settings()];
      const identity = user === null ? asRoot() : [];
      program = startProgram([PROGRAM, '--no-defaults', ...flags.map((flag) => `--${flag}`), ...identity], {
        log,
        user,
      });
      await waitUntilReady(() => query('select 1'), log);
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => program?.signal('SIGSTOP'),
    thaw: () => program?.signal('SIGCONT'),
    destroy: async () => {
      await end('SIGKILL');
      removeFolder(folder);
    },
  };
}
