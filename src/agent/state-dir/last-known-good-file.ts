import type { Answer } from '../../model/index.js';
import { tapNames } from '../../reconcile/see/view.js';
import { guarded } from '../guarded.js';
import { passFromMemory, viewNow } from '../kernel-pass.js';
import type { AgentState } from '../state.js';
import { differs, LAST_KNOWN_GOOD, lastKnownGoodOf, recallRunBefore, recover } from './last-known-good.js';

/** Keeps what is known on disk when something that wiring depends on has changed. */
export function keepLastKnownGood(self: AgentState, answer: Answer): void {
  const { kept, memory } = self;
  self.kept = memory;
  if (differs(kept, memory)) self.edges.store.keep(LAST_KNOWN_GOOD, lastKnownGoodOf(memory, answer));
}

/** At the start, see `recallRunBefore`. */
export function recallAtStart(self: AgentState): void {
  self.runBefore = self.edges.store.read(LAST_KNOWN_GOOD);
  guarded(self, () => {
    const here = tapNames(viewNow(self));
    const nowMs = self.edges.clock.monotonicMs();
    const { runBefore, settings } = self;
    self.memory = recallRunBefore(self.memory, runBefore, here, settings.knownPortRetentionMs, nowMs);
    self.kept = self.memory;
  });
}

/**
 * The very first poll found no server: the taps that are here are wired from the last known good answer. Nothing is
 * removed on its word, and the first real answer replaces it.
 */
export function wireFromLastKnownGood(self: AgentState): void {
  const { clock, observer } = self.edges;
  const { memory, runBefore, settings } = self;
  const recovered = recover(memory, runBefore, settings.lastKnownGoodMaxAgeMs, clock.monotonicMs());
  if (recovered.kind === 'none') return;
  if (recovered.kind === 'refused') {
    observer({ kind: 'not-recovered', why: recovered.why });
    return;
  }
  self.memory = recovered.memory;
  observer({ kind: 'recovered', ports: recovered.ports, ageMs: recovered.ageMs });
  guarded(self, () => passFromMemory(self));
}
