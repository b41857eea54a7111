import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** BINPRM_BUF_SIZE of kernels before 5.1, less its final zero: what is behind it is cut off without a word. */
const LENGTH_MAX = 127;

test('the first line of the program is short enough for the kernels that Node 20 runs on', () => {
  const program = readFileSync(fileURLToPath(new URL('../../../src/cli.ts', import.meta.url)), 'utf8');
  const [line = ''] = program.split('\n', 1);
  assert.match(line, /^#!/);
  assert.ok(line.length <= LENGTH_MAX, `${line.length} characters: ${line}`);
});
