import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { withDatabase } from '../support/host/host.js';
import { killStarts, randomOf } from './kills.js';

const SEED = 4711;

describe('an agent that is killed while it starts on a host with a hundred taps', () => {
  withDatabase(startPostgres, 'folsom', (database) => {
    test('leaves a host that the next pass finishes, at 20 random moments', async (t) => {
      const wired = await killStarts(t, database(), 20, randomOf(SEED));
      t.diagnostic(`taps wired when it was killed: ${wired.join(' ')}`);
      assert.ok(new Set(wired).size > 1, 'the kills hit different moments');
    });
  });
});
