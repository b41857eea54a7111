import * as v from 'valibot';
import { type SettledMove, settleMove } from '../../kernel/addresses/interrupted-move.js';
import {
  type AddressMove,
  type AgentEvent,
  ifIndex,
  type MoveJournal,
  messageOf,
  type Store,
} from '../../model/index.js';
import { type Shape, stateKind } from './foreign.js';
import { LINK_NAME } from './shapes.js';

const LINK = v.object({
  name: LINK_NAME,
  index: v.pipe(v.number(), v.integer(), v.minValue(1), v.transform(ifIndex)),
});
const ADDRESS_MOVE: Shape<AddressMove> = v.object({
  from: LINK,
  to: LINK,
  membership: v.picklist(['join', 'leave', 'none']),
  carried: v.array(v.string()),
  before: v.array(v.string()),
});

const MOVE_UNDER_WAY = stateKind('address-move', ADDRESS_MOVE);

/** The journal of address moves: one record in `state_dir` while a move is under way. */
export const openJournal = (store: Store): MoveJournal => ({
  begin: (move) => store.writeAhead(MOVE_UNDER_WAY, move),
  done: () => store.forget(MOVE_UNDER_WAY),
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
    const record = store.read(MOVE_UNDER_WAY);
    if (record.kind === 'none') return { kind: 'nothing-left' };
    if (record.kind === 'refused') return { kind: 'failed', why: record.why };
    const settled = settleMove(record.value);
    if (settled.kind !== 'failed') store.forget(MOVE_UNDER_WAY);
    return settled;
  } catch (error) {
    return { kind: 'failed', why: messageOf(error) };
  }
}
