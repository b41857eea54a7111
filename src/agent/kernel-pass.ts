import { isSame, type PassReport } from '../model/index.js';
import { tapsWithoutPort } from '../reconcile/decide/desired.js';
import type { GuardMemory } from '../reconcile/guard/guard-memory.js';
import type { Ahead } from '../reconcile/guard/pass-guard.js';
import { runPass } from '../reconcile/pass.js';
import { nothingHasChanged } from '../reconcile/remember/at-rest.js';
import { type FreshAnswer, type Memory, owesMore } from '../reconcile/remember/memory.js';
import { hasUnknownTaps } from '../reconcile/remember/question.js';
import { type View, viewOf } from '../reconcile/see/view.js';
import { guarded } from './guarded.js';
import type { AgentState } from './state.js';
import { GUARD, guardStateOf, keepGuardAhead } from './state-dir/keep-guard.js';

/** Thrown when a pass has something to write ahead and it is not its turn: nothing was changed. */
class NotItsTurn extends Error {}

/** As `passInTurn`, at any time. `put-off`: it has something to write ahead, see `Store`; nothing was changed. */
export function passAtOnce(
  self: AgentState,
  trigger: PassReport['trigger'],
  fresh: FreshAnswer | null,
): PassReport | 'put-off' {
  try {
    return pass(self, trigger, fresh, () => {
      throw new NotItsTurn();
    });
  } catch (error) {
    if (error instanceof NotItsTurn) return 'put-off';
    throw error;
  }
}

/** One pass of the running agent, from an answer or (null) from what is remembered. Throws KernelError. */
export const passInTurn = (
  self: AgentState,
  trigger: PassReport['trigger'],
  fresh: FreshAnswer | null,
): PassReport => pass(self, trigger, fresh, () => {});

function pass(
  self: AgentState,
  trigger: PassReport['trigger'],
  fresh: FreshAnswer | null,
  begin: Ahead['begin'],
): PassReport {
  const { kernel, clock, store } = self.edges;
  const { settings, memory, latest, answered } = self;
  self.passes += 1;
  const id = `${process.pid}-${self.passes}`;
  const startedMs = clock.monotonicMs();
  if (fresh !== null && answered !== null && isAsBefore(self, fresh, startedMs)) {
    const timings = { planMs: clock.monotonicMs() - startedMs, applyMs: 0 };
    const report = { ...answered.report, pass: id, trigger, operations: [], timings };
    self.answered = { ...answered, report };
    return told(self, report);
  }
  const result = runPass(kernel, clock, {
    pass: id,
    trigger,
    settings,
    memory,
    fresh,
    accepted: 'remembered',
    ahead: {
      begin,
      keepGuard: (guard) => noteGuard(self, guard, (now) => keepGuardAhead(store, now)),
      // Of its own passes the running agent knows without a file.
      forgets: () => null,
    },
    seen: latest?.desired.world.view ?? null,
  });
  self.memory = result.memory;
  noteGuard(self, result.memory.guard, (guard) => store.keep(GUARD, guardStateOf(guard)));
  self.latest = result;
  if (fresh !== null) self.answered = result;
  wakeAt(self, result.wakeAtMs);
  return told(self, result.report);
}

/** Remembers what the guard counts, and hands it to `keep` when it has changed. */
function noteGuard(self: AgentState, guard: GuardMemory, keep: (guard: GuardMemory) => void): void {
  if (self.memory.guard !== guard) self.memory = { ...self.memory, guard };
  const before = self.keptGuard;
  self.keptGuard = guard;
  if (before !== guard && !isSame(guardStateOf(before), guardStateOf(guard))) keep(guard);
}

/** Whether a pass with this answer would come to nothing, as it did before. */
function isAsBefore(
  { latest, settings, memory, edges }: AgentState,
  { answer, wentBack }: FreshAnswer,
  nowMs: number,
): boolean {
  const rest = latest?.rest ?? null;
  const state = edges.kernel.observe();
  return (
    rest !== null && wentBack === null && nothingHasChanged(rest, { state, settings, memory, answer }, nowMs)
  );
}

function told(self: AgentState, report: PassReport): PassReport {
  self.tally.notePass(report);
  self.edges.observer({ kind: 'pass', report });
  return report;
}

/** Looks again when the time is up that libvirt was given to plug a tap itself. */
function wakeAt(self: AgentState, wakeAtMs: number | null): void {
  const { clock } = self.edges;
  self.cancelWake();
  self.cancelWake =
    wakeAtMs === null
      ? () => {}
      : clock.after(wakeAtMs - clock.monotonicMs(), () => {
          guarded(self, () => passFromMemory(self));
        });
}

/**
 * The kernel said that something changed: known ports are wired at once from memory. For an unknown one the database is
 * asked at once, and so it is for one whose tap has gone or come back, since its status is to be written. The event itself is not consulted, only what is there now.
 */
export function look(self: AgentState): void {
  const { clock } = self.edges;
  const waitMs = Math.max(self.restraint.waitMs(), self.faults.pauseMs());
  self.cancelLook();
  if (self.stopping) return;
  // A whole number: of two times that differ by less than the clock can tell there would be no end.
  if (waitMs > 0) self.cancelLook = clock.after(Math.ceil(waitMs), () => look(self));
  else lookNow(self);
}

function lookNow(self: AgentState): void {
  guarded(self, () => {
    const before = self.memory;
    const report = catchUp(self);
    const isAsked = askWhereNeeded(self, before);
    if (report === null) return;
    self.restraint.note(isAsked || report.operations.length + report.failed.length > 0);
  });
}

/** Has the database asked at once when a pass has found what it does not know, or owes; `before`: what was known before it. */
export function askWhereNeeded(self: AgentState, before: Memory): boolean {
  const isNeeded = knowsTooLittle(self) || owesMore(before, self.memory);
  if (isNeeded) self.poller?.pollSoon();
  return isNeeded;
}

/** A pass from memory; null: it is made when it is its turn, and the loop goes on. */
export function passFromMemory(self: AgentState): PassReport | null {
  const report = passAtOnce(self, 'kernel', null);
  if (report !== 'put-off') return report;
  if (self.awaitsTurn) return null;
  self.awaitsTurn = true;
  void self.edges.store.inTurn(() => {
    self.awaitsTurn = false;
    if (self.stopping) return;
    const before = self.memory;
    guarded(self, () => passInTurn(self, 'kernel', null));
    askWhereNeeded(self, before);
  });
  return null;
}

/** A pass from memory when the host is not as the last pass has left it: whoever reads the kernel takes its events away. */
export function catchUp(self: AgentState): PassReport | null {
  const isAsLeft = self.edges.kernel.observe() === self.latest?.desired.world.view.observed;
  return isAsLeft ? null : passFromMemory(self);
}

/** The host after what memory can wire. Before the first pass there is nothing that could have been missed. */
export function viewCaughtUp(self: AgentState): View {
  if (self.latest === null) return viewNow(self);
  catchUp(self);
  const { view } = self.latest.desired.world;
  return viewOf(view.observed, self.settings.host, view);
}

/** The host as it is, before the first pass. */
export function viewNow(self: AgentState): View {
  self.seenAtStart = self.edges.kernel.observe();
  return viewOf(self.seenAtStart, self.settings.host);
}

/** How the host was when it was last read; null: it never was. */
export function lastView({ latest, seenAtStart, settings }: AgentState): View | null {
  const state = latest?.desired.world.view.observed ?? seenAtStart;
  return state === null ? null : viewOf(state, settings.host);
}

/** True when a tap was here in the last pass whose port the database has not been asked for lately. */
const knowsTooLittle = ({ latest, memory, edges }: AgentState): boolean =>
  latest !== null && hasUnknownTaps(tapsWithoutPort(latest.desired), memory, edges.clock.monotonicMs());
