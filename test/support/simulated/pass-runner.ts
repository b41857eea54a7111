import type {
  Answer,
  Clock,
  HostSettings,
  Kernel,
  PassSettings,
  WentBack,
} from '../../../src/model/index.js';
import type { GuardMemory } from '../../../src/reconcile/guard/guard-memory.js';
import { type PassInput, type PassResult, runPass } from '../../../src/reconcile/pass.js';
import { EMPTY_MEMORY, type Memory } from '../../../src/reconcile/remember/memory.js';
import { presentWhenAsked } from '../../../src/reconcile/remember/question.js';
import { type View, viewOf } from '../../../src/reconcile/see/view.js';

export const TEST_NOW_MS = 1_000_000_000;
const RETENTION_MS = 3_600_000;

/** A clock that stands still. */
export const clockAt = (nowMs: number): Clock => ({
  monotonicMs: () => nowMs,
  wallMs: () => nowMs,
  after: () => () => {},
});

/** What a test may want to have otherwise than in a first poll of an ordinary agent. */
export interface PassWords {
  readonly memory?: Memory;
  readonly guard?: PassInput['settings']['guard'];
  readonly accepted?: PassInput['accepted'];
  readonly apply?: boolean;
  readonly nowMs?: number;
  /** Names of links that were made after the database had been asked. */
  readonly madeSince?: readonly string[];
  /** The host as an earlier pass has seen it. */
  readonly seen?: View | null;
  readonly wentBack?: WentBack;
  /** Is told what is kept before a deed. */
  readonly kept?: (guard: GuardMemory) => void;
}

export const DEFAULT_GUARD: PassInput['settings']['guard'] = {
  maxRemovals: null,
  windowMs: 600_000,
  release: 'operator',
};

export const settingsOf = (host: HostSettings, guard = DEFAULT_GUARD): PassSettings => ({
  host,
  guard,
  knownPortRetentionMs: RETENTION_MS,
});

/** One pass of the real agent on this kernel, with this answer, or (null) from memory alone. */
export function runOnce(
  kernel: Kernel,
  host: HostSettings,
  answer: Answer | null,
  words: PassWords = {},
): PassResult {
  const { memory = EMPTY_MEMORY, nowMs = TEST_NOW_MS, madeSince = [] } = words;
  const view = viewOf(kernel.observe(), host, words.seen ?? null);
  const presentBefore = presentWhenAsked(view, memory, nowMs);
  for (const link of view.observed.links.values()) {
    if (madeSince.includes(link.name)) presentBefore.delete(link.index);
  }
  return runPass(kernel, clockAt(nowMs), {
    pass: 'test',
    trigger: 'poll',
    settings: settingsOf(host, words.guard),
    memory,
    fresh:
      answer === null
        ? null
        : { answer, asked: view.observed, presentBefore, wentBack: words.wentBack ?? null },
    accepted: words.accepted ?? 'remembered',
    ahead:
      words.apply === false
        ? null
        : { begin: () => {}, keepGuard: words.kept ?? (() => {}), forgets: () => null },
    seen: view,
  });
}
