const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A length of time as people say it, coarser the longer it is: `12 s`, `3 min`, `5 h 20 min`, `4 d 2 h`. */
export function span(ms: number): string {
  const length = Math.max(0, ms);
  if (length < MINUTE_MS) return `${Math.floor(length / SECOND_MS)} s`;
  if (length < HOUR_MS) return `${Math.floor(length / MINUTE_MS)} min`;
  if (length < DAY_MS) return two(length, HOUR_MS, 'h', MINUTE_MS, 'min');
  return two(length, DAY_MS, 'd', HOUR_MS, 'h');
}

function two(length: number, big: number, bigUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((length % big) / small);
  const head = `${Math.floor(length / big)} ${bigUnit}`;
  return rest === 0 ? head : `${head} ${rest} ${smallUnit}`;
}

/** How long something took: `0.4 ms`, `12 ms`, `1.3 s`. */
export function took(ms: number): string {
  if (ms >= SECOND_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** `1 tap`, `2 taps`, `1,000 taps`; the plural is the word with an s. */
export const count = (amount: number, word: string): string =>
  `${amount.toLocaleString('en')} ${word}${amount === 1 ? '' : 's'}`;

/** An id's first characters, enough for a person to recognise it; the whole one belongs into a title. */
export const shortId = (id: string): string => (id.length > 13 ? `${id.slice(0, 13)}…` : id);
