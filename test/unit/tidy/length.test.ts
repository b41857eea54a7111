import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILE_LINES_MAX, FUNCTION_LINES_MAX, lengthFindings } from './length-rules.js';
import { assertNone, projectFiles, typescriptFiles } from './repository.js';
import { parse } from './syntax.js';

const findings = (text: string): string[] =>
  parse(new Map([['src/sample.ts', text]])).flatMap(lengthFindings);
const lines = (count: number): string => 'void 0;\n'.repeat(count);

test('a file of the greatest length passes, one line more is found', () => {
  assert.deepEqual(findings(lines(FILE_LINES_MAX)), []);
  assert.deepEqual(findings(lines(FILE_LINES_MAX + 1)), [
    `src/sample.ts has ${FILE_LINES_MAX + 1} lines, ${FILE_LINES_MAX} at most: split it by subject.`,
  ]);
});

for (const [kind, open, close] of [
  ['function', 'function f() {\n', '}'],
  ['arrow function', 'const f = () => {\n', '};'],
  ['function expression', 'const f = function () {\n', '};'],
  ['method', 'const o = { f() {\n', '} };'],
  ['constructor', 'class C { constructor() {\n', '} }'],
] as const) {
  test(`a ${kind} of the greatest length passes, one line more is found`, () => {
    assert.deepEqual(findings(`${open}${lines(FUNCTION_LINES_MAX - 2)}${close}`), []);
    const found = findings(`// Why.\n${open}${lines(FUNCTION_LINES_MAX - 1)}${close}`);
    assert.equal(found.length, 1);
    assert.match(found[0] ?? '', /^src\/sample\.ts:2 is a function of 71 lines/);
  });
}

test('the callback of describe may be longer, the tests in it may not', () => {
  assert.deepEqual(findings(`describe('it', () => {\n${lines(100)}});`), []);
  assert.equal(findings(`describe('it', () => {\ntest('x', () => {\n${lines(100)}});\n});`).length, 1);
});

test('a function that registers tests may be longer, one that is called by tests may not', () => {
  assert.deepEqual(findings(`function contract() {\n${lines(100)}test('x', () => {});\n}`), []);
  assert.equal(findings(`function help() {\n${lines(100)}run(() => test());\n}`).length, 1);
});

test('files and functions are short enough to be read in one go', () => {
  assertNone(parse(typescriptFiles(projectFiles())).flatMap(lengthFindings));
});
