import type { Clock, HostState, Kernel, PassReport } from '../model/index.js';
import { carryOut, type Decided, failureWarnings, onlyPlanned, succeeded } from './carry-out.js';
import type { Desired, World } from './decide/desired.js';
import { noteInPlace } from './decide/in-place.js';
import { type Ahead, guard, heldWarning } from './guard/pass-guard.js';
import { plan } from './plan/plan.js';
import { takeBacks } from './remember/active-lately.js';
import { type FreshAnswer, learn, type Memory, noteSightings, recall, remember } from './remember/memory.js';
import { withPortsKnownDown } from './remember/older-answer.js';
import { type TapChanges, tapChanges, viewAfter } from './see/changes.js';
import { keepView, type View, viewOf } from './see/view.js';
import { changesSince, desireChanged, type PassSettings, type Settled } from './settled.js';
import { statusChanges } from './tell/statuses.js';

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
    ...sighted,
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

function earliestWake({ taps }: Desired): number | null {
  const times = [...taps.values()].flatMap(({ decision }) =>
    decision.kind === 'wait' ? [decision.untilMs] : [],
  );
  return times.length === 0 ? null : Math.min(...times);
}
