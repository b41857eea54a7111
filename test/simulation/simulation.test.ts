import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportOf } from './report.js';
import { type RunOptions, simulate } from './simulate.js';
import { makeTrace } from './trace.js';

const SEEDS = 300;

test(`whatever happens to database, host and agent, the contract holds (seeds 1 to ${SEEDS})`, async () => {
  const seen = { operations: 0, passes: 0, starts: 0 };
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const run = await simulate(seed);
    if (run.fault !== null) assert.fail(await reportOf(run));
    for (const count of ['operations', 'passes', 'starts'] as const) seen[count] += run.counts[count];
  }
  // A simulation in which nothing happens finds nothing either.
  assert.ok(
    seen.operations > 20 * SEEDS && seen.passes > 20 * SEEDS && seen.starts > 2 * SEEDS,
    JSON.stringify(seen),
  );
});

for (const [what, seed] of [
  ['a port whose host is gone does not hide another of its prefix that is bound here', 1_000_524],
  ['what is accepted while another removal is still held is not yet the trust of the server', 1_001_471],
] as const)
  test(`${what} (seed ${seed})`, async () => {
    const run = await simulate(seed);
    if (run.fault !== null) assert.fail(await reportOf(run));
  });

test('a seed replays exactly', async () => {
  const linesOf = async (seed: number): Promise<readonly string[]> => {
    const trace = makeTrace();
    const options: RunOptions = { trace };
    await simulate(seed, options);
    return trace.lines();
  };
  for (const seed of [11, 62, 284]) assert.deepEqual(await linesOf(seed), await linesOf(seed));
});
