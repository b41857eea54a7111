import { type AgentEvent, type Observer, stackOf } from '../model/index.js';

/**
 * Tells every observer. One that throws costs nobody anything: not the pass that tells, and not the others, who hear of
 * that fault instead.
 */
export const tellEach =
  (observers: readonly Observer[]): Observer =>
  (event) => {
    for (const observer of observers) {
      const fault = attempt(observer, event);
      if (fault === null) continue;
      for (const other of observers)
        attempt(other, { kind: 'fault', during: 'telling', stack: stackOf(fault.thrown) });
    }
  };

function attempt(observer: Observer, event: AgentEvent): { readonly thrown: unknown } | null {
  try {
    observer(event);
    return null;
  } catch (thrown) {
    return { thrown };
  }
}
