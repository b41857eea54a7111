import type { PassReport, Summary } from '../model/index.js';

export const SUMMARY_INTERVAL_MS = 3_600_000;

/** Counts what happens between two summaries. */
export interface Tally {
  notePass(report: PassReport): void;
  noteFailedPoll(): void;
  /** Gives the counts and starts again from zero. */
  take(knownPorts: number, last: PassReport | null, databaseUp: boolean): Summary;
}

export function startTally(): Tally {
  const zero = { passes: 0, operations: 0, failures: 0, failedPolls: 0 };
  let counts = { ...zero };
  return {
    notePass: ({ operations, failed }) => {
      counts.passes += 1;
      counts.operations += operations.length;
      counts.failures += failed.length;
    },
    noteFailedPoll: () => {
      counts.failedPolls += 1;
    },
    take: (knownPorts, last, databaseUp) => {
      const summary: Summary = {
        ...counts,
        knownPorts,
        held: last?.held.length ?? 0,
        warnings: last?.warnings.length ?? 0,
        databaseUp,
      };
      counts = { ...zero };
      return summary;
    },
  };
}
