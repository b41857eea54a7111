import type { StatusChange } from '../model/database.js';
import type { Connection } from './connection.js';
import type { Generation } from './generations/generation.js';
import { chunks } from './lookup.js';

/** Bounded, so that one statement holds its row locks only for a moment. */
const IDS_PER_STATEMENT = 500;

/**
 * Writes statuses: one statement for all ports that change from one word to another, each a transaction of
 * its own. The old status is in the condition: a row that was deleted or changed meanwhile is left alone.
 * Gives how many rows matched. Rejects with the driver's error.
 */
export async function writeStatuses(
  connection: Connection,
  { status }: Generation,
  changes: readonly StatusChange[],
): Promise<number> {
  let written = 0;
  for (const { from, to, ids } of groups(changes)) {
    for (const some of chunks(ids, IDS_PER_STATEMENT)) {
      const rows = connection.builder(status.table).whereIn(status.id, some);
      // knex turns a null into IS NULL, which is what a status that was never written needs.
      written += await connection.write(
        rows.where({ [status.column]: from }).update({ [status.column]: to }),
      );
    }
  }
  return written;
}

interface Group {
  readonly from: string | null;
  readonly to: string;
  readonly ids: string[];
}

function groups(changes: readonly StatusChange[]): readonly Group[] {
  const byWords = new Map<string, Group>();
  for (const { port, from, to } of changes) {
    const key = JSON.stringify([from, to]);
    const group = byWords.get(key) ?? { from, to, ids: [] };
    group.ids.push(port);
    byWords.set(key, group);
  }
  return [...byWords.values()];
}
