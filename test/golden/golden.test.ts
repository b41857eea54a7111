import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { expectedOf, runCase } from './case.js';

/**
 * Every folder here is a case: `rows.json` (what the database says, with `why`), `links.json` (the host
 * before), `plan.json` (what one pass does, and the host after). To add one, write the first two, run
 *
 *     UPDATE_GOLDEN=1 node --import tsx --test test/golden/golden.test.ts
 *
 * and read the `plan.json` that appears against the contract before it is committed. An existing one is
 * written again in the same way, and `git diff` shows what has changed.
 */
const folder = import.meta.dirname;
const isUpdate = process.env.UPDATE_GOLDEN === '1';
if (isUpdate && process.env.CI === 'true') {
  throw new Error('UPDATE_GOLDEN is set under CI: expected plans are written by hand-reviewed runs only.');
}

const cases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());

for (const { name } of cases) {
  test(name.replaceAll('-', ' '), () => {
    const path = join(folder, name);
    const { secondPlan, ...result } = runCase(path);
    if (isUpdate) writeFileSync(join(path, 'plan.json'), `${JSON.stringify(result, null, 2)}\n`);
    assert.deepEqual(result, expectedOf(path));
    const leftOver =
      result.failed.length > 0 ? 'something failed, so that it is tried again' : 'nothing is left';
    if (result.failed.length === 0) assert.deepEqual(secondPlan, [], leftOver);
  });
}

test('there are cases', () => assert.ok(cases.length > 0));
