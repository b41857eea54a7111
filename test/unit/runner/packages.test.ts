import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missingPackages } from '../../runner/packages.js';
import { LONG_SUITES, SUITES } from '../../runner/suites.js';

const original = fileURLToPath(new URL('../../packages.sh', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'packages-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What is missing of the group `clock` when all it needs is `brings`. */
function missingWith(brings: string): string[] {
  const script = join(folder, 'packages.sh');
  writeFileSync(script, readFileSync(original, 'utf8').replace(/^clock .*$/m, `clock sample ${brings}`));
  chmodSync(script, 0o755);
  return missingPackages(['clock'], script);
}

test('a program that is in no folder is missing, and is named with its package', () => {
  assert.deepEqual(missingWith('no-such-program'), ['no-such-program (Debian package sample)']);
});

test('a program in a folder of the system is found though PATH lacks that folder', () => {
  const { stdout } = spawnSync(original, ['missing', 'hosts'], { env: { PATH: '/bin' }, encoding: 'utf8' });
  assert.doesNotMatch(stdout, /^(ip|insmod) /m);
});

test('a file is found in the folder of any version', () => {
  const pattern = `${folder}/versions/*/bin/server`;
  mkdirSync(join(folder, 'versions', '15', 'bin'), { recursive: true });
  assert.deepEqual(missingWith(pattern), [`${pattern} (Debian package sample)`]);
  writeFileSync(join(folder, 'versions', '15', 'bin', 'server'), '');
  assert.deepEqual(missingWith(pattern), []);
});

test('every group that a suite names is one of test/packages.sh', () => {
  for (const { name, needs } of [...SUITES, ...LONG_SUITES]) {
    assert.doesNotThrow(() => missingPackages(needs), name);
  }
});

test('a group that there is not is refused with the names of those that there are', () => {
  const { status, stderr } = spawnSync(original, ['missing', 'server'], { encoding: 'utf8' });
  assert.equal(status, 64);
  assert.match(stderr, /^No group is called server; there are servers hosts /);
});
