import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const DEMO = fileURLToPath(new URL('../demo/demo.ts', import.meta.url));

test('the demonstration shows what it says', () => {
  const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', DEMO], {
    encoding: 'utf8',
    timeout: 300_000,
  });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /left the data plane as it was/);
  assert.match(stdout, /it is reached where it is now/);
});
