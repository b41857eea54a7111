import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseServer } from '../../../src/model/settings.js';
import { HANG_LIMIT_MS } from '../limit.js';

/** A real database server of a test's own: private folder, socket and loopback port. */
export interface TestServer {
  readonly engine: DatabaseServer['engine'];
  /** Private folder; the server's log is `log` in it. */
  readonly folder: string;
  /** What a client needs for its Unix socket: the folder (PostgreSQL) or the file (MariaDB). */
  readonly socketPath: string;
  /** TCP on 127.0.0.1. */
  readonly port: number;
  /** SQLAlchemy URL over TCP, as the legacy files write it. */
  url(database?: string): string;
  /** Settings of a client over TCP (or over the socket) as the user `quantum`. */
  client(changes?: Partial<DatabaseServer>): DatabaseServer;
  /** Runs statements as the administrator; rows of the last one. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  /** Makes a database that `quantum` owns; `options` follow CREATE DATABASE. */
  createDatabase(name: string, options?: string): Promise<void>;
  start(): Promise<void>;
  /** An orderly end. */
  stop(): Promise<void>;
  /** `kill -9` of every process of the server. */
  kill(): Promise<void>;
  /** SIGSTOP: accepts connections (the kernel does), answers nothing. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its folder. */
  destroy(): Promise<void>;
}

export const USER = 'quantum';
export const PASSWORD = 'pa#ss;w%rd';
export const DATABASE = 'quantum';

/** Settings of a client of a test server: TCP, the user `quantum`, no TLS. */
export const clientOf = (
  engine: DatabaseServer['engine'],
  port: number,
  changes: Partial<DatabaseServer>,
): DatabaseServer => ({
  engine,
  host: '127.0.0.1',
  port,
  socketPath: null,
  user: USER,
  password: () => PASSWORD,
  database: DATABASE,
  tls: null,
  publicKeyFile: null,
  ...changes,
});

/** A private folder under the system's temporary one. */
export function privateFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `qlb-${name}-`));
  atExit(() => removeFolder(folder));
  return folder;
}

const lastDuties: (() => void)[] = [];

/** Runs when this process ends, also by an uncaught error; the newest first. */
function atExit(duty: () => void): void {
  if (lastDuties.length === 0) {
    process.once('exit', () => {
      for (const each of [...lastDuties].reverse()) each();
    });
    // A signal would end the process without its last duties.
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(name, () => process.exit(1));
  }
  lastDuties.push(duty);
}

/** A port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

/** A user of the system; null when this process is not root and runs everything as itself. */
export function systemUser(name: string): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const number = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: number('-u'), gid: number('-g') };
}

export interface Program {
  readonly pid: number;
  /** Sends a signal to every process of the program. */
  signal(name: NodeJS.Signals): void;
  /** Resolves when all of them are gone. */
  ended(): Promise<void>;
}

/**
 * Starts a server program that dies with this process, however this process ends (`setpriv --pdeathsig`
 * becomes the program itself, so the process id stays).
 */
export function startProgram(
  command: readonly string[],
  options: { readonly log: string; readonly user: { uid: number; gid: number } | null },
): Program {
  const log = openSync(options.log, 'a');
  const identity = options.user
    ? [`--reuid=${options.user.uid}`, `--regid=${options.user.gid}`, '--clear-groups']
    : [];
  const child: ChildProcess = spawn('setpriv', [...identity, '--pdeathsig', 'KILL', '--', ...command], {
    stdio: ['ignore', log, log],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command[0]} did not start`);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  atExit(() => signalAll(family(pid), 'SIGKILL'));
  let members: readonly number[] = [pid];
  return {
    pid,
    signal: (name) => {
      members = family(pid);
      signalAll(members, name);
      if (name === 'SIGSTOP') untilStopped(members);
    },
    ended: async () => {
      await exited;
      await waitUntil(() => members.every((member) => !isAlive(member)), 'the server’s processes ended');
    },
  };
}

/** Waits for a condition with a bound; `what` names it when it does not come. */
export async function waitUntil(
  holds: () => boolean | Promise<boolean>,
  what: string,
  limitMs = HANG_LIMIT_MS,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await delay(20);
  }
}

/** Waits until `ask` succeeds; shows the server's log when it never does. */
export async function waitUntilReady(ask: () => Promise<unknown>, log: string): Promise<void> {
  let last: unknown;
  const answers = (): Promise<boolean> =>
    ask().then(
      () => true,
      (error: unknown) => {
        last = error;
        return false;
      },
    );
  await waitUntil(answers, 'the server answers').catch(() => {
    throw new Error(
      `the server did not get ready (${String(last)}):\n${readFileSync(log, 'utf8').slice(-4000)}`,
    );
  });
}

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** A process and its descendants; PostgreSQL's backends each lead a process group of their own. */
function family(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const parent = parentOf(Number(entry));
    if (parent !== null) parents.set(Number(entry), parent);
  }
  const members = [pid];
  for (const member of members) {
    for (const [child, parent] of parents) if (parent === member) members.push(child);
  }
  return members;
}

function parentOf(pid: number): number | null {
  const stat = statOf(pid);
  return stat === null || stat.state === 'Z' ? null : stat.parent;
}

function statOf(pid: number): { readonly state: string; readonly parent: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    // The process ended while we were looking.
    return null;
  }
}

/** On a busy machine a process may answer once more before the signal reaches it. */
function untilStopped(pids: readonly number[]): void {
  const end = performance.now() + HANG_LIMIT_MS;
  const isRunning = (pid: number): boolean => !['T', 'Z', undefined].includes(statOf(pid)?.state);
  while (pids.some(isRunning)) {
    if (performance.now() > end) throw new Error('the server could not be stopped');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

const isAlive = (pid: number): boolean => parentOf(pid) !== null;

function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // Already gone, which is what the signal was for.
    }
  }
}
