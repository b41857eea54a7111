import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOf, readTally, type TestEnd } from '../../runner/outcomes.js';
import type { Ended } from '../../runner/process.js';
import { type Result, skipIsFailure, summary } from '../../runner/result.js';
import { judge } from '../../runner/suite-run.js';

const written = (passed: number, failed: number, skipped = 0): string =>
  [
    ...Array(passed).fill('passed'),
    ...Array(failed).fill('failed'),
    ...Array(skipped).fill('skipped'),
    'end\n',
  ].join('\n');
const ended = (changes: Partial<Ended> = {}): Ended => ({
  code: 0,
  trouble: null,
  leftBehind: [],
  seconds: 1,
  ...changes,
});
const result = (changes: Partial<Result>): Result => ({
  label: 'unit',
  passed: 0,
  failed: 0,
  skipped: 0,
  reason: '',
  seconds: 0,
  ...changes,
});

test('a test is counted by how it ended, one that did not run as skipped, and a group not at all', () => {
  const how = (type: 'test:pass' | 'test:fail', more: Partial<TestEnd> = {}) =>
    outcomeOf({ type, isSuite: false, skip: undefined, todo: undefined, ...more });
  assert.deepEqual(
    [
      how('test:pass'),
      how('test:fail'),
      how('test:pass', { isSuite: true }),
      how('test:fail', { isSuite: true }),
    ],
    ['passed', 'failed', null, null],
  );
  assert.deepEqual(
    [
      how('test:pass', { skip: 'needs root' }),
      how('test:fail', { todo: true }),
      how('test:pass', { skip: false }),
    ],
    ['skipped', 'skipped', 'passed'],
  );
});

test('the words of a run are counted', () => {
  assert.deepEqual(readTally(written(3, 1, 2)), { passed: 3, failed: 1, skipped: 2 });
});

test('a run that was cut short has no tally', () => {
  assert.equal(readTally('passed\npassed\n'), null);
});

test('a suite whose tests all passed has nothing to explain', () => {
  const judged = judge('unit', ended(), written(3, 0));
  assert.deepEqual([judged.passed, judged.failed, judged.reason], [3, 0, '']);
});

test('a failing test is counted once', () => {
  assert.equal(judge('unit', ended({ code: 1 }), written(3, 1)).failed, 1);
});

for (const [trouble, changes, text] of [
  ['ended after 60 s without progress', { code: null, trouble: 'ended after 60 s without progress' }, ''],
  ['left processes behind: 7 sleep', { leftBehind: ['7 sleep'] }, written(3, 0)],
  ['ended without a result', {}, ''],
  ['no test ran', {}, written(0, 0)],
  ['exit code 7', { code: 7 }, written(3, 0)],
] as const) {
  test(`a suite that ${trouble} is a failure with that reason`, () => {
    const judged = judge('unit', ended(changes), text);
    assert.equal(judged.failed, 1);
    assert.match(judged.reason, new RegExp(trouble));
  });
}

test('where everything must run a skip is a failure that keeps its reason', () => {
  const strict = skipIsFailure(result({ skipped: 4, failed: 1, reason: 'needs nft' }));
  assert.deepEqual([strict.failed, strict.skipped, strict.reason], [5, 0, 'needs nft']);
});

test('the last line of the summary holds the totals and nothing else', () => {
  const text = summary([
    result({ passed: 3 }),
    result({ label: 'kernel', failed: 1, skipped: 2, reason: 'needs nft' }),
  ]);
  assert.match(text, /^kernel {2,}0 {2,}1 {2,}2 {2,}0\.0 {2,}needs nft$/m);
  assert.equal(text.split('\n').at(-1), '3 passed, 1 failed, 2 skipped');
});
