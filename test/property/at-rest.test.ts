import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildLinks } from '../support/simulated/host-builder.js';
import { simulateKernel } from '../support/simulated/kernel.js';
import { runOnce } from '../support/simulated/pass-runner.js';
import { buildAnswer } from '../support/simulated/row-builder.js';
import { arbitraryAnswer } from './arbitrary-answer.js';
import { arbitraryHost } from './arbitrary-host.js';
import { HOST, parametersOf } from './parameters.js';

/*
 * A steady poll decides nothing: the pass that it leaves out must be one that would have come to nothing.
 * FAST_CHECK_SEED and FAST_CHECK_PATH as in reconcile.test.ts.
 */
const PARAMETERS = parametersOf(2000);

test('a pass after one that has left nothing to do has with the same answer nothing to do, and changes nothing in memory', () => {
  let atRest = 0;
  fc.assert(
    fc.property(arbitraryAnswer, arbitraryHost, (rows, words) => {
      const kernel = simulateKernel(buildLinks(words));
      const answer = buildAnswer(rows);
      const first = runOnce(kernel, HOST, answer, { accepted: 'all' });
      const { rest } = runOnce(kernel, HOST, answer, { memory: first.memory, accepted: 'all' });
      if (rest === null) return;
      atRest += 1;
      const { report, memory } = runOnce(kernel, HOST, rest.answer, { memory: rest.memory });
      assert.deepEqual(report.operations, []);
      assert.deepEqual(memory, { ...rest.memory, firstSeenMs: memory.firstSeenMs });
    }),
    PARAMETERS,
  );
  assert.ok(atRest > PARAMETERS.numRuns / 4, `only ${atRest} passes have left nothing to do`);
});
