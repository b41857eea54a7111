import type { Knex } from 'knex';
import type { StatusChange } from '../model/database.js';
import type { PortId } from '../model/ids.js';
import type { Connection } from './connection.js';
import type { Generation } from './generations/generation.js';
import { chunks } from './lookup.js';

/** Bounded, so that one statement holds its row locks only for a moment. */
const IDS_PER_STATEMENT = 500;
/** Few steps lead from any statement to a single row. */
const PIECES = 16;

/** Writes statuses; gives how many rows matched. Rejects with the driver's error, and the rest is written the next time. */
export type StatusWriter = (
  connection: Connection,
  generation: Generation,
  host: string,
  changes: readonly StatusChange[],
) => Promise<number>;

/**
 * Makes a writer of statuses: one statement for all ports that change from one word to another, each a transaction of
 * its own. The old status and the binding are in the condition: a row that was deleted or changed meanwhile, or bound to
 * another host, is left alone. Ports whose
 * statement failed go in smaller ones the next time, and behind all others: a row that another transaction holds for
 * hours, or that a trigger refuses, keeps no status but its own back.
 */
export function openStatusWriter(): StatusWriter {
  let apart: readonly (readonly PortId[])[] = [];
  return async (connection, generation, host, changes) => {
    const byPort = new Map(changes.map((change) => [change.port, change]));
    const pieces = apart.map((ids) => ids.flatMap((id) => byPort.get(id) ?? []));
    const waiting = new Set(apart.flat());
    const parts = [changes.filter(({ port }) => !waiting.has(port)), ...pieces];
    let written = 0;
    for (const [at, part] of parts.entries()) {
      try {
        for (const statement of statementsOf(part)) {
          written += await connection.write(updateOf(connection.builder, generation, host, statement));
        }
      } catch (error) {
        const failed = chunks(part, Math.ceil(part.length / PIECES));
        apart = [...parts.slice(at + 1), ...failed].map((some) => some.map(({ port }) => port));
        throw error;
      }
    }
    apart = [];
    return written;
  };
}

interface Statement extends Omit<StatusChange, 'port'> {
  readonly ids: readonly PortId[];
}

function updateOf(
  builder: Knex,
  { status, boundTo }: Generation,
  host: string,
  { from, to, bound, ids }: Statement,
): Knex.QueryBuilder {
  // knex turns a null into IS NULL, which is what a status that was never written needs.
  const rows = builder(status.table)
    .whereIn(status.id, ids)
    .where({ [status.column]: from });
  const binding = bound === 'anywhere' ? null : boundTo(builder, host, bound === 'here' ? 'ours' : 'any');
  if (binding !== null) bound === 'here' ? rows.whereExists(binding) : rows.whereNotExists(binding);
  return rows.update({ [status.column]: to });
}

function statementsOf(changes: readonly StatusChange[]): readonly Statement[] {
  const byWords = new Map<string, Statement & { readonly ids: PortId[] }>();
  for (const { port, ...words } of changes) {
    const key = JSON.stringify([words.from, words.to, words.bound]);
    const group = byWords.get(key) ?? { ...words, ids: [] };
    group.ids.push(port);
    byWords.set(key, group);
  }
  return [...byWords.values()].flatMap(({ ids, ...words }) =>
    chunks(ids, IDS_PER_STATEMENT).map((some) => ({ ...words, ids: some })),
  );
}
