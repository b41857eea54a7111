import type {
  Answer,
  Clock,
  GuardSettings,
  HeldRemoval,
  HostSettings,
  IfIndex,
  Kernel,
  Operation,
  OperationOutcome,
  PassReport,
  Warning,
} from '../model/index.js';
import { desire } from '../reconcile/desire.js';
import type { Desired, Knowledge, Removal, World } from '../reconcile/desired.js';
import { type GuardVerdict, judge } from '../reconcile/guard.js';
import {
  type FreshAnswer,
  learn,
  type Memory,
  noteSightings,
  recall,
  remember,
} from '../reconcile/memory.js';
import { plan } from '../reconcile/plan.js';
import { backOff, noteRepairs } from '../reconcile/repairs.js';
import { statusChanges } from '../reconcile/statuses.js';
import { type View, viewOf } from '../reconcile/view.js';

/** How often a pass plans again when the world changed under it. */
const ROUNDS_MAX = 3;

export interface PassSettings {
  readonly host: HostSettings;
  readonly guard: GuardSettings;
  readonly knownPortRetentionMs: number;
}

export interface PassInput {
  readonly pass: string;
  readonly trigger: PassReport['trigger'];
  readonly settings: PassSettings;
  readonly memory: Memory;
  /** null: work from what is remembered; nothing is removed. */
  readonly fresh: FreshAnswer | null;
  /** `all`: an operator has said that every removal may go ahead. */
  readonly accepted: 'all' | 'remembered';
  /** Plan only: change nothing. */
  readonly apply: boolean;
}

export interface PassResult {
  readonly report: PassReport;
  readonly memory: Memory;
  readonly desired: Desired;
  /** Clock time at which a tap that libvirt has left alone is to be looked at again. */
  readonly wakeAtMs: number | null;
}

/**
 * One pass: kernel -> observed -> desired -> guard -> plan -> apply -> verify -> report. It runs to its end
 * without waiting for anything but the kernel, so passes cannot overlap. Throws KernelError when the kernel
 * cannot be read; nothing has been changed then.
 */
export function runPass(kernel: Kernel, clock: Clock, input: PassInput): PassResult {
  const startedMs = clock.monotonicMs();
  const { settings, fresh } = input;
  const view = viewOf(kernel.observe(), settings.host);
  const sighted = noteSightings(input.memory, view, startedMs);
  const knowledge = fresh === null ? recall(sighted) : learn(fresh);
  const guarded = guard(worldOf(view, knowledge, settings, sighted, startedMs), input, sighted, startedMs);
  const decide = (now: View): Decided => {
    const world = worldOf(now, knowledge, settings, sighted, startedMs);
    const desired = desire(world, guarded.verdict.removals);
    return { view: now, desired, wanted: plan(world, desired) };
  };
  const plannedMs = clock.monotonicMs();
  const first = decide(view);
  const carried = input.apply
    ? carryOut(kernel, settings.host, first, decide, guarded.memory, startedMs)
    : { ...first, done: [], failed: [], pauses: [], repairs: guarded.memory.repairs };
  const after = { ...guarded.memory, repairs: carried.repairs };
  const memory =
    fresh === null ? after : remember(after, carried.view, fresh, settings.knownPortRetentionMs, startedMs);
  const report: PassReport = {
    pass: input.pass,
    trigger: input.trigger,
    generation: fresh?.answer.generation ?? null,
    inSync: carried.wanted.length === 0 && guarded.held.length === 0,
    operations: input.apply ? succeeded(carried.done) : carried.wanted,
    failed: carried.failed,
    held: guarded.held,
    statuses: fresh === null ? [] : statusChanges(fresh.answer, carried.desired, carried.view, sighted),
    warnings: [
      ...(fresh?.answer.warnings ?? []),
      ...carried.desired.warnings,
      ...carried.pauses,
      ...heldWarning(guarded),
    ],
    timings: { planMs: plannedMs - startedMs, applyMs: clock.monotonicMs() - plannedMs },
  };
  return { report, memory, desired: carried.desired, wakeAtMs: earliestWake(carried.desired) };
}

/** The host as it is, what it should be, and the operations between the two. */
interface Decided {
  readonly view: View;
  readonly desired: Desired;
  readonly wanted: readonly Operation[];
}

interface Carried extends Decided {
  readonly done: readonly OperationOutcome[];
  readonly failed: readonly Failure[];
  readonly pauses: readonly Warning[];
  readonly repairs: Memory['repairs'];
}

/**
 * Applies, reads back, and plans again while the world changes under it, a bounded number of times. What is
 * still wanted at the end, although nothing failed, did not take effect: that is a failure too.
 */
function carryOut(
  kernel: Kernel,
  host: HostSettings,
  first: Decided,
  decide: (now: View) => Decided,
  memory: Memory,
  nowMs: number,
): Carried {
  const done: OperationOutcome[] = [];
  let { repairs } = memory;
  let current = first;
  const { operations: initial, warnings: pauses } = backOff(first.wanted, repairs, nowMs);
  let operations = initial;
  let settled = operations.length === 0;
  for (let round = 1; !settled && round <= ROUNDS_MAX; round += 1) {
    const outcomes = kernel.apply(operations);
    done.push(...outcomes);
    repairs = noteRepairs(repairs, succeeded(outcomes), nowMs);
    current = decide(viewOf(kernel.observe(), host));
    operations = backOff(current.wanted, repairs, nowMs).operations;
    const failures = outcomes.filter((outcome): outcome is Failure => !outcome.ok);
    settled =
      operations.length === 0 ||
      (failures.length > 0 && !failures.some(({ failure }) => failure.worldChanged));
  }
  const refused = lastFailures(done);
  const ineffective = refused.length > 0 || done.length === 0 ? [] : operations.map(withoutEffect);
  return { ...current, done, failed: [...refused, ...ineffective], pauses, repairs };
}

const withoutEffect = (operation: Operation): Failure => ({
  ok: false,
  operation,
  failure: {
    errno: 'UNVERIFIED',
    message: 'the kernel accepted it, but it was not seen when the host was read back',
    worldChanged: true,
  },
});

const worldOf = (
  view: View,
  knowledge: Knowledge,
  { host }: PassSettings,
  memory: Memory,
  nowMs: number,
): World => ({
  view,
  knowledge,
  settings: host,
  knownTaps: new Set(memory.known.keys()),
  firstSeenMs: memory.firstSeenMs,
  nowMs,
});

interface Guarded {
  readonly desired: Desired;
  readonly verdict: GuardVerdict;
  readonly held: readonly HeldRemoval[];
  readonly memory: Memory;
}

/** Decides first as if removals were allowed; when the guard says no, decides again around them. */
function guard(
  world: World,
  { fresh, settings, accepted }: PassInput,
  memory: Memory,
  nowMs: number,
): Guarded {
  if (fresh === null) {
    const verdict: GuardVerdict = { removals: 'held', reason: null, confirmation: memory.confirmation };
    return { desired: desire(world, 'held'), verdict, held: [], memory };
  }
  const desired = desire(world, 'allowed');
  const server = serverTrust(fresh.answer, memory, desired.removals);
  const verdict = judge(settings.guard, {
    removals: desired.removals,
    wiredTaps: world.view.taps.filter(({ master }) => isPluggable(world.view, master)).length,
    emptyTables: fresh.answer.emptyTables,
    suspect: suspicionOf(fresh.answer, server),
    accepted: accepted === 'all' ? 'all' : memory.accepted,
    confirmation: memory.confirmation,
    nowMs,
  });
  const allowed = verdict.removals === 'allowed';
  const trusted = allowed && desired.removals.length > 0 ? { ...server, doubted: false } : server;
  const next = {
    ...memory,
    confirmation: verdict.confirmation,
    accepted: new Set<string>(),
    server: trusted,
  };
  return allowed
    ? { desired, verdict, held: [], memory: next }
    : { desired: desire(world, 'held'), verdict, held: heldOf(desired.removals, verdict), memory: next };
}

const isPluggable = (view: View, master: IfIndex | null): boolean =>
  master !== null && (view.agentBridges.has(master) || view.mappedBridges.has(master));

/** A new server is believed about missing rows only after it has shown the rows of every wired tap. */
function serverTrust(
  answer: Answer,
  memory: Memory,
  removals: readonly Removal[],
): NonNullable<Memory['server']> {
  const missing = removals.some(({ cause }) => cause === 'row-missing' || cause === 'network-gone');
  const changed = memory.server !== null && memory.server.id !== answer.server;
  return { id: answer.server, doubted: missing && (changed || memory.server?.doubted === true) };
}

function suspicionOf(answer: Answer, server: NonNullable<Memory['server']>): string | null {
  if (answer.suspect === 'in-recovery') return 'the server is in recovery, so rows may be missing that exist';
  if (answer.suspect === 'read-only')
    return 'the server is read-only, so it may be a replica that lags behind';
  return server.doubted
    ? 'another server answers than before, and it does not have every row that is in use'
    : null;
}

const heldOf = (removals: readonly Removal[], { reason }: GuardVerdict): HeldRemoval[] =>
  removals.map(({ key, device, taps, text }) => ({ key, device, taps, text, reason: reason ?? '' }));

function heldWarning({ held, verdict }: Guarded): Warning[] {
  return held.length === 0
    ? []
    : [{ code: 'REMOVALS_HELD', message: `${held.length} removal(s) held back: ${verdict.reason ?? ''}` }];
}

const succeeded = (outcomes: readonly OperationOutcome[]): Operation[] =>
  outcomes.flatMap((outcome) => (outcome.ok ? [outcome.operation] : []));

type Failure = Extract<OperationOutcome, { ok: false }>;

/** A failure counts only when no later round carried the same operation out. */
function lastFailures(outcomes: readonly OperationOutcome[]): Failure[] {
  const last = new Map(
    outcomes.map((outcome) => [`${outcome.operation.op} ${outcome.operation.device}`, outcome]),
  );
  return [...last.values()].filter((outcome): outcome is Failure => !outcome.ok);
}

function earliestWake({ taps }: Desired): number | null {
  const times = taps.flatMap(({ decision }) => (decision.kind === 'wait' ? [decision.untilMs] : []));
  return times.length === 0 ? null : Math.min(...times);
}
