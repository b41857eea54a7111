import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseIni } from '../../../src/config/ini.js';

const parsedValue = (text: string): string | undefined =>
  parseIni(`[S]\n${text}\n`).assignments.at(-1)?.value;

const VALUES: readonly (readonly [string, string])[] = [
  ['key = value', 'value'],
  ['key=value', 'value'],
  ['key : value', 'value'],
  ['key: a=b', 'a=b'],
  ['key = a:b', 'a:b'],
  ['key =', ''],
  ['key = pass#word;with%signs', 'pass#word;with%signs'],
  ['key = value # no comment', 'value # no comment'],
  ['key = value ; no comment', 'value ; no comment'],
  ['key = "quoted"', 'quoted'],
  ["key = 'quoted'", 'quoted'],
  ['key = " kept "', ' kept '],
  ['key = ""twice""', '"twice"'],
  ['key = "mixed\'', '"mixed\''],
  ['key = "', '"'],
  ['key = a\n  b\n\tc', 'a\nb\nc'],
  ['key = a\n  # not a comment', 'a\n# not a comment'],
  ['key = first\nkey = second', 'second'],
];

for (const [text, value] of VALUES)
  test(`${JSON.stringify(text)} gives ${JSON.stringify(value)}`, () =>
    assert.equal(parsedValue(text), value));

test('line numbers are those of the keys, also after continuations, comments and CRLF', () => {
  const { assignments } = parseIni('\uFEFF# c\r\n[A]\r\n\r\na = 1\r\n  2\r\n; c\r\nb = 3\r\n');
  assert.deepEqual(assignments, [
    { section: 'A', key: 'a', value: '1\n2', line: 4 },
    { section: 'A', key: 'b', value: '3', line: 7 },
  ]);
});

test('every line that makes no sense is a problem of its own and repeats nothing of the line', () => {
  const { assignments, problems } = parseIni(
    'secret0 = 1\n[open\n[]\n[A]\n  secret1\nsecret2\n= secret3\nb = 1\n\n  secret4\n',
  );
  assert.deepEqual(
    problems.map(({ line }) => line),
    [1, 2, 3, 5, 6, 7, 10],
  );
  assert.doesNotMatch(JSON.stringify(problems), /secret/);
  assert.deepEqual(assignments, [{ section: 'A', key: 'b', value: '1', line: 8 }]);
});

test('a blank line ends a continued value', () => {
  assert.equal(parseIni('[A]\na = 1\n\n  2\n').problems.length, 1);
});

test('the parser never throws, and every line is a known form or a problem', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const { assignments, problems } = parseIni(text);
      assert.ok(assignments.length + problems.length <= text.split(/\r\n|\n|\r/).length);
    }),
  );
});

test('any value survives being written in quotes, and unquoted when it begins and ends with neither space nor quote', () => {
  const line = fc.string({ unit: 'binary' }).filter((value) => !/[\r\n]/.test(value));
  fc.assert(
    fc.property(line, fc.constantFrom('=', ' = ', ':', ' : '), (value, separator) => {
      assert.equal(parsedValue(`key${separator}"${value}"`), value);
      if (value === value.trim() && !/^["']/.test(value))
        assert.equal(parsedValue(`key${separator}${value}`), value);
    }),
  );
});
