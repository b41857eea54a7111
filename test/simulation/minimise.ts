import type { Bug } from './bugs.js';
import type { Happening } from './script.js';
import { type Run, simulate } from './simulate.js';

/** More runs are not worth the wait. */
const RUNS_MAX = 400;

/**
 * Leaves out of a failing run whatever it fails without, in ever smaller pieces. Every happening has a seed of its own,
 * so the others stay what they are. Gives the happenings that are left; the same fault is still found with them.
 */
export async function minimise(run: Run, bug?: Bug): Promise<readonly Happening[]> {
  const wanted = kindOf(run.fault);
  let script = run.script;
  let runs = 0;
  const fails = async (attempt: readonly Happening[]): Promise<boolean> => {
    runs += 1;
    const { fault } = await simulate(run.seed, { script: attempt, ...(bug === undefined ? {} : { bug }) });
    return fault !== null && kindOf(fault) === wanted;
  };
  for (let size = Math.ceil(script.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < script.length && runs < RUNS_MAX; ) {
      const attempt = [...script.slice(0, at), ...script.slice(at + size)];
      if (await fails(attempt)) script = attempt;
      else at += size;
    }
  }
  return script;
}

/** The fault without the names in it. */
const kindOf = (fault: string | null): string => (fault ?? '').replace(/[a-z-]*[0-9][\w.-]*/g, '…');
