import type { Answer, GuardSettings, HeldRemoval, IfIndex, Warning } from '../model/index.js';
import { desire } from '../reconcile/desire.js';
import {
  type Desired,
  NO_REMOVALS,
  type Removal,
  restsOnMissingRows,
  type World,
} from '../reconcile/desired.js';
import { countWired } from '../reconcile/gone.js';
import { type GuardInput, type GuardVerdict, judge, release } from '../reconcile/guard.js';
import { type GuardMemory, withoutUntaken } from '../reconcile/guard-memory.js';
import type { FreshAnswer, Memory } from '../reconcile/memory.js';
import { isPlugged, type View } from '../reconcile/view.js';

/** What the guard is told besides the world. */
export interface GuardOrder {
  readonly fresh: FreshAnswer | null;
  readonly settings: GuardSettings;
  /** `all`: an operator has said that every removal may go ahead. */
  readonly accepted: 'all' | 'remembered';
  /** Is given what is to be remembered before anything is removed: a pass may be cut short by its process's end. */
  readonly keep: (guard: GuardMemory) => void;
}

/** The guard's word for one pass. */
export interface Guarded {
  readonly held: readonly HeldRemoval[];
  /**
   * Decides about the host as it is now, around the removals that are held. What was decided to judge a world is not
   * decided again.
   */
  decide(world: World): Desired;
  /** The memory after the pass, which has left the host like this. */
  conclude(after: View): Memory;
}

/** Decides first as if every removal might go ahead; when the guard holds some, decides again around those. */
export function guard(world: World, order: GuardOrder, memory: Memory): Guarded {
  const { fresh, settings } = order;
  if (fresh === null) {
    return { held: [], decide: (now) => desire(now, NO_REMOVALS), conclude: () => memory };
  }
  const desired = desire(world, 'all');
  const server = serverTrust(fresh.answer, memory, isSilent(world, desired));
  const input: GuardInput = {
    ...lookedAt(world, desired),
    emptyTables: fresh.answer.emptyTables,
    suspect: suspicionOf(fresh.answer, server),
    accepted: order.accepted === 'all' ? 'all' : memory.accepted,
    memory: memory.guard,
    nowMs: world.nowMs,
  };
  const verdict = release(settings, input, judge(settings, input));
  const isFree = ({ key }: Removal): boolean => !verdict.held.has(key);
  const isBelieved = desired.removals.some((one) => restsOnMissingRows(one) && isFree(one));
  const going = new Map(desired.removals.filter(isFree).map((one) => [one.key, one]));
  let current = verdict;
  return {
    held: heldOf(desired.removals, verdict.held),
    decide: (now) => {
      const all = now === world ? desired : desire(now, 'all');
      if (now !== world) {
        current = judgeAgain(settings, { ...input, ...lookedAt(now, all) }, current, going);
        for (const one of all.removals) if (!current.held.has(one.key)) going.set(one.key, one);
      }
      order.keep(current.memory);
      const isHeld = all.removals.some(({ key }) => current.held.has(key));
      return isHeld ? desire(now, new Set(going.keys())) : all;
    },
    conclude: (after) => {
      const cut = wiresCut([...going.values()], world.view, after);
      return {
        ...memory,
        guard: withoutUntaken(current.memory, memory.guard, (tap) => cut.has(tap)),
        accepted: new Set<string>(),
        server: isBelieved ? { ...server, doubted: false } : server,
      };
    },
  };
}

const lookedAt = (
  { view }: World,
  { removals, taps }: Desired,
): Pick<GuardInput, 'removals' | 'wiredTaps' | 'isHere'> => ({
  removals,
  wiredTaps: countWired(view, [...taps.values()]),
  isHere: (index) => view.observed.links.has(index),
});

/**
 * The host changes while a pass works on it, and another removal may come up in a later round. It is judged together with
 * those that were let go, which the memory has as taken: several small steps are not less than one large one.
 */
const judgeAgain = (
  settings: GuardSettings,
  input: GuardInput,
  { memory }: GuardVerdict,
  going: ReadonlyMap<string, Removal>,
): GuardVerdict =>
  judge(settings, {
    ...input,
    memory,
    accepted: input.accepted === 'all' ? 'all' : new Set([...input.accepted, ...going.keys()]),
  });

/** The taps whose wire was taken: what was to leave its bridge has left it. */
function wiresCut(removals: readonly Removal[], before: View, after: View): Set<IfIndex> {
  const hasLeft = (index: IfIndex): boolean =>
    before.observed.links.get(index)?.master !== after.observed.links.get(index)?.master;
  return new Set(removals.flatMap(({ taps, leaves }) => (leaves.some(hasLeft) ? taps : [])));
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

const heldOf = (removals: readonly Removal[], held: GuardVerdict['held']): HeldRemoval[] =>
  removals.flatMap(({ key, device, taps, text }) => {
    const reason = held.get(key);
    return reason === undefined ? [] : [{ key, device, taps: taps.length, text, reason }];
  });

/** What everybody is told when removals are held. */
export function heldWarning(held: readonly HeldRemoval[]): Warning[] {
  const reasons = [...new Set(held.map(({ reason }) => reason))];
  return held.length === 0
    ? []
    : [{ code: 'REMOVALS_HELD', message: `${held.length} removal(s) held back: ${reasons.join('; ')}` }];
}
