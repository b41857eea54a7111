import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { HANG_LIMIT_MS } from '../support/limit.js';

/** The demo's database: PostgreSQL in WebAssembly behind a socket, so that the agent's real driver talks to it. */
export interface DemoDatabase {
  readonly url: string;
  sql(text: string): Promise<unknown[]>;
  /** Closes the socket, as a stopped server does. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const PORT = 5432;

/** Starts PGlite on the loopback of this network namespace. */
export async function startDatabase(): Promise<DemoDatabase> {
  const pglite = await PGlite.create();
  let server = await listen(pglite);
  return {
    url: `postgresql://postgres@127.0.0.1:${PORT}/postgres`,
    sql: async (text) => (await pglite.query(text)).rows,
    stop: () => server.stop(),
    start: async () => {
      server = await listen(pglite);
    },
  };
}

async function listen(pglite: PGlite): Promise<PGLiteSocketServer> {
  const server = new PGLiteSocketServer({ db: pglite, host: '127.0.0.1', port: PORT, maxConnections: 4 });
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

/** Starts `run`. The agent's own log lines are kept; what is no log line is printed as it is. */
export function startAgent(program: string, configFile: string): DemoAgent {
  const child = spawn(process.execPath, [program, '--config-file', configFile, '--log-format', 'json'], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const lines: LogLine[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith('{')) lines.push(JSON.parse(line) as LogLine);
    else process.stderr.write(`${line}\n`);
  });
  return { lines, stop: () => end(child) };
}

/** Ends a child by its id: SIGTERM first, SIGKILL when it does not go. Gives its exit code. */
async function end(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
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
export async function program(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: HANG_LIMIT_MS });
  return stdout.trim();
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
