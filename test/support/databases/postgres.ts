import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import {
  clientOf,
  DATABASE,
  freePort,
  PASSWORD,
  type Program,
  privateFolder,
  removeFolder,
  startProgram,
  systemUser,
  type TestServer,
  USER,
  waitUntilReady,
} from './servers.js';
import { copyFolder, programVersion, template } from './template.js';

const DEBIAN_FOLDER = '/usr/lib/postgresql';

/** The newest PostgreSQL that Debian's packages installed; null: none. */
export function postgresFolder(): string | null {
  if (!existsSync(DEBIAN_FOLDER)) return null;
  const [newest] = readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a));
  return newest === undefined ? null : join(DEBIAN_FOLDER, newest, 'bin');
}

/**
 * Starts a PostgreSQL of the test's own, with the role and database `quantum`. TCP asks for the password,
 * the socket does not. `settings` are `name=value` for the server's configuration.
 */
export async function startPostgres(
  options: { settings?: readonly string[]; programs?: string } = {},
): Promise<TestServer> {
  const programs = options.programs ?? postgresFolder();
  if (programs === null) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  const user = systemUser('postgres');
  const folder = privateFolder('postgres');
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  if (user) chownSync(folder, user.uid, user.gid);
  copyTemplate(programs, data);
  const port = await freePort();
  const server = postgresServer({ programs, folder, data, port, settings: options.settings ?? [] });
  await server.start();
  await server.query(`create role ${USER} login password '${PASSWORD}'`);
  await server.createDatabase(DATABASE);
  return server;
}

function copyTemplate(programs: string, data: string): void {
  const user = systemUser('postgres');
  const made = template(programVersion(join(programs, 'postgres')), (folder, fresh) => {
    if (user) chownSync(folder, user.uid, user.gid);
    const place = ['-D', fresh, '-U', 'postgres', '-E', 'UTF8', '--locale=C'];
    const auth = ['--auth-local=trust', '--auth-host=scram-sha-256', '--no-sync'];
    execAs(user, [join(programs, 'initdb'), ...place, ...auth], folder);
  });
  copyFolder(made, data);
  if (user) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, data]);
}

/** A streaming standby of a running primary, made with pg_basebackup; `pg_promote()` makes it a primary. */
export async function startStandby(primary: TestServer): Promise<TestServer> {
  const programs = postgresFolder();
  if (programs === null) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  const user = systemUser('postgres');
  const folder = privateFolder('standby');
  chmodSync(folder, 0o755);
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const from = ['-h', primary.socketPath, '-p', `${primary.port}`, '-U', 'postgres'];
  execAs(
    user,
    [join(programs, 'pg_basebackup'), ...from, '-D', data, '-R', '-c', 'fast', '-X', 'stream'],
    folder,
  );
  const server = postgresServer({ programs, folder, data, port: await freePort(), settings: [] });
  await server.start();
  return server;
}

function execAs(user: ReturnType<typeof systemUser>, command: readonly string[], folder: string): void {
  const identity = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [];
  execFileSync('setpriv', [...identity, '--', ...command], { stdio: 'pipe', cwd: folder });
}

interface Place {
  readonly programs: string;
  readonly folder: string;
  readonly data: string;
  readonly port: number;
  readonly settings: readonly string[];
}

const FAST = [
  'fsync=off',
  'full_page_writes=off',
  'max_connections=40',
  'shared_buffers=32MB',
  'log_statement=all',
];

/** A server on a data folder that is there already: a standby makes its own with pg_basebackup. */
export function postgresServer({ programs, folder, data, port, settings }: Place): TestServer {
  const log = join(folder, 'log');
  let program: Program | null = null;
  const query = async (sql: string, database = 'postgres'): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ host: folder, port, user: 'postgres', database });
    client.on('error', () => {});
    await client.connect();
    try {
      const results: unknown = await client.query(sql);
      const last: unknown = Array.isArray(results) ? results.at(-1) : results;
      return (last as pg.QueryResult<Record<string, unknown>>).rows;
    } finally {
      await client.end();
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = program;
    program = null;
    if (running === null) return;
    if (signal === 'SIGKILL') running.signal(signal);
    else process.kill(running.pid, signal);
    await running.ended();
  };
  const server: TestServer = {
    engine: 'postgresql',
    folder,
    socketPath: folder,
    port,
    url: (database = DATABASE) =>
      `postgresql://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${database}`,
    client: (changes = {}) => clientOf('postgresql', port, changes),
    query,
    createDatabase: async (name, options = '') => {
      await query(`create database ${name} owner ${USER} ${options}`);
    },
    start: async () => {
      const all = [
        ...FAST,
        `port=${port}`,
        'listen_addresses=127.0.0.1',
        `unix_socket_directories=${folder}`,
      ];
      const flags = [...all, ...settings].flatMap((setting) => ['-c', setting]);
      program = startProgram([join(programs, 'postgres'), '-D', data, ...flags], {
        log,
        user: systemUser('postgres'),
      });
      await waitUntilReady(() => query('select 1'), log);
    },
    // Fast shutdown: clients are told 57P01 and go.
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    freeze: () => program?.signal('SIGSTOP'),
    thaw: () => program?.signal('SIGCONT'),
    destroy: async () => {
      await end('SIGKILL');
      removeFolder(folder);
    },
  };
  return server;
}
