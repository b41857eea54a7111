import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNone, projectFiles } from './repository.js';

/** `[name](path) “how the test begins”`, as SECURITY.md names what shows a line. */
const PROOF = /\]\((test\/[^)]+)\) “([^”]+)”/g;

test('every test that SECURITY.md names is there', () => {
  const files = projectFiles();
  const proofs = [...(files.get('SECURITY.md') ?? '').matchAll(PROOF)];
  assert.ok(proofs.length > 0);
  assertNone(
    proofs.flatMap(([, path = '', title = '']) =>
      files.get(path)?.includes(title) === true ? [] : [`SECURITY.md: no test “${title}” in ${path}.`],
    ),
  );
});

test('every line of SECURITY.md that promises something names a test', () => {
  const lines = (projectFiles().get('SECURITY.md') ?? '')
    .split('\n')
    .filter((line) => /^\| (?!what|interface|tries)/.test(line));
  assertNone(
    lines
      .filter((line) => !/\]\(test\//.test(line) && !/\*\*Not prevented yet\*\*/.test(line))
      .map((line) => `SECURITY.md: no proof in “${line}”.`),
  );
});
