import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** How a bounded command ended. */
export interface Ended {
  /** null: a signal ended it, or it could not be started at all. */
  readonly code: number | null;
  /** One clause for people when it did not end by itself with a code; null otherwise. */
  readonly trouble: string | null;
  /** Command lines of the processes it left behind; they have been ended. */
  readonly leftBehind: readonly string[];
  readonly seconds: number;
}

/** Inherited by everything a command starts, in whatever session or namespace: that is how strays are found. */
const MARK = 'TEST_RUN_MARK';
/** Between SIGTERM and SIGKILL, and for what is still going down when the command has ended. */
const GRACE_MS = 5_000;

export interface Bounds {
  /** How long the command may take without getting on. */
  readonly limitMs: number;
  /** Differs when it has got on since the last look; without it the limit is for all that the command does. */
  readonly progress?: () => number;
  readonly env?: NodeJS.ProcessEnv;
  readonly quiet?: boolean;
}

/**
 * Runs a command in a process group of its own, with our output. When it returns, neither the group nor anything else
 * that the command started is alive. A command that cannot be started at all is an ending like any other.
 */
export async function runBounded(command: string, args: readonly string[], options: Bounds): Promise<Ended> {
  const startedMs = performance.now();
  const mark = randomUUID();
  const child = spawn(command, args, {
    detached: true,
    stdio: options.quiet ? 'ignore' : ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...options.env, [MARK]: mark },
  });
  const stopForwarding = forwardSignals(child, mark);
  let limitReached = false;
  let lastResort: NodeJS.Timeout | undefined;
  const stopWatching = whenStill(options, () => {
    limitReached = true;
    signalGroup(child, 'SIGTERM');
    lastResort = setTimeout(() => endAll(child, mark), GRACE_MS);
  });
  const { code, signal, error } = await ending(child);
  stopWatching();
  clearTimeout(lastResort);
  const leftBehind = await endStrays(mark);
  stopForwarding();
  const limitSeconds = limitReached ? options.limitMs / 1_000 : null;
  const seconds = (performance.now() - startedMs) / 1_000;
  return { code, trouble: trouble(limitSeconds, signal, error), leftBehind, seconds };
}

/** Calls `end` once nothing has got on for the limit. Gives what ends the watch. */
function whenStill({ limitMs, progress = () => 0 }: Bounds, end: () => void): () => void {
  let [seen, sinceMs] = [progress(), performance.now()];
  const timer = setInterval(
    () => {
      const now = progress();
      if (now !== seen) [seen, sinceMs] = [now, performance.now()];
      else if (performance.now() - sinceMs >= limitMs) {
        clearInterval(timer);
        end();
      }
    },
    Math.min(1_000, limitMs / 10),
  );
  return () => clearInterval(timer);
}

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: Error | null;
}

function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.once('exit', (code, signal) => resolve({ code, signal, error: null }));
  });
}

function trouble(limitSeconds: number | null, signal: string | null, error: Error | null): string | null {
  if (error !== null) return `could not be started: ${error.message}`;
  if (limitSeconds !== null) return `ended after ${limitSeconds} s without progress`;
  return signal === null ? null : `ended by ${signal}`;
}

/** A terminal's ^C reaches only our own group: what we started goes first, then we go, by way of `exit` handlers. */
function forwardSignals(child: ChildProcess, mark: string): () => void {
  const stop = (signal: NodeJS.Signals): void => {
    endAll(child, mark);
    process.exit(128 + constants.signals[signal]);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, stop);
  return () => {
    for (const signal of signals) process.off(signal, stop);
  };
}

function endAll(child: ChildProcess, mark: string): void {
  signalGroup(child, 'SIGKILL');
  for (const stray of strays(mark)) kill(stray.pid, 'SIGKILL');
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) kill(-child.pid, signal);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone in the meantime, which is all that was wanted; anything else is a surprise.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Gives what is still going down a moment, then ends what is left. Answers with what had to be ended. */
async function endStrays(mark: string): Promise<string[]> {
  await noStrays(mark);
  const left = strays(mark);
  for (const stray of left) kill(stray.pid, 'SIGKILL');
  if (left.length > 0) await noStrays(mark);
  return left.map((stray) => `${stray.pid} ${stray.commandLine}`);
}

/** A process shows no environment for a moment while it executes another program: one empty look proves nothing. */
const CLEAR_LOOKS = 5;

/** Waits until nothing carries the mark any more, at most the grace. */
async function noStrays(mark: string): Promise<void> {
  const untilMs = performance.now() + GRACE_MS;
  for (let clear = 0; clear < CLEAR_LOOKS && performance.now() < untilMs; ) {
    clear = strays(mark).length === 0 ? clear + 1 : 0;
    await delay(20);
  }
}

interface Stray {
  readonly pid: number;
  readonly commandLine: string;
}

function strays(mark: string): Stray[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readProc(`/proc/${pid}/environ`).includes(`${MARK}=${mark}`))
    .map((pid) => ({
      pid: Number(pid),
      commandLine: readProc(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim(),
    }));
}

/** Empty for a process that has just gone, is a zombie, or belongs to somebody else. */
function readProc(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
