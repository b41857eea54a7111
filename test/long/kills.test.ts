import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { killStarts, randomOf } from '../fault/kills.js';
import { ENGINES } from '../support/databases/engines.js';
import { withDatabase } from '../support/host/host.js';

const KILLS_EACH = 100;

describe('an agent that is killed while it starts on a host with a hundred taps', () => {
  for (const { name, start } of ENGINES) {
    describe(`with ${name}`, () => {
      withDatabase(start, 'folsom', (database) => {
        test(`leaves a host that the next pass finishes, at ${KILLS_EACH} random moments`, async (t) => {
          const seed = Date.now() % 1_000_000;
          t.diagnostic(`seed ${seed}`);
          const wired = await killStarts(t, database(), KILLS_EACH, randomOf(seed));
          t.diagnostic(`taps wired when it was killed: ${wired.join(' ')}`);
          assert.ok(
            wired.some((taps) => taps > 0 && taps < 100),
            'some kills hit the work itself',
          );
        });
      });
    });
  }
});
