import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cleanup, enterNamespace, ip, ipBatch, makeNamespace } from '../host/netns.js';
import { startMariadb } from './mariadb.js';
import { startPostgres } from './postgres.js';
import { DATABASE, PASSWORD, privateFolder, type TestServer, USER } from './servers.js';

/** Starts a server in a namespace; its TCP socket is there, its Unix socket is reached from everywhere. */
export async function startInside(namespace: string, start: () => Promise<TestServer>): Promise<TestServer> {
  const leave: (() => void | Promise<void>)[] = [];
  enterNamespace({ after: (end) => void leave.push(end) }, namespace);
  try {
    return await start();
  } finally {
    for (const end of leave) await end();
  }
}

const NETWORK_ACCESS = 'local all all trust\nhost all all all scram-sha-256\n';

/** A PostgreSQL that lets clients in over the network, not over the loopback alone. */
function startOpenPostgres(): Promise<TestServer> {
  const folder = privateFolder('access');
  chmodSync(folder, 0o755);
  const file = join(folder, 'pg_hba.conf');
  writeFileSync(file, NETWORK_ACCESS, { mode: 0o644 });
  return startPostgres({ settings: ['listen_addresses=*', `hba_file=${file}`] });
}

async function startOpenMariadb(): Promise<TestServer> {
  const server = await startMariadb({ settings: ['bind-address=0.0.0.0'] });
  await server.query(
    `create user '${USER}'@'%' identified by '${PASSWORD}'; grant all on ${DATABASE}.* to '${USER}'@'%'`,
  );
  return server;
}

/** Both engines, as servers that guests reach over the network. */
export const OPEN_ENGINES = [
  { name: 'PostgreSQL', start: startOpenPostgres },
  { name: 'MariaDB', start: startOpenMariadb },
] as const;

/** A network of its own: a bridge that joins the cards of guests and the server. */
export interface Site {
  readonly namespace: string;
  readonly server: TestServer;
  /** SQLAlchemy URL as the guests have to write it. */
  readonly url: string;
  /** The outer ends of the guests' cards; the address of guest `n` (from 0) is 10.200.0.(n+2)/24. */
  readonly cards: readonly { readonly namespace: string; readonly tap: string }[];
}

const SERVER_ADDRESS = '10.200.0.1';

export async function makeSite(t: Cleanup, start: () => Promise<TestServer>, guests: number): Promise<Site> {
  const namespace = makeNamespace(t);
  ipBatch(namespace, [
    'link add outer up type bridge forward_delay 0',
    `address add ${SERVER_ADDRESS}/24 dev outer`,
  ]);
  const cards = Array.from({ length: guests }, (_, n) => ({ namespace, tap: `card${n}` }));
  for (const { tap } of cards) {
    ip(namespace, 'tuntap', 'add', 'dev', tap, 'mode', 'tap');
    ip(namespace, 'link', 'set', tap, 'master', 'outer', 'up');
  }
  const server = await startInside(namespace, start);
  t.after(() => server.destroy());
  return { namespace, server, url: server.url().replace('127.0.0.1', SERVER_ADDRESS), cards };
}
