import { type SettledMove, settleMove } from '../kernel/interrupted-move.js';
import {
  type AddressMove,
  type AgentEvent,
  type MoveJournal,
  messageOf,
  type Store,
} from '../model/index.js';

/** The journal of address moves: one record in `state_dir` while a move is under way. */
export const openJournal = (store: Store): MoveJournal => ({
  begin: (move) => store.write('address-move', move),
  done: () => store.remove('address-move'),
});

/** What is told of a move that an earlier agent was killed in. */
export type MoveEvent = Extract<AgentEvent, { kind: 'move-settled' | 'move-not-settled' }>;

/**
 * At the start, before anything else: ends a move of addresses that an earlier agent was killed in, so that the host
 * is reachable also while no database answers. Tells what it did; nothing when there was nothing to do. Never throws.
 */
export function settleInterruptedMove(store: Store, tell: (event: MoveEvent) => void): void {
  const settled = settle(store);
  if (settled.kind === 'failed') tell({ kind: 'move-not-settled', why: settled.why });
  else if (settled.kind !== 'nothing-left') tell({ kind: 'move-settled', how: settled.kind });
}

/** The record goes when nothing of the move is left to do. */
function settle(store: Store): SettledMove {
  try {
    const record = store.read('address-move');
    if (record.kind === 'none') return { kind: 'nothing-left' };
    if (record.kind === 'refused') return { kind: 'failed', why: record.why };
    const move = asMove(record.value);
    if (move === null) return { kind: 'failed', why: 'the record of the move has a form that is not known' };
    const settled = settleMove(move);
    if (settled.kind !== 'failed') store.remove('address-move');
    return settled;
  } catch (error) {
    return { kind: 'failed', why: messageOf(error) };
  }
}

/** The checksum has shown that this agent wrote it; only the outline is looked at again. */
function asMove(value: unknown): AddressMove | null {
  const isMove =
    typeof value === 'object' &&
    value !== null &&
    ['from', 'to', 'membership', 'addresses', 'routes', 'before'].every((field) => field in value);
  return isMove ? (value as AddressMove) : null;
}
