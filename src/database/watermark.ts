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

/** After an answer was judged: a sign that was there before it was asked for has been heeded. */
export function settleSign(watermark: Watermark, before: WentBack | null): void {
  if (before !== null && watermark.seen().wentBack === before) watermark.note({ wentBack: null });
}

/**
 * Takes in the heartbeat of this agent that the database shows. Only the database's own words are compared, so that no
 * clock of this host counts; null (no row, or none to see) says nothing.
 */
export function heed(watermark: Watermark, shown: string | null): void {
  const { heartbeat: known } = watermark.seen();
  if (shown === null || shown === known) return;
  const isOlder = known !== null && shown < known;
  watermark.note(isOlder ? { heartbeat: shown, wentBack: { known, shown } } : { heartbeat: shown });
}
