import { type Answer, messageOf } from '../model/index.js';
import { tapNames } from '../reconcile/view.js';
import { differs, LAST_KNOWN_GOOD, lastKnownGoodOf, recallRunBefore, recover } from './last-known-good.js';
import { pass, viewNow } from './look.js';
import { type AgentState, guarded } from './state.js';

/** Keeps what is known on disk when something that wiring depends on has changed. A full disk costs only this. */
export function keepLastKnownGood(self: AgentState, answer: Answer): void {
  const { kept, memory } = self;
  if (kept !== null && !differs(kept, memory)) {
    self.kept = memory;
    return;
  }
  try {
    self.edges.store.write(LAST_KNOWN_GOOD, lastKnownGoodOf(memory, answer));
    self.kept = memory;
  } catch (error) {
    if (kept !== null) self.edges.observer({ kind: 'state-failed', error: messageOf(error) });
    self.kept = null;
  }
}

/** At the start, see `recallRunBefore`. */
export function recallAtStart(self: AgentState): void {
  guarded(self, () => {
    const here = tapNames(viewNow(self));
    const nowMs = self.edges.clock.monotonicMs();
    const stored = self.edges.store.read(LAST_KNOWN_GOOD);
    self.memory = recallRunBefore(self.memory, stored, here, self.settings.knownPortRetentionMs, nowMs);
    self.kept = self.memory;
  });
}

/**
 * The very first poll found no server: the taps that are here are wired from the last known good answer. Nothing is
 * removed on its word, and the first real answer replaces it.
 */
export function wireFromLastKnownGood(self: AgentState): void {
  const { clock, observer, store } = self.edges;
  const recovered = recover(
    self.memory,
    store.read(LAST_KNOWN_GOOD),
    self.settings.lastKnownGoodMaxAgeMs,
    clock.monotonicMs(),
  );
  if (recovered.kind === 'none') return;
  if (recovered.kind === 'refused') {
    observer({ kind: 'not-recovered', why: recovered.why });
    return;
  }
  self.memory = recovered.memory;
  observer({ kind: 'recovered', ports: recovered.ports, ageMs: recovered.ageMs });
  guarded(self, () => pass(self, 'kernel', null));
}
