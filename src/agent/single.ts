import * as v from 'valibot';
import {
  type Answer,
  type Clock,
  type Database,
  DatabaseError,
  type Kernel,
  messageOf,
  type Settings,
  type StateKind,
  type StatusChange,
  type Store,
  type StoreReader,
} from '../model/index.js';
import type { Confirmation } from '../reconcile/guard.js';
import { EMPTY_MEMORY, type Memory } from '../reconcile/memory.js';
import { presentWhenAsked, questionFor } from '../reconcile/question.js';
import { tapNames, viewOf } from '../reconcile/view.js';
import { check, type Shape } from './foreign.js';
import { LAST_KNOWN_GOOD, lastKnownGoodOf, recallAway } from './last-known-good.js';
import { type PassResult, runPass } from './pass.js';

const CONFIRMATION: Shape<Confirmation> = v.object({
  fingerprint: v.string(),
  polls: v.number(),
  sinceMs: v.number(),
});

/** How often removals were asked for; null: none is held. */
const GUARD: StateKind<Confirmation | null> = {
  name: 'guard',
  check: (value) => check(v.nullable(CONFIRMATION), value),
};

/** What a plan is made from. */
export interface PlanEdges {
  readonly kernel: Kernel;
  readonly database: Database;
  readonly clock: Clock;
  readonly store: StoreReader;
}

/** The edges of a single pass. */
export interface SingleEdges extends PlanEdges {
  readonly store: Store;
}

export interface OnceResult extends PassResult {
  /** Why the statuses could not be written, although the host was brought in sync; null when they were. */
  readonly statusError: DatabaseError | null;
  /** Why `state_dir` could not be written; null when it was. */
  readonly stateError: string | null;
}

/** A pass with the answer it worked from. */
interface Single extends PassResult {
  readonly answer: Answer;
}

/**
 * What one poll and one apply would do, without doing it. libvirt's time to plug a tap counts as over. Throws
 * DatabaseError and KernelError.
 */
export async function planOnce(edges: PlanEdges, settings: Settings): Promise<PassResult> {
  const patient = { ...settings, host: { ...settings.host, plugGraceMs: 0 } };
  return single(edges, patient, readMemory(edges, settings), { apply: false, acceptRemovals: false });
}

/**
 * One poll and one apply, then the statuses. When libvirt may still plug a tap itself, waits that long and looks again.
 * The guard's confirmations are kept in `state_dir` between runs. Throws DatabaseError and KernelError.
 */
export async function applyOnce(
  edges: SingleEdges,
  settings: Settings,
  acceptRemovals: boolean,
): Promise<OnceResult> {
  let result = await single(edges, settings, readMemory(edges, settings), { apply: true, acceptRemovals });
  if (result.wakeAtMs !== null) {
    const delayMs = result.wakeAtMs - edges.clock.monotonicMs();
    await new Promise<void>((settle) => edges.clock.after(delayMs, settle));
    const again = await single(edges, settings, result.memory, { apply: true, acceptRemovals });
    result = {
      ...again,
      report: { ...again.report, operations: [...result.report.operations, ...again.report.operations] },
    };
  }
  const stateError = keep(edges.store, result);
  const statusError = await write(edges.database, settings, result.report.statuses);
  return { ...result, statusError, stateError };
}

interface Manner {
  readonly apply: boolean;
  readonly acceptRemovals: boolean;
}

async function single(
  { kernel, database, clock }: PlanEdges,
  settings: Settings,
  memory: Memory,
  { apply, acceptRemovals }: Manner,
): Promise<Single> {
  const view = viewOf(kernel.observe(), settings.host);
  const nowMs = clock.monotonicMs();
  const presentBefore = presentWhenAsked(view, memory, nowMs);
  const answer = await database.read(questionFor(view, memory, nowMs));
  const result = runPass(kernel, clock, {
    pass: `${process.pid}-1`,
    trigger: 'command',
    settings,
    memory,
    fresh: { answer, presentBefore },
    accepted: acceptRemovals ? 'all' : 'remembered',
    apply,
  });
  return { ...result, answer };
}

async function write(
  database: Database,
  settings: Settings,
  statuses: readonly StatusChange[],
): Promise<DatabaseError | null> {
  if (statuses.length === 0 || settings.database.readOnly) return null;
  try {
    await database.writeStatuses(statuses);
    return null;
  } catch (error) {
    if (error instanceof DatabaseError) return error;
    throw error;
  }
}

/** A single pass remembers what the run before it kept: how often removals were asked for, and ports whose taps went. */
function readMemory({ kernel, clock, store }: PlanEdges, settings: Settings): Memory {
  const guard = store.read(GUARD);
  const confirmation = guard.kind === 'kept' ? guard.value : null;
  const here = tapNames(viewOf(kernel.observe(), settings.host));
  const memory = { ...EMPTY_MEMORY, confirmation };
  const kept = store.read(LAST_KNOWN_GOOD);
  return recallAway(memory, kept, here, settings.knownPortRetentionMs, clock.monotonicMs());
}

/** The host is wired already: a state that cannot be kept is told, and costs nothing else. */
function keep(store: Store, { memory, answer }: Single): string | null {
  try {
    store.write(GUARD, memory.confirmation);
    store.write(LAST_KNOWN_GOOD, lastKnownGoodOf(memory, answer));
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
