import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FLOOD_MAC, floodEntry } from '../../src/model/index.js';
import { NO_PAIR_MEMORY } from '../../src/reconcile/forwarding/guard-pairs.js';
import { TEST_HOST } from '../support/simulated/host-builder.js';
import {
  carryOutAll,
  DEVICE,
  floodsTo,
  inPlace,
  LOCAL,
  NETWORK,
  segmentOf,
  type TunnelRows,
  tunnelPass,
} from '../support/simulated/tunnel-scene.js';

/*
 * Tunnels over many passes: hosts come, go and are renumbered in the rows, ends are nonsense, somebody else writes entries.
 * FAST_CHECK_SEED and FAST_CHECK_PATH as in reconcile.test.ts.
 */
const PARAMETERS = {
  seed: Number(process.env.FAST_CHECK_SEED ?? 20_130_404),
  numRuns: Number(process.env.FAST_CHECK_RUNS ?? 1000),
  ...(process.env.FAST_CHECK_PATH === undefined ? {} : { path: process.env.FAST_CHECK_PATH }),
};

const HOSTS = [TEST_HOST, 'node-2', 'node-3', 'node-4', 'node-5', 'node-6', 'node-7'];
const ENDS = ['192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.5', '192.0.2.6', '192.0.2.7'];
const NONSENSE = [
  LOCAL,
  '0.0.0.0',
  '127.0.0.1',
  '239.1.1.1',
  '255.255.255.255',
  '2001:db8::2',
  '::',
  'no row',
];

const arbitraryRows: fc.Arbitrary<TunnelRows> = fc.record({
  hosts: fc.oneof(
    { arbitrary: fc.subarray(HOSTS).map((hosts) => ({ [segmentOf(NETWORK)]: hosts })), weight: 9 },
    { arbitrary: fc.constant({}), weight: 1 },
  ),
  ends: fc
    .array(fc.constantFrom(...ENDS, ...NONSENSE), { minLength: 6, maxLength: 6 })
    .map((ends) => Object.fromEntries(ends.map((end, at) => [HOSTS[at + 1] ?? '', end]))),
});

const arbitraryPass = fc.record({
  rows: arbitraryRows,
  repeats: fc.integer({ min: 1, max: 4 }),
  afterMs: fc.constantFrom(1_000, 30_000, 90_000),
  basis: fc.constantFrom('answer', 'answer', 'memory' as const),
  doubt: fc.option(fc.constant('the server is read-only')),
  written: fc.array(fc.constantFrom(...ENDS, LOCAL), { maxLength: 2 }),
});

test('whatever the rows say: no frame to oneself or to nonsense, nobody lost whom the answer names, and the same again asks for nothing', () => {
  fc.assert(
    fc.property(fc.array(arbitraryPass, { maxLength: 12 }), (steps) => {
      const host = inPlace([]);
      const device = host.named(DEVICE)?.index;
      assert.ok(device);
      let memory = NO_PAIR_MEMORY;
      let nowMs = 0;
      for (const { rows, repeats, afterMs, basis, doubt, written } of steps) {
        const meddled = new Map([...floodsTo(host), ...written].map((end) => [end, floodEntry(end)]));
        host.entries.set(device, [...meddled.values()]);
        for (let again = 0; again < repeats; again++) {
          nowMs += afterMs;
          const before = floodsTo(host);
          const { operations, memory: next, held } = tunnelPass(host, rows, { memory, nowMs, basis, doubt });
          assert.equal(carryOutAll(host, operations), null);
          const after = floodsTo(host);
          check({ rows, before, after, basis, doubt, held: held.size });
          assert.ok((host.entries.get(device) ?? []).every(({ mac }) => mac === FLOOD_MAC));
          const settled = tunnelPass(host, rows, { memory: next, nowMs, basis: 'memory', doubt });
          assert.deepEqual(settled.operations, []);
          memory = next;
        }
      }
    }),
    PARAMETERS,
  );
});

interface Checked {
  readonly rows: TunnelRows;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly basis: 'answer' | 'memory';
  readonly doubt: string | null;
  readonly held: number;
}

function check({ rows, before, after, basis, doubt, held }: Checked): void {
  const listed = rows.hosts[segmentOf(NETWORK)];
  const wanted = (listed ?? []).map((one) => rows.ends[one] ?? '').filter((end) => ENDS.includes(end));
  const gone = before.filter((end) => !after.includes(end));
  const added = after.filter((end) => !before.includes(end));
  assert.ok(
    added.every((end) => wanted.includes(end)),
    `added ${added} without a cause`,
  );
  assert.ok(
    wanted.every((end) => after.includes(end)),
    `${wanted} are wanted, ${after} are there`,
  );
  assert.ok(
    gone.every((end) => !wanted.includes(end)),
    `${gone} went and are wanted`,
  );
  const others = gone.filter((end) => end !== LOCAL);
  if (basis === 'memory' || doubt !== null || listed === undefined) assert.deepEqual(others, []);
  assert.ok(
    others.length <= Math.max(1, Math.floor(before.length * 0.2)),
    `${others} of ${before} went at once`,
  );
  if (basis === 'answer') assert.ok(!after.includes(LOCAL), 'it floods to itself');
  assert.ok(held <= before.length);
}
