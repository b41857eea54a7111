import type { Clock } from '../model/index.js';

/** So many events in a row may come to nothing at once: a tap's own events come in such numbers. */
const FREE = 20;
/** Then there is one look in this time, until one has found something to do. */
const GAP_MS = 50;

/** Keeps the links of others (containers that come and go) from costing a pass for each of their events. */
export interface Restraint {
  /** How long the next look waits. */
  waitMs(): number;
  /** After a look at the host: whether it found something to do. */
  note(wasUseful: boolean): void;
}

export function startRestraint(clock: Clock): Restraint {
  let useless = 0;
  let lastMs = clock.monotonicMs();
  return {
    waitMs: () => (useless < FREE ? 0 : Math.max(0, lastMs + GAP_MS - clock.monotonicMs())),
    note: (wasUseful) => {
      const nowMs = clock.monotonicMs();
      useless = wasUseful ? 0 : Math.max(0, useless - (nowMs - lastMs) / GAP_MS) + 1;
      lastMs = nowMs;
    },
  };
}
