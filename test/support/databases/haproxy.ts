import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort, privateFolder, startProgram, type TestServer, waitUntilReady } from './servers.js';

const PROGRAM = '/usr/sbin/haproxy';

export interface Balancer {
  /** TCP on 127.0.0.1. */
  readonly port: number;
  /** What a client needs for its Unix socket, as `TestServer.socketPath`. */
  readonly socketPath: string;
  stop(): Promise<void>;
}

/**
 * Starts an HAProxy of the test's own: the first of the servers that is healthy gets every connection, and those to one that is
 * no more are cut. `isHealthy` is what sites have a small HTTP server beside each database for. `idleMs`: how long a connection
 * may be silent.
 */
export async function startHaproxy(
  servers: readonly TestServer[],
  isHealthy: (server: TestServer) => Promise<boolean>,
  idleMs = 3_600_000,
): Promise<Balancer> {
  if (!existsSync(PROGRAM)) throw new Error('HAProxy is not installed: apt-get install haproxy');
  const folder = privateFolder('haproxy');
  chmodSync(folder, 0o755);
  const [port, file, log] = [await freePort(), join(folder, 'config'), join(folder, 'log')];
  const isPostgres = servers[0]?.engine === 'postgresql';
  const socketFile = join(folder, isPostgres ? '.s.PGSQL.5432' : 'socket');
  const checks = await Promise.all(servers.map((server) => startCheck(() => isHealthy(server))));
  const lines = servers.map(
    (server, at) =>
      `server s${at} 127.0.0.1:${server.port} check port ${checks[at]?.port}${at === 0 ? '' : ' backup'}`,
  );
  writeFileSync(
    file,
    `defaults
  mode tcp
  timeout connect 2s
  timeout check 1s
  timeout client ${idleMs}ms
  timeout server ${idleMs}ms
listen database
  bind 127.0.0.1:${port}
  bind unix@${socketFile} mode 666
  option httpchk GET /
  default-server inter 200ms fall 1 rise 1 on-marked-down shutdown-sessions
  ${lines.join('\n  ')}
`,
  );
  const program = startProgram([PROGRAM, '-db', '-f', file], { log, user: null });
  await waitUntilReady(() => accepts(port), log);
  return {
    port,
    socketPath: isPostgres ? folder : socketFile,
    stop: async () => {
      program.signal('SIGKILL');
      await program.ended();
      for (const check of checks) check.close();
    },
  };
}

/** Answers 200 or 503, as a script on the host of the database does. */
async function startCheck(isHealthy: () => Promise<boolean>) {
  const server = createServer((_, response) => {
    isHealthy().then(
      (healthy) => response.writeHead(healthy ? 200 : 503).end(),
      () => response.writeHead(503).end(),
    );
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const accepts = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
