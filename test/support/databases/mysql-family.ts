import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import type { DatabaseServer } from '../../../src/model/settings.js';
import {
  clientOf,
  DATABASE,
  PASSWORD,
  type Program,
  removeFolder,
  startProgram,
  type systemUser,
  type TestServer,
  USER,
  waitUntilReady,
} from './servers.js';

/** A server of MySQL's family on a data folder that is there already. */
export interface FamilyPlace {
  /** The program with the flags that it always has. */
  readonly command: readonly string[];
  readonly folder: string;
  readonly port: number;
  /** Further flags, without the leading dashes, asked for at each start. */
  readonly settings: () => readonly string[];
  readonly user: ReturnType<typeof systemUser>;
  /** The key that clients without TLS are to know the server by. */
  readonly publicKeyFile: string | null;
}

/** A server that starts deletes every temporary table's file in its tmpdir: those of all servers that share /tmp. */
export function makeTemporary(folder: string): string {
  const path = join(folder, 'tmp');
  mkdirSync(path, { mode: 0o700 });
  return path;
}

export const asRoot = (): readonly string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

/** The account and the database `quantum`. */
export async function makeAccount(server: TestServer): Promise<void> {
  for (const host of ['localhost', '127.0.0.1']) {
    await server.query(`create user '${USER}'@'${host}' identified by '${PASSWORD}'`);
  }
  await server.createDatabase(DATABASE);
}

export function familyServer({
  command,
  folder,
  port,
  settings,
  user,
  publicKeyFile,
}: FamilyPlace): TestServer {
  const log = join(folder, 'log');
  const socketPath = join(folder, 'socket');
  const key = publicKeyFile === null ? '' : `?server_public_key_path=${publicKeyFile}`;
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
      `mysql://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${database}${key}`,
    client: (changes: Partial<DatabaseServer> = {}) => clientOf('mysql', port, { publicKeyFile, ...changes }),
    query,
    createDatabase: async (name, options = '') => {
      await query(`create database ${name} ${options}`);
      for (const host of ['localhost', '127.0.0.1']) {
        await query(`grant all on ${name}.* to '${USER}'@'${host}'`);
      }
    },
    start: async () => {
      const flags = [`socket=${socketPath}`, `port=${port}`, ...settings()].map((flag) => `--${flag}`);
      program = startProgram([...command, ...flags, ...(user === null ? asRoot() : [])], { log, user });
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
