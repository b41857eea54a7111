import assert from 'node:assert/strict';
import { test } from 'node:test';
import { obstacle } from '../../runner/suite-run.js';
import { SECOND_NODE_MAJOR, type Suite, suiteRuns } from '../../runner/suites.js';

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

test('a suite that lacks something says what, and which package brings it', () => {
  const missing = ['no-such-command (Debian package sample)'];
  assert.equal(obstacle(suite({}), missing, true), 'needs no-such-command (Debian package sample)');
});

test('a suite for root says so to an ordinary user', () => {
  assert.equal(obstacle(suite({ needsRoot: true }), [], false), 'needs root');
  assert.equal(obstacle(suite({ needsRoot: true }), [], true), null);
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
