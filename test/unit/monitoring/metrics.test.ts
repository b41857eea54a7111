import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OPERATION_KINDS, WARNINGS } from '../../../src/model/index.js';
import { expositionAfter, FRESH, REPORT, STATUS } from '../../support/words/exposition.js';

const GOLDEN = readFileSync(new URL('./exposition.prom', import.meta.url), 'utf8');

/** `name{labels}` of every sample, and its value. */
const samples = (text: string): Map<string, string> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, string] => [
        line.slice(0, line.lastIndexOf(' ')),
        line.slice(line.lastIndexOf(' ') + 1),
      ]),
  );

test('the exposition after an outage and a pass is the one that is kept beside this test', async () => {
  const text = await expositionAfter(STATUS, (tell) => {
    tell({ kind: 'database-lost', error: 'down', errorKind: 'unreachable' });
    tell({ kind: 'database-back', downMs: 1, tries: 1 });
    tell({ kind: 'pass', report: REPORT });
  });
  assert.equal(text, GOLDEN);
});

test('every series is there from the start: nothing that happens adds one', async () => {
  const fresh = samples(await expositionAfter(FRESH, () => {}));
  assert.deepEqual([...fresh.keys()], [...samples(GOLDEN).keys()]);
});

test('a fresh agent shows 0 everywhere but in its build information', async () => {
  const fresh = samples(await expositionAfter(FRESH, () => {}));
  const others = [...fresh].filter(([name, value]) => value !== '0' && !name.includes('build_info'));
  assert.deepEqual(others, []);
});

test('labels are the kinds, states and codes of the program, and nothing else', async () => {
  const names = [...samples(GOLDEN).keys()];
  for (const op of OPERATION_KINDS)
    assert.ok(names.includes(`quantum_linuxbridge_operations_total{operation="${op}"}`), op);
  for (const code of Object.keys(WARNINGS))
    assert.ok(names.includes(`quantum_linuxbridge_warnings{code="${code}"}`), code);
  assert.doesNotMatch(GOLDEN, /[0-9a-f]{8}-[0-9a-f]{2}/);
});

test('an outage counts each poll that failed', async () => {
  const text = await expositionAfter(FRESH, (tell) => {
    tell({ kind: 'database-lost', error: 'down', errorKind: 'unreachable' });
    tell({ kind: 'database-retry', error: 'down', tries: 2 });
  });
  assert.equal(samples(text).get('quantum_linuxbridge_poll_failures_total'), '2');
});
