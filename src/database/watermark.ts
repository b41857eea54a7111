import type { Answer } from '../model/database.js';
import type { Seen, Sign, Watermark, WentBack } from '../model/watermark.js';

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

/** What speaks against the answer's server; heartbeats have a connection of their own, often to another one. */
export function signAgainst(watermark: Watermark, { server, behind }: Answer): WentBack | null {
  const { wentBack } = watermark.seen();
  return behind ?? (wentBack?.server === server ? wentBack : null);
}

/** After an answer was judged: a sign that was there before it was asked for has been heeded. */
export function settleSign(watermark: Watermark, { server }: Answer, before: Sign | null): void {
  if (before?.server === server && watermark.seen().wentBack === before) watermark.note({ wentBack: null });
}

/** What is known begins again with an answer that is believed, however old it is. */
export function restartFrom(watermark: Watermark, { behind }: Answer): void {
  if (behind !== null) watermark.note({ heartbeat: behind.shown });
}
