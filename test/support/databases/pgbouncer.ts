import { chmodSync, chownSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import {
  freePort,
  PASSWORD,
  privateFolder,
  startProgram,
  systemUser,
  type TestServer,
  USER,
  waitUntilReady,
} from './servers.js';

const PROGRAM = '/usr/sbin/pgbouncer';

export interface Pooler {
  /** TCP on 127.0.0.1. */
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a PgBouncer of the test's own before a PostgreSQL, with a single session of the server for all clients, or more. */
export async function startPgbouncer(
  server: TestServer,
  mode: 'session' | 'transaction' | 'statement',
  { sessions = 1, clients = 100 }: { readonly sessions?: number; readonly clients?: number } = {},
): Promise<Pooler> {
  if (!existsSync(PROGRAM)) throw new Error('PgBouncer is not installed: apt-get install pgbouncer');
  const user = systemUser('postgres');
  const folder = privateFolder('pgbouncer');
  chmodSync(folder, 0o755);
  const port = await freePort();
  const [config, users, log] = ['config', 'users', 'log'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: users,
    pool_mode: mode,
    default_pool_size: sessions,
    max_client_conn: clients,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  const databases = `* = host=${server.socketPath} port=${server.port}`;
  writeFileSync(config, `[databases]\n${databases}\n[pgbouncer]\n${lines.join('\n')}\n`);
  writeFileSync(users, `"${USER}" "${PASSWORD}"\n`);
  if (user) for (const path of [folder, config, users]) chownSync(path, user.uid, user.gid);
  const program = startProgram([PROGRAM, config], { log, user });
  await waitUntilReady(async () => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: USER,
      password: PASSWORD,
      database: 'quantum',
    });
    client.on('error', () => {});
    await client.connect();
    await client.end();
  }, log);
  return {
    port,
    pid: program.pid,
    stop: async () => {
      program.signal('SIGKILL');
      await program.ended();
    },
  };
}
