import type { Bug } from './bugs.js';
import { minimise } from './minimise.js';
import { type Run, simulate } from './simulate.js';
import { makeTrace } from './trace.js';

/** How to see the fault of a run again, and the shortest way that leads to it. */
export async function reportOf(run: Run, bug?: Bug): Promise<string> {
  const script = await minimise(run, bug);
  const trace = makeTrace();
  const again = await simulate(run.seed, { script, trace, ...(bug === undefined ? {} : { bug }) });
  return [
    `seed ${run.seed}: ${run.fault}`,
    `replay: npm run simulate -- --seed ${run.seed}${bug === undefined ? '' : ` --bug '${bug.name}'`}`,
    `${script.length} of ${run.script.length} happenings are enough:`,
    ...trace.lines(),
    `=> ${again.fault}`,
  ].join('\n');
}
