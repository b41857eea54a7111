import {
  type Answer,
  type Clock,
  type Database,
  DatabaseError,
  type Kernel,
  type Question,
  type Settings,
  type StatusChange,
  type Store,
  type StoreReader,
} from '../model/index.js';
import type { Ahead } from '../reconcile/guard/pass-guard.js';
import { type PassInput, type PassResult, runPass } from '../reconcile/pass.js';
import { EMPTY_MEMORY, type Memory } from '../reconcile/remember/memory.js';
import { presentWhenAsked, questionFor } from '../reconcile/remember/question.js';
import { tapNames, viewOf } from '../reconcile/see/view.js';
import { GUARD, guardStateOf, keepGuardAhead, recallGuard, whyForgotten } from './state-dir/keep-guard.js';
import { LAST_KNOWN_GOOD, lastKnownGoodOf, recallRunBefore } from './state-dir/last-known-good.js';
import { type ServerRecord, settleServers, signAgainst } from './state-dir/server-record.js';

/** No question but that of what is here. */
const NOTHING: Question = { taps: [], bridges: [] };

/** What a plan is made from. */
export interface PlanEdges {
  readonly kernel: Kernel;
  readonly database: Database;
  readonly clock: Clock;
  readonly store: StoreReader;
  readonly servers: ServerRecord;
}

/** The edges of a single pass. */
export interface SingleEdges extends PlanEdges {
  readonly store: Store;
}

export interface OnceResult extends PassResult {
  /** Why the statuses could not be written, although the host was brought in sync; null when they were. */
  readonly statusError: DatabaseError | null;
}

/** A pass with the answer it worked from. */
export interface Single extends PassResult {
  readonly answer: Answer;
}

/**
 * What one poll and one apply would do, without doing it. libvirt's time to plug a tap counts as over. Rows that `about`
 * asks for are read as well. Throws DatabaseError and KernelError.
 */
export async function planOnce(edges: PlanEdges, settings: Settings, about = NOTHING): Promise<Single> {
  const patient = { ...settings, host: { ...settings.host, plugGraceMs: 0 } };
  const manner: Manner = { ahead: null, acceptRemovals: false, inTurn: async (work) => work() };
  return single(edges, patient, readMemory(edges, settings), manner, about);
}

/**
 * One poll and one apply, then the statuses. When libvirt may still plug a tap itself, waits that long and looks again.
 * What the guard remembers is kept in `state_dir` between runs, and before anything is removed. Throws DatabaseError and KernelError.
 */
export async function applyOnce(
  edges: SingleEdges,
  settings: Settings,
  acceptRemovals: boolean,
): Promise<OnceResult> {
  const { store, servers } = edges;
  const memory = readMemory(edges, settings);
  const ahead: Ahead = {
    begin: () => {},
    keepGuard: (guard) => keepGuardAhead(store, guard),
    forgets: () => whyForgotten(store, memory.guard),
  };
  const manner: Manner = { ahead, acceptRemovals, inTurn: store.inTurn };
  let result = await single(edges, settings, memory, manner);
  if (result.wakeAtMs !== null) {
    const delayMs = result.wakeAtMs - edges.clock.monotonicMs();
    await new Promise<void>((settle) => edges.clock.after(delayMs, settle));
    const again = await single(edges, settings, result.memory, manner);
    result = {
      ...again,
      report: { ...again.report, operations: [...result.report.operations, ...again.report.operations] },
    };
  }
  store.keep(GUARD, guardStateOf(result.memory.guard));
  store.keep(LAST_KNOWN_GOOD, lastKnownGoodOf(result.memory, result.answer));
  servers.close();
  const statusError = await write(edges.database, settings, result.report.statuses);
  return { ...result, statusError };
}

interface Manner extends Pick<PassInput, 'ahead'> {
  readonly acceptRemovals: boolean;
  readonly inTurn: (work: () => PassResult) => Promise<PassResult>;
}

async function single(
  { kernel, database, clock, servers }: PlanEdges,
  settings: Settings,
  memory: Memory,
  { acceptRemovals, ahead, inTurn }: Manner,
  about = NOTHING,
): Promise<Single> {
  kernel.askAgain();
  const view = viewOf(kernel.observe(), settings.host);
  const nowMs = clock.monotonicMs();
  const presentBefore = presentWhenAsked(view, memory, nowMs);
  const { watermark } = servers;
  const sign = watermark.seen().wentBack;
  const { taps, bridges } = questionFor(view, memory, nowMs);
  const answer = await database.read({
    taps: [...taps, ...about.taps],
    bridges: [...bridges, ...about.bridges],
  });
  const input: PassInput = {
    pass: `${process.pid}-1`,
    trigger: 'command',
    settings,
    memory,
    fresh: { answer, asked: view.observed, presentBefore, wentBack: signAgainst(watermark, answer) },
    accepted: acceptRemovals ? 'all' : 'remembered',
    ahead,
    seen: view,
  };
  const result = await inTurn(() => runPass(kernel, clock, input));
  if (ahead !== null) settleServers(servers, { trust: result.memory.server, answer, sign });
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

/** A single pass remembers what the run before it kept: what the guard counts, and `recallRunBefore`. */
function readMemory({ kernel, clock, store, servers }: PlanEdges, settings: Settings): Memory {
  const here = tapNames(viewOf(kernel.observe(), settings.host));
  const guard = recallGuard(store, clock.monotonicMs());
  const memory = { ...EMPTY_MEMORY, guard, server: servers.trust };
  const kept = store.read(LAST_KNOWN_GOOD);
  return recallRunBefore(memory, kept, here, settings.knownPortRetentionMs, clock.monotonicMs());
}
