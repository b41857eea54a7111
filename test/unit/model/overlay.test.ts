import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHANGES_MAX, changedKeys, withChanges } from '../../../src/model/overlay.js';

type Change = readonly [key: number, value: string | undefined];

const KEYS_MAX = 2 * CHANGES_MAX;
const change = fc.tuple(fc.integer({ min: 0, max: KEYS_MAX }), fc.option(fc.string(), { nil: undefined }));
/** Steps of several changes each; together more than an overlay holds, so that some are copied. */
const steps = fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 40 });
const first = fc.array(fc.tuple(fc.integer({ min: 0, max: KEYS_MAX }), fc.string()), { maxLength: KEYS_MAX });

function applied(map: ReadonlyMap<number, string>, changes: readonly Change[]): Map<number, string> {
  const next = new Map(map);
  for (const [key, value] of changes) {
    if (value === undefined) next.delete(key);
    else next.set(key, value);
  }
  return next;
}

const sorted = (entries: Iterable<readonly [number, string]>) => [...entries].sort(([a], [b]) => a - b);

test('a map with changes is what a changed copy of the map would be, in each of its questions', () => {
  fc.assert(
    fc.property(first, steps, (entries, all) => {
      let plain = new Map(entries);
      let now: ReadonlyMap<number, string> = plain;
      for (const changes of all) {
        plain = applied(plain, changes);
        now = withChanges(now, changes);
        assert.deepEqual(sorted(now), sorted(plain));
        assert.equal(now.size, plain.size);
        assert.deepEqual(new Set(now.keys()), new Set(plain.keys()));
        assert.deepEqual([...now.values()].sort(), [...plain.values()].sort());
        for (let key = 0; key <= KEYS_MAX; key += 1) {
          assert.equal(now.get(key), plain.get(key));
          assert.equal(now.has(key), plain.has(key));
        }
      }
    }),
  );
});

test('the map that changes are made to stays as it was', () => {
  fc.assert(
    fc.property(first, steps, (entries, all) => {
      let now: ReadonlyMap<number, string> = new Map(entries);
      for (const changes of all) {
        const before = sorted(now);
        const next = withChanges(now, changes);
        assert.deepEqual(sorted(now), before);
        now = next;
      }
    }),
  );
});

test('the changed keys are those whose values differ, however far the two maps are apart', () => {
  fc.assert(
    fc.property(first, steps, fc.nat(), (entries, all, pick) => {
      const maps: ReadonlyMap<number, string>[] = [new Map(entries)];
      for (const changes of all) maps.push(withChanges(maps.at(-1) ?? new Map(), changes));
      const [before, now] = [maps[pick % maps.length], maps.at(-1)];
      assert.ok(before !== undefined && now !== undefined);
      const differing = Array.from({ length: KEYS_MAX + 1 }, (_, key) => key).filter(
        (key) => before.get(key) !== now.get(key),
      );
      assert.deepEqual([...changedKeys(before, now)].sort(), differing.sort());
    }),
  );
});

test('without a change the map stays the same one', () => {
  const map = new Map([[1, 'a']]);
  assert.equal(withChanges(map, []), map);
});

test('what was there keeps its place, and what is new comes last, also after a copy', () => {
  let map: ReadonlyMap<number, string> = new Map([
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
  ]);
  for (let key = CHANGES_MAX + 10; key > 3; key -= 1)
    map = withChanges(map, [
      [key, 'new'],
      [2, `${key}`],
    ]);
  const grown = Array.from({ length: CHANGES_MAX + 7 }, (_, at) => CHANGES_MAX + 10 - at);
  assert.deepEqual([...map.keys()], [1, 2, 3, ...grown]);
  assert.deepEqual([...map], [...new Map(map)]);
});
