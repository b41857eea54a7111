import type { Clock } from '../model/index.js';

/** As many faults of the program itself are borne in this time; one more ends the agent, and systemd starts it afresh. */
export const FAULTS_MAX = 10;
export const FAULTS_WINDOW_MS = 10 * 60_000;
/** The pause after the first; it doubles with each that follows in the window. */
const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 60_000;

/** Faults of this program that happened lately. */
export interface Faults {
  /** Counts one; true: too many, too soon after one another. */
  note(): boolean;
  /** How long the agent leaves the host and the database alone yet. */
  pauseMs(): number;
}

export function startFaults(clock: Clock): Faults {
  let recent: number[] = [];
  let pausedUntilMs = Number.NEGATIVE_INFINITY;
  return {
    note: () => {
      const nowMs = clock.monotonicMs();
      recent = [...recent.filter((atMs) => nowMs - atMs < FAULTS_WINDOW_MS), nowMs];
      pausedUntilMs = nowMs + Math.min(PAUSE_FIRST_MS * 2 ** (recent.length - 1), PAUSE_MAX_MS);
      return recent.length > FAULTS_MAX;
    },
    pauseMs: () => Math.max(0, pausedUntilMs - clock.monotonicMs()),
  };
}
