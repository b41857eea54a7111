import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { hasNetAdmin } from '../../src/kernel/kernel.js';
import { command, makeNamespace, makeTap } from '../support/host/netns.js';

const fixture = `${dirname(fileURLToPath(import.meta.url))}/unprivileged.ts`;

/** Runs the fixture in a namespace with some capabilities only, and gives what it saw. */
function seenBy(namespace: string, ...restriction: string[]): Record<string, unknown> {
  const tsx = pathToFileURL(fileURLToPath(import.meta.resolve('tsx'))).href;
  const printed = command(
    'ip',
    'netns',
    'exec',
    namespace,
    'setpriv',
    ...restriction,
    process.execPath,
    '--import',
    tsx,
    fixture,
  );
  return JSON.parse(printed) as Record<string, unknown>;
}

test('without CAP_NET_ADMIN everything can be read, and a change ends with EPERM and what is missing', (t) => {
  const ns = makeNamespace(t);
  makeTap(ns, 'tap1');
  const seen = seenBy(ns, '--bounding-set', '-net_admin');
  assert.equal(seen.netAdmin, false);
  assert.deepEqual(seen.links, ['lo', 'tap1']);
  assert.equal(seen.errno, 'EPERM');
  assert.match(String(seen.message), /CAP_NET_ADMIN/);
});

test('with CAP_NET_ADMIN and no other capability the change succeeds', (t) => {
  const ns = makeNamespace(t);
  makeTap(ns, 'tap1');
  const seen = seenBy(ns, '--bounding-set', '-all,+net_admin');
  assert.deepEqual([seen.netAdmin, seen.errno], [true, null]);
});

test('only who may change links can have the mark of an agent, and with it the one-agent lock', (t) => {
  const ns = makeNamespace(t);
  makeTap(ns, 'tap1');
  assert.equal(seenBy(ns, '--bounding-set', '-net_admin').mark, false);
  assert.equal(seenBy(ns, '--bounding-set', '-all,+net_admin').mark, true);
});

test('root has CAP_NET_ADMIN', () => {
  assert.equal(hasNetAdmin(), true);
});
