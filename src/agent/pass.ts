import type {
  Clock,
  HostState,
  Kernel,
  Operation,
  OperationOutcome,
  PassReport,
  Warning,
} from '../model/index.js';
import type { Desired, World } from '../reconcile/decide/desired.js';
import { noteInPlace } from '../reconcile/decide/in-place.js';
import { plan } from '../reconcile/plan/plan.js';
import { backOff, noteOutcomes } from '../reconcile/plan/repairs.js';
import { takeBacks } from '../reconcile/remember/active-lately.js';
import {
  type FreshAnswer,
  learn,
  type Memory,
  noteSightings,
  recall,
  remember,
} from '../reconcile/remember/memory.js';
import { withPortsKnownDown } from '../reconcile/remember/older-answer.js';
import { type TapChanges, tapChanges, viewAfter } from '../reconcile/see/changes.js';
import { keepView, type View, viewOf } from '../reconcile/see/view.js';
import { changesSince, desireChanged, type PassSettings, type Settled } from '../reconcile/settled.js';
import { statusChanges } from '../reconcile/tell/statuses.js';
import { type Ahead, type Guarded, guard, heldWarning } from './pass-guard.js';

/** How often a pass plans again when the world changed under it. */
const ROUNDS_MAX = 3;

export interface PassInput {
  readonly pass: string;
  readonly trigger: PassReport['trigger'];
  readonly settings: PassSettings;
  readonly memory: Memory;
  /** null: work from what is remembered; nothing is removed. */
  readonly fresh: FreshAnswer | null;
  /** `all`: an operator has said that every removal may go ahead. */
  readonly accepted: 'all' | 'remembered';
  /** null: plan only, and change nothing. */
  readonly ahead: Ahead | null;
  /** How the pass before has left the host: a pass from memory then only looks at what has changed. */
  readonly settled?: Settled | null;
}

export interface PassResult {
  readonly report: PassReport;
  readonly memory: Memory;
  readonly desired: Desired;
  /** The host as it was last seen in this pass. */
  readonly view: View;
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
  const { settings } = input;
  const settled = input.fresh === null ? (input.settled ?? null) : null;
  const see = (): Seen => seeHost(kernel.observe(), input, settled);
  const { view, changes } = see();
  const fresh = input.fresh === null ? null : withPortsKnownDown(input.fresh, input.memory, view);
  const sighted = noteSightings(input.memory, view, startedMs, changes);
  const outlineAt = (now: View): Outline => outlineOf(now, settings, sighted, startedMs);
  const knowledge = fresh === null ? recall(sighted) : learn(fresh);
  const world = { ...outlineAt(view), knowledge };
  const order = { fresh, settings: settings.guard, accepted: input.accepted, ahead: input.ahead };
  const guarded = guard(world, order, sighted);
  const decide = (now: Seen): Decided => {
    const narrowed =
      settled === null || now.changes === null
        ? null
        : desireChanged(outlineAt(now.view), sighted, settled, now.changes);
    if (narrowed !== null) {
      const { world: own, all, changed } = narrowed;
      return { view: now.view, desired: all, wanted: plan(own, changed), wakeAtMs: earliestWake(changed) };
    }
    const worldNow = now.view === view ? world : { ...outlineAt(now.view), knowledge };
    const desired = guarded.decide(worldNow);
    return { view: now.view, desired, wanted: plan(worldNow, desired), wakeAtMs: earliestWake(desired) };
  };
  const first = decide({ view, changes });
  const plannedMs = clock.monotonicMs();
  const { ahead } = input;
  const manner = ahead === null ? 'planned' : 'applied';
  const carried =
    ahead === null
      ? onlyPlanned(kernel, first, sighted.repairs)
      : carryOut(kernel, first, () => decide(see()), { ahead, guarded }, sighted, startedMs);
  const after = seenAtTheEnd(view, carried.view, settings, startedMs, {
    ...guarded.conclude(carried.view),
    repairs: carried.repairs,
    inPlace: noteInPlace(sighted.inPlace, carried.desired, carried.view),
  });
  const memory =
    fresh === null ? after : remember(after, carried.view, fresh, settings.knownPortRetentionMs, startedMs);
  const report: PassReport = {
    pass: input.pass,
    trigger: input.trigger,
    generation: fresh?.answer.generation ?? null,
    inSync: carried.wanted.length === 0 && guarded.held.length === 0,
    pending: carried.wanted.length,
    operations: ahead === null ? carried.wanted : succeeded(carried.done),
    failed: carried.failed,
    held: guarded.held,
    statuses:
      fresh === null
        ? []
        : [
            ...statusChanges(fresh.answer, carried.desired, carried.view, after, manner),
            ...takeBacks(fresh.answer, after.activeLately, startedMs),
          ],
    warnings: [
      ...(fresh?.answer.warnings ?? []),
      ...carried.desired.warnings,
      ...carried.pauses,
      ...failureWarnings(carried.failed),
      ...guarded.warnings,
      ...heldWarning(guarded.held),
    ],
    timings: { planMs: plannedMs - startedMs, applyMs: clock.monotonicMs() - plannedMs },
  };
  const { desired, view: seen, wakeAtMs } = carried;
  return { report, memory, desired, view: seen, wakeAtMs };
}

/** The host as it is, what it should be, and the operations between the two. */
interface Decided {
  readonly view: View;
  readonly desired: Desired;
  readonly wanted: readonly Operation[];
  /** See `PassResult`; on a settled host only taps that have changed since can be waited for. */
  readonly wakeAtMs: number | null;
}

interface Carried extends Decided {
  readonly done: readonly OperationOutcome[];
  readonly failed: readonly Failure[];
  readonly pauses: readonly Warning[];
  readonly repairs: Memory['repairs'];
}

const onlyPlanned = (kernel: Kernel, first: Decided, repairs: Memory['repairs']): Carried => ({
  ...first,
  wanted: withRoutes(kernel, first.wanted),
  done: [],
  failed: [],
  pauses: [],
  repairs,
});

/**
 * Applies, reads back, and plans again while the world changes under it, a bounded number of times. What is
 * still wanted at the end, although nothing failed, did not take effect: that is a failure too.
 */
function carryOut(
  kernel: Kernel,
  first: Decided,
  decideAgain: () => Decided,
  { ahead, guarded }: { readonly ahead: Ahead; readonly guarded: Guarded },
  memory: Memory,
  nowMs: number,
): Carried {
  const done: OperationOutcome[] = [];
  const { repairs } = memory;
  let current = first;
  const { operations: initial, warnings: pauses } = backOff(first.wanted, repairs, nowMs);
  let operations = initial;
  let settled = operations.length === 0;
  const remembered = guarded.ahead(!settled);
  if (remembered !== null || operations.some(({ op }) => op === 'move-addresses')) ahead.begin();
  if (remembered !== null) ahead.keepGuard(remembered);
  for (let round = 1; !settled && round <= ROUNDS_MAX; round += 1) {
    const outcomes = kernel.apply(withRoutes(kernel, operations));
    done.push(...outcomes);
    current = decideAgain();
    operations = backOff(current.wanted, repairs, nowMs).operations;
    const more = guarded.ahead(operations.length > 0);
    if (more !== null) ahead.keepGuard(more);
    const failures = outcomes.filter((outcome): outcome is Failure => !outcome.ok);
    settled =
      operations.length === 0 ||
      (failures.length > 0 && !failures.some(({ failure }) => failure.worldChanged));
  }
  const refused = stillRefused(done, current.wanted);
  const ineffective = refused.length > 0 || done.length === 0 ? [] : operations.map(withoutEffect);
  return {
    ...current,
    done,
    failed: [...refused, ...ineffective],
    pauses,
    repairs: noteOutcomes(repairs, done, nowMs),
  };
}

/** Routes are read only here, where somebody moves them or is to see what would be moved. */
const withRoutes = (kernel: Kernel, operations: readonly Operation[]): Operation[] =>
  operations.map((operation) =>
    operation.op === 'move-addresses' && operation.from.index !== null
      ? { ...operation, routes: kernel.routesOver(operation.from.index) }
      : operation,
  );

const withoutEffect = (operation: Operation): Failure => ({
  ok: false,
  operation,
  failure: {
    errno: 'UNVERIFIED',
    message: 'the kernel accepted it, but it was not seen when the host was read back',
    worldChanged: true,
  },
});

/** The host as it is, and what has changed since it was settled; null: too much, or it never was. */
interface Seen {
  readonly view: View;
  readonly changes: TapChanges | null;
}

function seeHost(state: HostState, { settings, memory }: PassInput, settled: Settled | null): Seen {
  const changes = settled === null ? null : changesSince(settled, state, settings, memory);
  const view =
    settled === null || changes === null
      ? viewOf(state, settings.host)
      : keepView(viewAfter(settled.view, state, changes), settings.host);
  return { view, changes };
}

/** Taps that went while the pass worked are gone like those that went before it, and their ports are owed DOWN. */
const seenAtTheEnd = (
  before: View,
  now: View,
  { host }: PassSettings,
  nowMs: number,
  memory: Memory,
): Memory =>
  now === before
    ? memory
    : noteSightings(memory, now, nowMs, tapChanges(before.observed, now.observed, host));

type Outline = Omit<World, 'knowledge'>;

const outlineOf = (view: View, { host }: PassSettings, memory: Memory, nowMs: number): Outline => ({
  view,
  settings: host,
  plugged: memory.plugged,
  inPlace: memory.inPlace,
  firstSeenMs: memory.firstSeenMs,
  nowMs,
});

const succeeded = (outcomes: readonly OperationOutcome[]): Operation[] =>
  outcomes.flatMap((outcome) => (outcome.ok ? [outcome.operation] : []));

type Failure = Extract<OperationOutcome, { ok: false }>;

/**
 * A failure counts only when no later round carried the same operation out and it is still wanted: a tap that
 * went away under its operation has not failed.
 */
function stillRefused(outcomes: readonly OperationOutcome[], wanted: readonly Operation[]): Failure[] {
  const last = new Map(outcomes.map((outcome) => [nameOf(outcome.operation), outcome]));
  const names = new Set(wanted.map(nameOf));
  return [...last.values()].filter(
    (outcome): outcome is Failure => !outcome.ok && names.has(nameOf(outcome.operation)),
  );
}

/** One for each refusal, and one for each port that is not wired because of it. */
function failureWarnings(failed: readonly Failure[]): Warning[] {
  const told = new Set<string>();
  return failed.flatMap(({ operation: { op, device, network, port }, failure }) => {
    const about = failure.errno === 'SKIPPED' ? port : device;
    if (about === undefined || told.has(about)) return [];
    told.add(about);
    const message = `${op} of ${device} failed: ${failure.message}`;
    const ids = { ...(network === null ? {} : { network }), ...(port === undefined ? {} : { port }) };
    return [{ code: 'OPERATION_FAILED', message, device, ...ids }];
  });
}

const nameOf = ({ op, device }: Operation): string => `${op} ${device}`;

function earliestWake({ taps }: Desired): number | null {
  const times = [...taps.values()].flatMap(({ decision }) =>
    decision.kind === 'wait' ? [decision.untilMs] : [],
  );
  return times.length === 0 ? null : Math.min(...times);
}
