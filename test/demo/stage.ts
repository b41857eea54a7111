import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import pg from 'pg';
import { HANG_LIMIT_MS } from '../support/limit.js';

/** The demo's database: PostgreSQL in WebAssembly behind a socket, so that the agent's real driver talks to it. */
export interface DemoDatabase {
  sql(text: string): Promise<unknown[]>;
  /** Closes the socket, as a stopped server does. */
  stop(): Promise<void>;
  /** Where it was, or somewhere else. */
  start(at?: DemoAddress): Promise<void>;
}

/** Part of the name of its socket, too. */
const PORT = 5432;

/** Where the database listens: on the loopback of this network namespace, or at a path, which hosts in others reach too. */
export type DemoAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** Starts PGlite. */
export async function startDatabase(address: DemoAddress): Promise<DemoDatabase> {
  const pglite = await PGlite.create();
  let place = address;
  let server = await listen(pglite, place);
  return {
    sql: (text) => ask(place, text),
    stop: () => server.stop(),
    start: async (at = place) => {
      place = at;
      server = await listen(pglite, place);
    },
  };
}

/** As everybody asks, one transaction after the other: PGlite has one session, which may be in the middle of an agent's. */
async function ask(address: DemoAddress, text: string): Promise<unknown[]> {
  const place = 'path' in address ? { host: dirname(address.path), port: PORT } : address;
  const client = new pg.Client({ ...place, user: 'postgres', database: 'postgres' });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function listen(pglite: PGlite, address: DemoAddress): Promise<PGLiteSocketServer> {
  const server = new PGLiteSocketServer({ db: pglite, ...address, maxConnections: 12 });
  await server.start();
  return server;
}

/** One line of the agent's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

/** The agent as a user runs it: the built program, its log lines read from stderr. */
export interface DemoAgent {
  readonly lines: LogLine[];
  stop(): Promise<number | null>;
}

export const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** Starts `run`; `prefix` goes before it. The agent's own log lines are kept; what is no log line is printed as it is. */
export function startAgent(configFile: string, prefix: readonly string[] = []): DemoAgent {
  const argv = [...prefix, process.execPath, PROGRAM, '--config-file', configFile, '--log-format', 'json'];
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'pipe'] });
  const lines: LogLine[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('{')) lines.push(JSON.parse(line) as LogLine);
    else process.stderr.write(`${line}\n`);
  });
  return { lines, stop: () => end(child) };
}

/** Ends a child by its id: SIGTERM first, SIGKILL when it does not go. Gives its exit code. */
export async function end(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), HANG_LIMIT_MS);
  await gone;
  clearTimeout(timer);
  return child.exitCode;
}

/** Runs a command to its end; gives its output. Throws with what it said when it fails. */
export const command = (file: string, ...args: string[]): string =>
  execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: HANG_LIMIT_MS });

/** Runs a command without blocking: the database lives in this very process. */
export async function output(file: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { timeout: HANG_LIMIT_MS });
  return stdout.trim();
}

/** What the agent's program says to a command. */
export const program = (...args: readonly string[]): Promise<string> =>
  output(process.execPath, PROGRAM, ...args);

export const say = (text: string): void => void process.stdout.write(`${text}\n`);

export const tap = (port: string): string => `tap${port.slice(0, 11)}`;

/** Lets the log catch up with the kernel: until nothing more has been said for a moment. */
export async function quiet(agent: DemoAgent): Promise<void> {
  for (let seen = -1; seen !== agent.lines.length; ) {
    seen = agent.lines.length;
    await delay(300);
  }
}

/** A link as `ip -j -d link` and `ip -j address` tell it: the witness, which is not the agent's own reader. */
export interface SeenLink {
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly ifalias?: string;
  readonly addr_info?: readonly {
    readonly local: string;
    readonly prefixlen: number;
    readonly family: string;
  }[];
}

/** Every link of this network namespace with its addresses, as iproute2 sees it. */
export function seenLinks(): Map<string, SeenLink> {
  const links = JSON.parse(command('ip', '-j', 'address', 'show')) as SeenLink[];
  return new Map(links.map((link) => [link.ifname, link]));
}
