import * as v from 'valibot';
import { ifIndex, messageOf, type Store, type StoreReader } from '../../model/index.js';
import { NO_PAIR_MEMORY } from '../../reconcile/forwarding/guard-pairs.js';
import { EMPTY_GUARD, type GuardMemory } from '../../reconcile/guard/guard-memory.js';
import type { Suspicion } from '../../reconcile/guard/trust.js';
import { stateKind } from './foreign.js';

const SHAPE = v.object({
  /** By the tap's index: when its wire was taken. */
  taken: v.array(v.tuple([v.pipe(v.number(), v.transform(ifIndex)), v.number()])),
  wired: v.object({
    now: v.number(),
    before: v.array(v.object({ taps: v.number(), untilMs: v.number() })),
  }),
  held: v.array(v.tuple([v.string(), v.object({ reason: v.string(), sinceMs: v.number() })])),
  confirmation: v.nullable(v.object({ fingerprint: v.string(), polls: v.number(), sinceMs: v.number() })),
  pairs: v.optional(
    v.object({
      missing: v.array(v.tuple([v.string(), v.object({ answers: v.number(), sinceMs: v.number() })])),
      held: v.array(v.tuple([v.string(), v.string()])),
      /** Whose an entry is that no row names: without it a single pass (`once` of cron) would never ask for its removal. */
      hostOf: v.optional(
        v.array(v.tuple([v.string(), v.object({ host: v.string(), sinceMs: v.number() })])),
        [],
      ),
    }),
    { missing: [], held: [], hostOf: [] },
  ),
});

type GuardState = v.InferOutput<typeof SHAPE>;

/** What the guard remembers of the polls before, see `GuardMemory`. */
export const GUARD = stateKind('guard', SHAPE);

/** The kept form of the guard's memory. */
export const guardStateOf = ({ taken, wired, held, confirmation, pairs }: GuardMemory): GuardState => ({
  taken: [...taken],
  wired: { now: wired.now, before: [...wired.before] },
  held: [...held],
  confirmation,
  pairs: { missing: [...pairs.missing], held: [...pairs.held], hostOf: [...pairs.hostOf] },
});

/**
 * What an agent before this one, or the run before, has left the guard to remember; empty when nothing usable is kept. How
 * many taps were wired is known up to the moment at which it was written. After a boot only that is known of times: whatever
 * was counted begins again.
 */
export function recallGuard(store: StoreReader, nowMs: number): GuardMemory {
  const stored = store.read(GUARD);
  if (stored.kind !== 'kept') return EMPTY_GUARD;
  const { taken, wired, held, confirmation, pairs } = stored.value;
  const writtenMs = nowMs - stored.ageMs;
  const last = wired.now === 0 ? [] : [{ taps: wired.now, untilMs: writtenMs }];
  if (!stored.isOfThisBoot) {
    const waiting = held.map(([key, { reason }]) => [key, { reason, sinceMs: writtenMs }] as const);
    return {
      ...EMPTY_GUARD,
      wired: { now: 0, before: last },
      held: new Map(waiting),
      pairs: { ...NO_PAIR_MEMORY, held: new Map(pairs.held) },
    };
  }
  return {
    // A clock that was set back makes none of them later than now.
    taken: new Map(taken.map(([tap, atMs]) => [tap, Math.min(atMs, nowMs)])),
    wired: { now: 0, before: [...wired.before, ...last] },
    held: new Map(held),
    confirmation,
    pairs: {
      missing: new Map(pairs.missing),
      held: new Map(pairs.held),
      hostOf: new Map(pairs.hostOf),
    },
  };
}

/**
 * Has what the guard remembers on disk before a removal: a pass that the kernel cuts short, and an agent that is killed in
 * the middle of one, must not give the next one its free share again. A disk that takes nothing costs only this.
 */
export function keepGuardAhead(store: Store, guard: GuardMemory): void {
  const state = guardStateOf(guard);
  try {
    store.writeAhead(GUARD, state);
  } catch {
    // The queue tries again, and tells of a disk that takes nothing.
    store.keep(GUARD, state);
  }
}

/**
 * Why another run will not know what this one takes away: its file cannot be written. Each would then have the whole free
 * share, and several small steps are no less than one large one. null: it will know.
 */
export function whyForgotten(store: Store, guard: GuardMemory): Suspicion | null {
  try {
    store.writeAhead(GUARD, guardStateOf(guard));
    return null;
  } catch (error) {
    const reason = `the next run would not know of it, since state_dir cannot be written (${messageOf(error)})`;
    return { about: 'every-removal', reason };
  }
}
