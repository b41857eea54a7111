import type { Answer, Clock, Database, Kernel, Question, Settings } from '../model/index.js';
import { EMPTY_MEMORY } from '../reconcile/memory.js';
import { presentWhenAsked, questionFor } from '../reconcile/question.js';
import { type View, viewOf } from '../reconcile/view.js';
import { type PassResult, runPass } from './pass.js';

/** The host, what the database says of it, and what a pass would do. */
export interface Inspection extends Pick<PassResult, 'report' | 'desired'> {
  readonly view: View;
  readonly answer: Answer;
}

/**
 * Looks at everything once and changes nothing: the rows of what is here, and of what `about` asks for besides. libvirt's
 * time to plug a tap counts as over. Throws DatabaseError and KernelError.
 */
export async function inspect(
  { kernel, database, clock }: { kernel: Kernel; database: Database; clock: Clock },
  settings: Settings,
  about: Question = { taps: [], bridges: [] },
): Promise<Inspection> {
  const view = viewOf(kernel.observe(), settings.host);
  const nowMs = clock.monotonicMs();
  const { taps, bridges } = questionFor(view, EMPTY_MEMORY, nowMs);
  const answer = await database.read({
    taps: [...taps, ...about.taps],
    bridges: [...bridges, ...about.bridges],
  });
  const { report, desired } = runPass(kernel, clock, {
    pass: `${process.pid}-1`,
    trigger: 'command',
    settings: { ...settings, host: { ...settings.host, plugGraceMs: 0 } },
    memory: EMPTY_MEMORY,
    fresh: { answer, presentBefore: presentWhenAsked(view, EMPTY_MEMORY, nowMs), wentBack: null },
    accepted: 'remembered',
    keepGuard: () => {},
    apply: false,
  });
  return { view, answer, report, desired };
}
