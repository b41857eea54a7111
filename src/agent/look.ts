import type { PassReport } from '../model/index.js';
import type { FreshAnswer } from '../reconcile/memory.js';
import { hasUnknownTaps } from '../reconcile/question.js';
import { type View, viewOf } from '../reconcile/view.js';
import { runPass } from './pass.js';
import { type AgentState, guarded } from './state.js';

/** One pass of the running agent, from an answer or (null) from what is remembered. Throws KernelError. */
export function pass(
  self: AgentState,
  trigger: PassReport['trigger'],
  fresh: FreshAnswer | null,
): PassReport {
  const { kernel, clock, observer } = self.edges;
  self.passes += 1;
  const result = runPass(kernel, clock, {
    pass: `${process.pid}-${self.passes}`,
    trigger,
    settings: self.settings,
    memory: self.memory,
    fresh,
    accepted: 'remembered',
    apply: true,
  });
  self.memory = result.memory;
  self.seen = kernel.observe();
  self.seenVersion = self.seen.version;
  self.latest = result.desired;
  if (fresh !== null) {
    self.last = result.report;
    self.answered = result.desired;
  }
  wakeAt(self, result.wakeAtMs);
  self.tally.notePass(result.report);
  observer({ kind: 'pass', report: result.report });
  return result.report;
}

/** Looks again when the time is up that libvirt was given to plug a tap itself. */
function wakeAt(self: AgentState, wakeAtMs: number | null): void {
  const { clock } = self.edges;
  self.cancelWake();
  self.cancelWake =
    wakeAtMs === null
      ? () => {}
      : clock.after(wakeAtMs - clock.monotonicMs(), () => {
          guarded(self, () => pass(self, 'kernel', null));
        });
}

/**
 * The kernel said that something changed: known ports are wired at once from memory, and for an unknown one
 * the database is asked at once. The event itself is not consulted, only what is there now.
 */
export function look(self: AgentState): void {
  if (self.stopping) return;
  guarded(self, () => {
    if (self.edges.kernel.observe().version !== self.seenVersion) pass(self, 'kernel', null);
    if (knowsTooLittle(self)) self.poller?.pollSoon();
  });
}

export function viewNow(self: AgentState): View {
  self.seen = self.edges.kernel.observe();
  return viewOf(self.seen, self.settings.host);
}

/** True when a tap is here whose port the database has not been asked for lately. */
export const knowsTooLittle = (self: AgentState): boolean =>
  hasUnknownTaps(viewNow(self), self.memory, self.edges.clock.monotonicMs());
