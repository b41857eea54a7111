import type { Seen, Watermark, WentBack } from '../model/watermark.js';

const NOTHING_SEEN: Seen = { endpoint: null, generation: null, heartbeat: null, wentBack: null };

/** A watermark that begins with `seen`; `noted` hears of every change. */
export function makeWatermark(
  seen: Seen = NOTHING_SEEN,
  noted: (now: Seen, before: Seen) => void = () => {},
): Watermark {
  let now = seen;
  return {
    seen: () => now,
    note: (change) => {
      const before = now;
      now = { ...before, ...change };
      noted(now, before);
    },
  };
}

/**
 * Takes in the heartbeat of this agent that the database shows, and gives the sign when it is an older one. Only the
 * database's own words are compared, so that no clock of this host counts; null (no row, or none to see) says nothing.
 * What is known does not become older by that: the next server may be older too, and newer than this one.
 */
export function heed(watermark: Watermark, shown: string | null): WentBack | null {
  const { heartbeat: known } = watermark.seen();
  if (shown === null || shown === known) return null;
  if (known !== null && shown < known) return { known, shown };
  watermark.note({ heartbeat: shown });
  return null;
}
