import type { Answer, GuardSettings, HeldRemoval, Warning } from '../model/index.js';
import { desire } from '../reconcile/desire.js';
import {
  type Desired,
  type Removal,
  type Removals,
  restsOnMissingRows,
  type World,
} from '../reconcile/desired.js';
import { countWired } from '../reconcile/gone.js';
import { type GuardInput, judge } from '../reconcile/guard.js';
import type { FreshAnswer, Memory } from '../reconcile/memory.js';
import { isPlugged } from '../reconcile/view.js';

/** What the guard is told besides the world. */
export interface GuardOrder {
  readonly fresh: FreshAnswer | null;
  readonly settings: GuardSettings;
  /** `all`: an operator has said that every removal may go ahead. */
  readonly accepted: 'all' | 'remembered';
}

/** The guard's word for one pass. */
export interface Guarded {
  /** Why removals are held; null: they are not, or nothing may be removed at all. */
  readonly reason: string | null;
  readonly held: readonly HeldRemoval[];
  readonly memory: Memory;
  /**
   * Decides about the host as it is now: around its removals, when the guard does not let them pass. What was decided
   * to judge a world is not decided again.
   */
  decide(world: World): Desired;
}

/** Decides first as if removals were allowed; when the guard says no, decides again around them. */
export function guard(world: World, order: GuardOrder, memory: Memory): Guarded {
  const { fresh } = order;
  const decideHeld = (now: World): Desired => desire(now, 'held');
  if (fresh === null) return { reason: null, held: [], memory, decide: decideHeld };
  const desired = desire(world, 'allowed');
  const server = serverTrust(fresh.answer, memory, isSilent(world, desired));
  const input: GuardInput = {
    removals: desired.removals,
    wiredTaps: countWired(world.view, [...desired.taps.values()]),
    emptyTables: fresh.answer.emptyTables,
    suspect: suspicionOf(fresh.answer, server),
    accepted: order.accepted === 'all' ? 'all' : memory.accepted,
    confirmation: memory.confirmation,
    nowMs: world.nowMs,
  };
  const verdict = judge(order.settings, input);
  const allowed = verdict.removals === 'allowed';
  const isBelieved = allowed && desired.removals.some(restsOnMissingRows);
  const trusted = isBelieved ? { ...server, doubted: false } : server;
  const next = {
    ...memory,
    confirmation: verdict.confirmation,
    accepted: new Set<string>(),
    server: trusted,
  };
  if (!allowed) {
    return {
      reason: verdict.reason,
      held: heldOf(desired.removals, verdict.reason),
      memory: next,
      decide: decideHeld,
    };
  }
  const mayPass = (removals: readonly Removal[]): Removals => judgeAgain(order.settings, input, removals);
  return {
    reason: null,
    held: [],
    memory: next,
    decide: (now) => {
      const allowedNow = now === world ? desired : desire(now, 'allowed');
      return mayPass(allowedNow.removals) === 'allowed' ? allowedNow : decideHeld(now);
    },
  };
}

/**
 * The host changes while a pass works on it, and another removal may come up in a later round. It is judged
 * together with those that were allowed: several small steps are not less than one large one.
 */
function judgeAgain(settings: GuardSettings, before: GuardInput, now: readonly Removal[]): Removals {
  const allowed = new Set(before.removals.map(({ key }) => key));
  const added = now.filter(({ key }) => !allowed.has(key));
  if (added.length === 0) return 'allowed';
  return judge(settings, { ...before, removals: [...before.removals, ...added] }).removals;
}

/** A new server is believed about missing rows only after it has shown the rows of every wired tap. */
function serverTrust(answer: Answer, memory: Memory, silent: boolean): NonNullable<Memory['server']> {
  const changed = memory.server !== null && memory.server.id !== answer.server;
  const doubted = silent && (changed || memory.server?.doubted === true);
  return { id: answer.server, doubted };
}

/** Something that is wired has no row in the answer, or was not asked for because it was not wired then. */
const isSilent = ({ view }: World, { removals, taps }: Desired): boolean =>
  removals.some(restsOnMissingRows) ||
  [...taps.values()].some(({ tap, decision }) => decision.kind === 'unknown' && isPlugged(view, tap));

function suspicionOf(answer: Answer, server: NonNullable<Memory['server']>): string | null {
  if (answer.suspect === 'in-recovery') return 'the server is in recovery, so rows may be missing that exist';
  if (answer.suspect === 'read-only')
    return 'the server is read-only, so it may be a replica that lags behind';
  return server.doubted
    ? 'another server answers than before, and it does not have every row that is in use'
    : null;
}

const heldOf = (removals: readonly Removal[], reason: string | null): HeldRemoval[] =>
  removals.map(({ key, device, taps, text }) => ({ key, device, taps, text, reason: reason ?? '' }));

/** What everybody is told when removals are held. */
export const heldWarning = ({ held, reason }: Guarded): Warning[] =>
  held.length === 0
    ? []
    : [{ code: 'REMOVALS_HELD', message: `${held.length} removal(s) held back: ${reason ?? ''}` }];
