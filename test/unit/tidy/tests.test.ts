import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LONG_SUITES, SUITES } from '../../runner/suites.js';
import { assertNone, projectFiles, typescriptFiles } from './repository.js';
import { parse } from './syntax.js';
import { orphanTestFindings, testMarkFindings } from './test-rules.js';

const findings = (text: string): string[] =>
  parse(new Map([['test/unit/a.test.ts', text]])).flatMap(testMarkFindings);
const suites = [...SUITES, ...LONG_SUITES].map((suite) => suite.name);

for (const mark of ['skip', 'only', 'todo']) {
  for (const text of [
    `test.${mark}('x', () => {});`,
    `describe.${mark}('x', () => {});`,
    `test('x', { ${mark}: true }, () => {});`,
    `test('x', (t) => t.${mark}('later'));`,
    `it('x', { timeout: 5, ${mark}: why }, () => {});`,
  ]) {
    test(`the rule finds ${text}`, () => {
      const found = findings(text);
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0] ?? '', new RegExp(`marks a test ${mark}`));
    });
  }
}

test('the rule allows other members and options of the same names', () => {
  assert.deepEqual(findings("reader.skip(4); test('x', { timeout: 5 }, () => read({ skip: 4 }));"), []);
});

test('a test file outside every suite is found', () => {
  assert.deepEqual(
    orphanTestFindings(['test/unit/deep/a.test.ts', 'test/kernel/a.test.ts', 'test/support/a.ts'], suites),
    [],
  );
  assert.equal(orphanTestFindings(['test/support/a.test.ts'], suites).length, 1);
  assert.equal(orphanTestFindings(['src/a.test.ts'], suites).length, 1);
});

test('no test is marked so that it does not run', () => {
  assertNone(parse(typescriptFiles(projectFiles())).flatMap(testMarkFindings));
});

test('every test file is in a suite', () => {
  assertNone(orphanTestFindings([...projectFiles().keys()], suites));
});
