import type { Connection, Row } from './connection.js';
import type { Lookup } from './lookup.js';

/** One lookup and the rows that it gave. */
export type Part = readonly [lookup: Lookup, rows: readonly Row[]];

/** What lookups have found. */
export interface Looked {
  readonly lookups: readonly Lookup[];
  readonly rows: readonly Row[];
  /** Of single terms that find more rows than they may: some of those. */
  readonly cut: readonly Row[];
}

const isCut = ([{ rowsMax }, rows]: Part): boolean => rows.length > rowsMax;

/** Whether a lookup of several terms was cut off: whose rows are missing cannot be told. */
export const needsPieces = (part: Part): boolean => isCut(part) && part[0].pieces().length > 0;

/** Asks in pieces for what was cut off, until it is whole or a single term is at fault. Rejects with the driver's error. */
export async function inPieces(connection: Connection, parts: readonly Part[]): Promise<readonly Part[]> {
  const pending = [...parts];
  const settled: Part[] = [];
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (!needsPieces(part)) settled.push(part);
    else
      for (const piece of part[0].pieces()) pending.push([piece, await connection.select(piece.statement)]);
  }
  return settled;
}

export const looked = (parts: readonly Part[]): Looked => ({
  lookups: parts.map(([lookup]) => lookup),
  rows: parts.flatMap((part) => (isCut(part) ? [] : part[1])),
  cut: parts.flatMap((part) => (isCut(part) ? part[1] : [])),
});
