import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUGS, type Bug } from './bugs.js';
import { type Run, simulate } from './simulate.js';

const SEEDS_MAX = 1_000;

/** The first run that finds the bug; null: none does. */
async function find(bug: Bug): Promise<Run | null> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const run = await simulate(seed, { bug });
    if (run.fault !== null) return run;
  }
  return null;
}

for (const bug of BUGS) {
  test(`the simulation finds the planted bug "${bug.name}" within ${SEEDS_MAX} seeds`, async (context) => {
    const run = await find(bug);
    assert.ok(run !== null, `no seed up to ${SEEDS_MAX} finds it`);
    assert.doesNotMatch(run.fault ?? '', /crashed/, 'it is found by what it does, not by an error');
    const sound = await simulate(run.seed);
    assert.equal(sound.fault, null, 'the same seed without the bug is without a fault');
    context.diagnostic(`seed ${run.seed}: ${run.fault}`);
  });
}
