import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TUNNEL_BUGS } from './bugs.js';
import { simulateTunnels } from './simulate.js';

const SEEDS = 60;
const BUG_SEEDS_MAX = 200;

test(`three hosts with tunnels keep the contract, whatever happens to them and to the rows (seeds 1 to ${SEEDS})`, () => {
  const seen = { passes: 0, operations: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { fault, passes, operations } = simulateTunnels(seed);
    assert.equal(fault, null, `seed ${seed}`);
    seen.passes += passes;
    seen.operations += operations;
  }
  assert.ok(seen.passes > 150 * SEEDS && seen.operations > 50 * SEEDS, JSON.stringify(seen));
});

for (const bug of TUNNEL_BUGS) {
  test(`the simulation of tunnels finds the planted bug "${bug.name}"`, (t) => {
    for (let seed = 1; seed <= BUG_SEEDS_MAX; seed++) {
      const { fault } = simulateTunnels(seed, bug);
      if (fault === null) continue;
      assert.equal(simulateTunnels(seed).fault, null, 'the same seed without the bug is without a fault');
      t.diagnostic(`seed ${seed}: ${fault}`);
      return;
    }
    assert.fail(`no seed up to ${BUG_SEEDS_MAX} finds it`);
  });
}
