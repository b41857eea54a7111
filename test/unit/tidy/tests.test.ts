import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LONG_SUITES, SUITES } from '../../runner/suites.js';
import { assertNone, projectFiles } from './repository.js';
import { orphanTestFindings } from './test-rules.js';

const suites = [...SUITES, ...LONG_SUITES].map((suite) => suite.name);

test('a test file outside every suite is found', () => {
  assert.deepEqual(
    orphanTestFindings(['test/unit/deep/a.test.ts', 'test/kernel/a.test.ts', 'test/support/a.ts'], suites),
    [],
  );
  assert.equal(orphanTestFindings(['test/support/a.test.ts'], suites).length, 1);
  assert.equal(orphanTestFindings(['src/a.test.ts'], suites).length, 1);
});

test('every test file is in a suite', () => {
  assertNone(orphanTestFindings([...projectFiles().keys()], suites));
});
