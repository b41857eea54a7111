import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GUARD, guardStateOf, recallGuard } from '../../src/agent/state-dir/keep-guard.js';
import {
  type GuardSettings,
  type IfIndex,
  ifIndex,
  linkName,
  type StoreReader,
} from '../../src/model/index.js';
import type { Removal } from '../../src/reconcile/decide/desired.js';
import { judge } from '../../src/reconcile/guard/guard.js';
import { EMPTY_GUARD, type GuardMemory } from '../../src/reconcile/guard/guard-memory.js';
import { parametersOf } from './parameters.js';

/*
 * The guard over many polls: rows vanish and come back in any order, whatever is let go loses its wire, a row that is back
 * gets its wire back, and agents start again in between. FAST_CHECK_SEED and FAST_CHECK_PATH as in reconcile.test.ts.
 */
const PARAMETERS = parametersOf(1000);

const SETTINGS: GuardSettings = { maxRemovals: null, windowMs: 600_000, release: 'operator' };

/** One poll: the taps whose rows are there or not from now on, how long after the poll before, and whether an agent starts. */
const arbitraryPoll = fc.record({
  toggled: fc.uniqueArray(fc.nat(39), { maxLength: 12 }),
  afterMs: fc.oneof(fc.constantFrom(1_000, 2_000, 30_000), fc.nat(700_000)),
  restarts: fc.boolean(),
});

const removalOf = (tap: IfIndex): Removal => ({
  key: `detach tap${tap} ${tap}`,
  taps: [tap],
  leaves: [tap],
  cause: 'row-missing',
  device: linkName(`tap${tap}`),
  text: `take tap${tap} out`,
});

/** What the next agent reads of what this one has written. */
function restarted(memory: GuardMemory, nowMs: number): GuardMemory {
  const text = JSON.stringify(guardStateOf(memory));
  const store: StoreReader = {
    read: (kind) => {
      const checked = kind.check(JSON.parse(text));
      assert.ok(checked.ok, `${GUARD.name} as it was written is understood`);
      return { kind: 'kept', value: checked.value, ageMs: 0, isOfThisBoot: true };
    },
  };
  return recallGuard(store, nowMs);
}

test('whatever the order in which rows vanish, no more than the free share of the wires is gone in any window', () => {
  let losses = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(arbitraryPoll, { minLength: 1, maxLength: 40 }),
      (size, polls) => {
        const taps = Array.from({ length: size }, (_, at) => ifIndex(at));
        const missing = new Set<IfIndex>();
        const wired = new Set(taps);
        const lost = new Map<IfIndex, number>();
        let memory = EMPTY_GUARD;
        let nowMs = 0;
        for (const { toggled, afterMs, restarts } of polls) {
          nowMs += afterMs;
          for (const at of toggled) {
            const tap = taps[at];
            if (tap !== undefined && !missing.delete(tap)) missing.add(tap);
          }
          for (const tap of taps) if (!missing.has(tap)) wired.add(tap);
          if (restarts) memory = restarted(memory, nowMs);
          const removals = [...wired].filter((tap) => missing.has(tap)).map(removalOf);
          const verdict = judge(SETTINGS, {
            removals,
            wiredTaps: wired.size,
            isHere: () => true,
            emptyTables: [],
            suspect: null,
            accepted: new Set(),
            memory,
            nowMs,
          });
          for (const { key, taps: cut } of removals) {
            if (verdict.held.has(key)) continue;
            for (const tap of cut) {
              wired.delete(tap);
              lost.set(tap, nowMs);
              losses += 1;
            }
          }
          for (const [key] of memory.held)
            if (removals.some((one) => one.key === key))
              assert.ok(verdict.held.has(key), `${key} is held on`);
          const inWindow = [...lost.values()].filter((atMs) => nowMs - atMs < SETTINGS.windowMs);
          assert.ok(inWindow.length <= Math.max(1, Math.floor(size / 5)), `${inWindow.length} of ${size}`);
          memory = verdict.memory;
        }
      },
    ),
    PARAMETERS,
  );
  assert.ok(losses > PARAMETERS.numRuns, 'a guard that lets nothing go proves nothing');
});
