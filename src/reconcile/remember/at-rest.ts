import type { Answer, HostState, PassSettings } from '../../model/index.js';
import type { Memory } from './memory.js';

/** What the end of a pass rests on that has left nothing to do, nothing held and nothing to wait for. */
export interface AtRest {
  readonly state: HostState;
  readonly settings: PassSettings;
  readonly memory: Memory;
  readonly answer: Answer;
  /** When the memory says something else by itself, see `memoryChangesAtMs`. */
  readonly untilMs: number;
}

/**
 * True when a pass with this answer could only come to the same end. Rests on two promises: an unchanged host is the same
 * state (`Kernel.observe`), an unchanged answer the same object (`Database.read`).
 */
export const nothingHasChanged = (rest: AtRest, now: Omit<AtRest, 'untilMs'>, nowMs: number): boolean =>
  now.answer === rest.answer &&
  now.state === rest.state &&
  now.settings === rest.settings &&
  now.memory === rest.memory &&
  nowMs < rest.untilMs;
