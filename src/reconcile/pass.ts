import type { Clock, Kernel, PassReport, PassSettings } from '../model/index.js';
import { carryOut, type Decided, failureWarnings, onlyPlanned, succeeded } from './carry-out.js';
import type { Desired, World } from './decide/desired.js';
import { noteInPlace } from './decide/in-place.js';
import type { DecidedTunnels } from './decide/tunnels.js';
import { warningsOf } from './decide/warnings.js';
import { type Ahead, guard, heldWarning } from './guard/pass-guard.js';
import { plan } from './plan/plan.js';
import { takeBacks } from './remember/active-lately.js';
import type { AtRest } from './remember/at-rest.js';
import {
  type FreshAnswer,
  learn,
  type Memory,
  memoryChangesAtMs,
  noteAway,
  noteSightings,
  recall,
  remember,
} from './remember/memory.js';
import { withPortsKnownDown } from './remember/older-answer.js';
import { type View, viewOf } from './see/view.js';
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
  /** The host as it was seen last: only what has changed since is looked at. */
  readonly seen: View | null;
}

export interface PassResult {
  readonly report: PassReport;
  readonly memory: Memory;
  /** With the host as it was last seen in this pass. */
  readonly desired: Desired;
  readonly tunnels: DecidedTunnels;
  /** Clock time at which a tap that libvirt has left alone is to be looked at again. */
  readonly wakeAtMs: number | null;
  /** null: something is left to do, or to wait for. */
  readonly rest: AtRest | null;
}

/**
 * One pass: kernel -> observed -> desired -> guard -> plan -> apply -> verify -> report. It runs to its end
 * without waiting for anything but the kernel, so passes cannot overlap. Throws KernelError when the kernel
 * cannot be read; nothing has been changed then.
 */
export function runPass(kernel: Kernel, clock: Clock, input: PassInput): PassResult {
  const startedMs = clock.monotonicMs();
  const { settings, ahead } = input;
  const see = (earlier: View | null): View => viewOf(kernel.observe(), settings.host, earlier);
  const view = see(input.seen);
  const fresh = input.fresh === null ? null : withPortsKnownDown(input.fresh, input.memory, view);
  const sighted = noteSightings(input.memory, view, startedMs);
  const world = worldOf(view, fresh, sighted, startedMs);
  const order = { fresh, settings: settings.guard, accepted: input.accepted, ahead };
  const guarded = guard(world, order, sighted);
  const decide = (now: World): Decided => {
    const { desired, tunnels } = guarded.decide(now);
    return { desired, tunnels, wanted: plan(desired, tunnels) };
  };
  const first = decide(world);
  const plannedMs = clock.monotonicMs();
  const manner = ahead === null ? 'planned' : 'applied';
  const decideAgain = ({ desired }: Decided): Decided => decide({ ...world, view: see(desired.world.view) });
  const carried =
    ahead === null
      ? onlyPlanned(kernel, first, sighted.repairs)
      : carryOut(kernel, first, decideAgain, { ahead, guarded }, sighted, startedMs);
  const { desired, tunnels } = carried;
  const seen = desired.world.view;
  const concluded: Memory = {
    ...sighted,
    ...guarded.conclude(seen),
    repairs: carried.repairs,
    inPlace: noteInPlace(sighted.inPlace, desired, seen),
  };
  // Taps that went while the pass worked are gone like those that went before it.
  const after = noteAway(concluded, seen, startedMs);
  const memory =
    fresh === null ? after : remember(after, seen, fresh, settings.knownPortRetentionMs, startedMs);
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
            ...statusChanges(fresh.answer, desired, seen, after, manner),
            ...takeBacks(fresh.answer, after.activeLately, startedMs),
          ],
    warnings: [
      ...(fresh?.answer.warnings ?? []),
      ...warningsOf(desired),
      ...tunnels.warnings,
      ...carried.pauses,
      ...failureWarnings(carried.failed),
      ...guarded.warnings,
      ...heldWarning(guarded.held),
    ],
    timings: { planMs: plannedMs - startedMs, applyMs: clock.monotonicMs() - plannedMs },
  };
  const result = { report, memory, desired, tunnels, wakeAtMs: earliestWake(desired) };
  return { ...result, rest: restOf(input, result) };
}

/** All that a decision may rest on. */
const worldOf = (view: View, fresh: FreshAnswer | null, memory: Memory, nowMs: number): World => ({
  view,
  knowledge: fresh === null ? recall(memory) : learn(fresh),
  settings: view.settings,
  plugged: memory.plugged,
  inPlace: memory.inPlace,
  firstSeenMs: memory.firstSeenMs,
  nowMs,
});

/** What the next pass may rest on. The answer counts only where the host did not change after it was asked for. */
function restOf(
  { settings, fresh }: PassInput,
  { report, memory, desired, tunnels, wakeAtMs }: Omit<PassResult, 'rest'>,
): AtRest | null {
  const toDo = report.pending + report.failed.length + report.held.length;
  const isAtRest = toDo + desired.removals.length + tunnels.asked.length === 0;
  const state = desired.world.view.observed;
  if (!isAtRest || wakeAtMs !== null || fresh?.asked !== state) return null;
  const untilMs = memoryChangesAtMs(memory, settings.knownPortRetentionMs);
  return { state, settings, memory, answer: fresh.answer, untilMs };
}

function earliestWake({ notable }: Desired): number | null {
  const times = notable.flatMap(({ decision }) => (decision.kind === 'wait' ? [decision.untilMs] : []));
  return times.length === 0 ? null : Math.min(...times);
}
