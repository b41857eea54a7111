import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alerts,
  judge,
  type Measure,
  parseRange,
  parseThresholds,
  perfdata,
} from '../../../src/monitoring/nagios.js';

/** The examples of the guidelines for plugins: range, values that alert, values that do not. */
const RANGES: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ['10', [-0.1, 10.1], [0, 5, 10]],
  ['10:', [9.9, -1], [10, 1e9]],
  ['~:10', [10.1], [-1e9, 0, 10]],
  ['10:20', [9, 21], [10, 15, 20]],
  ['@10:20', [10, 15, 20], [9, 21]],
  ['0', [0.1, -1], [0]],
  ['@0:0', [0], [1, -1]],
  ['-5:-1', [-6, 0], [-5, -1]],
];

for (const [text, bad, good] of RANGES) {
  test(`the range ${text} alerts about ${bad.join(', ')} and not about ${good.join(', ')}`, () => {
    const range = parseRange(text);
    assert.ok(range !== null);
    for (const value of bad) assert.equal(alerts(range, value), true, String(value));
    for (const value of good) assert.equal(alerts(range, value), false, String(value));
  });
}

for (const text of ['', ':', '@', 'ten', '20:10', '1:2:3', '~', '10%', '--1', '1e3']) {
  test(`${JSON.stringify(text)} is no range`, () => assert.equal(parseRange(text), null));
}

const MEASURES: readonly Measure[] = [
  { name: 'age', value: 70.26, unit: 's', text: 'too old' },
  { name: 'held', value: 2, unit: '', text: '2 held' },
];
const ranges = (text: string) => {
  const parsed = parseThresholds(text, ['age', 'held']);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.wrong);
  return parsed.ranges;
};

test('critical wins over warning, and every problem is told once, the worst first', () => {
  assert.deepEqual(judge(MEASURES, ranges('age=60,held=0'), ranges('held=1')), {
    state: 'CRITICAL',
    problems: ['2 held', 'too old'],
  });
  assert.deepEqual(judge(MEASURES, ranges('age=60'), ranges('age=300')), {
    state: 'WARNING',
    problems: ['too old'],
  });
  assert.deepEqual(judge(MEASURES, ranges('age=100'), ranges('held=5')), { state: 'OK', problems: [] });
});

test('performance data have value, unit, both ranges and the minimum', () => {
  assert.equal(
    perfdata(MEASURES, ranges('60,held=~:0'), ranges('age=@300:')),
    'age=70.3s;60;@300:;0 held=2;~:0;;0',
  );
});

test('a bare range is for the first name, and an unknown name or a wrong range is refused with a reason', () => {
  assert.deepEqual([...ranges('5')], [['age', parseRange('5')]]);
  for (const text of ['speed=5', 'held=', 'held=x', 'age=1,,']) {
    assert.equal(parseThresholds(text, ['age', 'held']).ok, false, text);
  }
});
