import type { Row } from './connection.js';
import type { Looked } from './looked.js';

/** Lookups, the rows that they gave, and what was made of these. */
export interface Found<Item> extends Looked {
  readonly items: readonly Item[];
}

/** Rows that are the same mean the same. */
export const found = <Item>(
  before: Found<Item> | null,
  now: Looked,
  decode: (now: Looked) => readonly Item[],
): Found<Item> => (before !== null && hasSameRows(before, now) ? before : { ...now, items: decode(now) });

export const hasSameRows = (before: Looked, now: Looked): boolean =>
  areSameRows(before.rows, now.rows) && areSameRows(before.cut, now.cut);

export const areSameRows = (before: readonly Row[], now: readonly Row[]): boolean =>
  before.length === now.length && before.every((row, at) => sameRow(row, now[at] ?? {}));

function sameRow(before: Row, now: Row): boolean {
  for (const column in before) if (!sameValue(before[column], now[column])) return false;
  return true;
}

/** Columns of binary types arrive as bytes. */
const sameValue = (before: unknown, now: unknown): boolean =>
  before === now || (Buffer.isBuffer(before) && Buffer.isBuffer(now) && before.equals(now));
