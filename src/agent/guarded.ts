import { EXIT, type FaultPlace, KernelError, stackOf } from '../model/index.js';
import { shutDown } from './shut-down.js';
import type { AgentState } from './state.js';

/**
 * Runs what reads the kernel. A kernel that cannot be read, or a fault of this program, costs only this pass: the picture
 * is forgotten, and everything is read again in the next one. null then.
 */
export function guarded<Result>(self: AgentState, work: () => Result): Result | null {
  try {
    return work();
  } catch (error) {
    self.edges.kernel.invalidate();
    if (error instanceof KernelError) self.edges.observer({ kind: 'kernel-failed', error: error.message });
    else noteFault(self, 'pass', error);
    return null;
  }
}

/** A fault of this program: it is told, the agent pauses, and goes on with what it knows; after too many it ends. */
export function noteFault(self: AgentState, during: FaultPlace, thrown: unknown): void {
  // What is left half done is looked at again.
  if (self.latest !== null) self.latest = { ...self.latest, rest: null };
  self.edges.observer({ kind: 'fault', during, stack: stackOf(thrown) });
  if (!self.faults.note()) return;
  self.edges.observer({ kind: 'too-many-faults' });
  void shutDown(self, EXIT.fault);
}
