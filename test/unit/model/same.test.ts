import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { isSame } from '../../../src/model/same.js';

/** What links and rows are made of. */
const { plain } = fc.letrec((tie) => ({
  plain: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('', 'a', 'b'),
    fc.integer({ min: 0, max: 2 }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('plain'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('x', 'y'), tie('plain'), { maxKeys: 2, noNullPrototype: true }),
  ),
}));

test('plain values are the same when Node finds them deeply equal', () => {
  fc.assert(
    fc.property(plain, plain, (a, b) => {
      assert.equal(isSame(a, b), isDeepStrictEqual(a, b));
    }),
    { numRuns: 5_000, seed: 20121116 },
  );
});

test('a copy is the same, down to its last value', () => {
  fc.assert(
    fc.property(plain, (value) => {
      assert.equal(isSame(value, structuredClone(value)), true);
    }),
    { seed: 20121116 },
  );
});
