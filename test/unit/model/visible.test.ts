import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cut, harmless, jsonOf, oneLine, visible } from '../../../src/model/visible.js';

for (const [name, character, shown] of [
  ['ESC', '\u001b', '\\u001b'],
  ['BEL', '\u0007', '\\u0007'],
  ['NUL', '\0', '\\u0000'],
  ['the C1 form of ESC [', '\u009b', '\\u009b'],
  ['a right-to-left override', '\u202e', '\\u202e'],
  ['a right-to-left isolate', '\u2067', '\\u2067'],
  ['a separator of lines', '\u2028', '\\u2028'],
  ['half of a surrogate pair', '\ud800', '\\ud800'],
  ['a tag that nobody sees', '\u{e0041}', '\\udb40\\udc41'],
] as const)
  test(`${name} is shown, in text and in JSON, and not obeyed`, () => {
    assert.equal(oneLine(`a${character}b`), `a${shown}b`);
    assert.equal(harmless(`a${character}b\n`), `a${shown}b\n`);
    const json = harmless(jsonOf({ name: `a${character}b` }));
    assert.equal(json, `{"name":"a${shown}b"}`);
    assert.deepEqual(JSON.parse(json), { name: `a${character}b` });
  });

test('a line feed in a value makes no line of its own; those of the program stay', () => {
  assert.equal(oneLine('a\nb'), 'a\\u000ab');
  assert.equal(harmless('a\nb\t\u001b[31mc\u001b[39m'), 'a\nb\t\u001b[31mc\u001b[39m');
});

test('every text of a value is shown on one line, and every name of a field', () => {
  const value = { list: ['a\nb', 1, null], 'x\u001b': new Map([['k\u0007', true]]) };
  assert.deepEqual(visible(value), {
    list: ['a\\u000ab', 1, null],
    'x\\u001b': new Map([['k\\u0007', true]]),
  });
});

test('a text of ten megabytes is cut, and it is said how long it was', () => {
  const long = 'x'.repeat(10_000_000);
  for (const text of [oneLine(long), jsonOf({ long })]) {
    assert.ok(text.length < 70_000);
    assert.match(text, /… \(10000000 characters\)/);
  }
  assert.equal(cut('abc', 3), 'abc');
});

test('whatever comes in, nothing that steers a terminal goes out', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(oneLine(text), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
  );
});
