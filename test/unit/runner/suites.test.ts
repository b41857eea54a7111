import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isPresent } from '../../runner/needs.js';
import { obstacle } from '../../runner/suite-run.js';
import { SECOND_NODE_MAJOR, type Suite, suiteRuns } from '../../runner/suites.js';

const folder = mkdtempSync(join(tmpdir(), 'needs-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const suite = (changes: Partial<Suite>): Suite => ({
  name: 'sample',
  needs: [],
  needsRoot: false,
  needsBuild: false,
  quietMinutes: 1,
  filesAtOnce: 1,
  alsoUnderSecondNode: false,
  ...changes,
});

test('a command is found on PATH when it can be executed', () => {
  const need = { command: 'sample-command', package: 'sample' };
  assert.equal(isPresent(need, folder), false);
  writeFileSync(join(folder, 'sample-command'), '#!/bin/sh\n');
  assert.equal(isPresent(need, folder), false);
  chmodSync(join(folder, 'sample-command'), 0o755);
  assert.equal(isPresent(need, folder), true);
});

test('a command in a system folder is found though PATH lacks that folder', () => {
  assert.equal(isPresent({ command: 'sh', package: 'dash' }, ''), true);
});

test('a file is found in the folder of any version', () => {
  const need = { file: `${folder}/versions/*/bin/server`, package: 'sample' };
  assert.equal(isPresent(need, ''), false);
  mkdirSync(join(folder, 'versions', '15', 'bin'), { recursive: true });
  assert.equal(isPresent(need, ''), false);
  writeFileSync(join(folder, 'versions', '15', 'bin', 'server'), '');
  assert.equal(isPresent(need, ''), true);
});

test('a suite that lacks something says what, and which package brings it', () => {
  const lacking = suite({ needs: [{ command: 'no-such-command', package: 'sample' }] });
  assert.equal(obstacle(lacking, '', true), 'needs no-such-command (Debian package sample)');
});

test('a suite for root says so to an ordinary user', () => {
  assert.equal(obstacle(suite({ needsRoot: true }), '', false), 'needs root');
  assert.equal(obstacle(suite({ needsRoot: true }), '', true), null);
});

test('suites that ask for it run again under the second Node, after all others', () => {
  const both = suite({ name: 'both', alsoUnderSecondNode: true });
  const labels = suiteRuns([both, suite({ name: 'once' })], 20).map((run) => run.label);
  assert.deepEqual(labels, ['both', 'once', `both@${SECOND_NODE_MAJOR}`]);
});

test('nothing runs twice under one and the same Node', () => {
  const both = suite({ name: 'both', alsoUnderSecondNode: true });
  assert.deepEqual(
    suiteRuns([both], SECOND_NODE_MAJOR).map((run) => run.label),
    ['both'],
  );
});
