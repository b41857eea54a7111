import type { Clock } from '../../src/model/index.js';

/** Time that passes only when nothing is left to do at the present moment. */
export interface SimulatedClock extends Clock {
  /**
   * Wakes everything that is due up to `untilMs`, in order; after each, promises settle and `afterEach` is
   * called. Ends early when that gives false.
   */
  runUntil(untilMs: number, afterEach: () => boolean): Promise<void>;
  /** Somebody sets the clock on the wall; intervals are not concerned. */
  setWall(byMs: number): void;
}

const EPOCH_MS = 1_700_000_000_000;

interface Due {
  readonly atMs: number;
  readonly wake: () => void;
}

export function makeClock(): SimulatedClock {
  const queue: Due[] = [];
  let nowMs = 1_000;
  let wallMs = EPOCH_MS;

  const after = (delayMs: number, wake: () => void): (() => void) => {
    const due: Due = { atMs: nowMs + Math.max(0, delayMs), wake };
    const later = queue.findIndex(({ atMs }) => atMs > due.atMs);
    queue.splice(later === -1 ? queue.length : later, 0, due);
    return () => {
      const position = queue.indexOf(due);
      if (position >= 0) queue.splice(position, 1);
    };
  };
  const runUntil = async (untilMs: number, afterEach: () => boolean): Promise<void> => {
    for (let due = queue[0]; due !== undefined && due.atMs <= untilMs; due = queue[0]) {
      queue.shift();
      nowMs = due.atMs;
      due.wake();
      await promisesSettle();
      if (!afterEach()) return;
    }
    nowMs = untilMs;
  };
  return {
    monotonicMs: () => nowMs,
    wallMs: () => wallMs + nowMs,
    after,
    runUntil,
    setWall: (byMs) => {
      wallMs += byMs;
    },
  };
}

/** Every promise of the agent rests on the simulated edges, so all that can go on does so before this ends. */
const promisesSettle = (): Promise<void> => new Promise((settle) => setImmediate(settle));
