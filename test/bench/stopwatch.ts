import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { endProcess } from '../support/host/netns.js';
import type { Bench } from './stage.js';

/** When each tap appeared and when it joined a bridge, as `ip monitor` saw it: the witness is not the agent. */
export interface Stopwatch {
  /** Milliseconds from the tap's first event to the one that shows a master; waits for it up to `limitMs`. */
  lap(tap: string, limitMs?: number): Promise<number>;
  /** When the tap last came into a bridge or left one, in milliseconds since the epoch. */
  changedMs(tap: string): number | null;
  forget(): void;
}

interface Seen {
  readonly index: string;
  readonly bornMs: number;
  joinedMs: number | null;
  isJoined: boolean;
  changedMs: number | null;
}

export async function startStopwatch(bench: Bench, namespace: string): Promise<Stopwatch> {
  const monitor = spawn('ip', ['-n', namespace, '-ts', '-o', 'monitor', 'link'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  bench.after(() => endProcess(monitor));
  const seen = new Map<string, Seen>();
  createInterface({ input: monitor.stdout }).on('line', (line) => note(seen, line));
  await delay(200);
  return {
    lap: async (tap, limitMs = 10_000) => {
      for (const untilMs = performance.now() + limitMs; performance.now() < untilMs; await delay(2)) {
        const one = seen.get(tap);
        if (one?.joinedMs != null) return one.joinedMs - one.bornMs;
      }
      throw new Error(`${tap} was in no bridge within ${limitMs} ms`);
    },
    changedMs: (tap) => seen.get(tap)?.changedMs ?? null,
    forget: () => seen.clear(),
  };
}

/** A line such as `[2026-01-02T03:04:05.123456] 7: tap…: <…> mtu 1500 master brq… state …`. */
function note(seen: Map<string, Seen>, line: string): void {
  const found = /^\[([^\]]+)\] (\d+): ([^:@]+)/.exec(line);
  const [, time, index, name] = found ?? [];
  if (time === undefined || index === undefined || name === undefined) return;
  const atMs = Date.parse(`${time.slice(0, 19)}Z`) + Number(`0.${time.slice(20)}`) * 1000;
  const isJoined = / master brq/.test(line);
  const before = seen.get(name);
  const one =
    before?.index === index ? before : { index, bornMs: atMs, joinedMs: null, isJoined, changedMs: atMs };
  seen.set(name, one);
  if (isJoined) one.joinedMs ??= atMs;
  if (isJoined !== one.isJoined) one.changedMs = atMs;
  one.isJoined = isJoined;
}
