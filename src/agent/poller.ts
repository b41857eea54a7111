import type { Clock, DatabaseSettings } from '../model/index.js';

/** Event-driven polls begin at least this far apart: enough for any burst of taps, no burden for the server. */
const POLL_GAP_MS = 20;
/** Retries are spread over this share of the interval around it, so that a fleet does not come back at once. */
const JITTER = 0.5;
/** How far tries that end late are put apart. */
const LATE_PAUSE_MAX_MS = 30_000;

export interface PollerSettings {
  readonly pollingIntervalMs: number;
  readonly reconnectIntervalMs: number;
  readonly database: Pick<DatabaseSettings, 'servers' | 'connectTimeoutMs' | 'queryTimeoutMs'>;
}

/** What a poll led to: when it failed, `retry` says whether another try makes sense. */
export type PollOutcome = 'good' | 'retry' | 'give-up';

/** What a poll may take besides waiting for the database: applying a large plan, writing many statuses. */
const WORK_LIMIT_MS = 60_000;
/** A snapshot is begun, read, probed and ended with fewer statements than this. */
const STATEMENTS_MAX = 10;

export interface Poller {
  /** How far the loop is behind its own schedule: 0 while it waits for its next poll, or polls within the limit. */
  lateMs(): number;
  /** Polls as soon as the gap allows, or right after the poll in hand. */
  pollSoon(): void;
  /** As `pollSoon`, but also while a failed poll is waited for: the settings are others now. */
  pollAtOnce(): void;
  stop(): void;
}

/**
 * Runs `poll` again and again, one at a time: `pollingIntervalMs` from start to start while it is good,
 * `reconnectIntervalMs` with jitter after a failure. Where tries take longer than that until they fail, the pause grows: a
 * server that many hosts come back to at once works in vain for those that have given up, and for ever if they all try again at
 * once. `random` gives numbers from 0 to 1; nothing begins while `pauseMs` have to go by.
 */
export function startPoller(
  clock: Clock,
  settings: () => PollerSettings,
  random: () => number,
  poll: () => Promise<PollOutcome>,
  pauseMs: () => number,
): Poller {
  let cancelTimer: (() => void) | null = null;
  let startedMs = Number.NEGATIVE_INFINITY;
  let state: 'idle' | 'polling' | 'polling-again' | 'stopped' = 'idle';
  let failing = false;
  /** Tries in a row that failed, and took longer than the pause between two. */
  let late = 0;
  let tookMs = 0;
  let dueMs = clock.monotonicMs();

  const schedule = (wantedMs: number): void => {
    const delayMs = Math.max(wantedMs, pauseMs());
    dueMs = clock.monotonicMs() + delayMs;
    cancelTimer?.();
    cancelTimer = clock.after(delayMs, () => void run());
  };
  const run = async (): Promise<void> => {
    if (state !== 'idle') return;
    state = 'polling';
    startedMs = clock.monotonicMs();
    dueMs = startedMs + pollLimitMs(settings());
    const outcome = await poll();
    const again = isState('polling-again');
    if (isState('stopped')) return;
    if (outcome === 'give-up') {
      state = 'stopped';
      return;
    }
    state = 'idle';
    failing = outcome === 'retry';
    tookMs = clock.monotonicMs() - startedMs;
    late = failing && tookMs > settings().reconnectIntervalMs ? late + 1 : 0;
    schedule(again && !failing ? gap() : delay());
  };
  // A function, since the compiler takes `state` to be unchanged across the await.
  const isState = (other: typeof state): boolean => state === other;
  const gap = (): number => Math.max(0, startedMs + POLL_GAP_MS - clock.monotonicMs());
  const delay = (): number => {
    const { pollingIntervalMs, reconnectIntervalMs } = settings();
    if (!failing) return Math.max(0, startedMs + pollingIntervalMs - clock.monotonicMs());
    const latePauseMs = late === 0 ? 0 : Math.min(tookMs * 2 ** (late - 1), LATE_PAUSE_MAX_MS);
    return Math.max(reconnectIntervalMs, latePauseMs) * (1 - JITTER / 2 + JITTER * random());
  };

  const pollSoon = (): void => {
    if (state === 'polling') state = 'polling-again';
    // While the server is down an event must not make the retries come faster.
    else if (state === 'idle' && !failing) schedule(gap());
  };

  schedule(0);
  return {
    lateMs: () => Math.max(0, clock.monotonicMs() - dueMs),
    pollSoon,
    pollAtOnce: () => {
      failing = false;
      pollSoon();
    },
    stop: () => {
      state = 'stopped';
      cancelTimer?.();
    },
  };
}

/** A poll that takes longer hangs: every wait in it has a limit of its own, and together they are less than this. */
const pollLimitMs = ({ database: { servers, connectTimeoutMs, queryTimeoutMs } }: PollerSettings): number =>
  WORK_LIMIT_MS + servers.length * (connectTimeoutMs + STATEMENTS_MAX * queryTimeoutMs);
