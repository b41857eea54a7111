import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ForwardingEntry, floodEntry } from '../../../src/model/forwarding.js';
import type { Kernel } from '../../../src/model/kernel.js';
import type { Operation } from '../../../src/model/operation.js';
import { fdb } from '../../support/host/fdb.js';
import { type Cleanup, ip, makeTap } from '../../support/host/netns.js';
import { about, applied, eventually, kernelInNamespace, linkOf, refOf } from '../fixture.js';
import { create, DEVICE } from './fixture.js';

const FLOOD = '00:00:00:00:00:00';

const writing = (kernel: Kernel, ...endpoints: readonly string[]): Operation => ({
  ...about(DEVICE),
  op: 'set-forwarding',
  target: refOf(kernel, DEVICE),
  add: endpoints.map(floodEntry),
  remove: [],
});

const entriesIn = (kernel: Kernel): readonly ForwardingEntry[] | undefined =>
  kernel.observe().forwarding.get(linkOf(kernel, DEVICE).index);

const append = (ns: string, endpoint: string): string =>
  fdb(ns, 'append', FLOOD, 'dev', DEVICE, 'dst', endpoint);

function tunnelIn(t: Cleanup): { readonly ns: string; readonly kernel: Kernel } {
  const { ns, kernel } = kernelInNamespace(t);
  kernel.observe();
  applied(kernel, create());
  return { ns, kernel };
}

/** Whether anybody in this namespace is subscribed to neighbours. */
const isListening = (): boolean =>
  readFileSync('/proc/self/net/netlink', 'utf8')
    .trim()
    .split('\n')
    .some((row) => row.trim().split(/\s+/)[3] === '00000004');

test("the host's state has what this agent wrote into a tunnel as soon as it is written", (t) => {
  const { kernel } = tunnelIn(t);
  assert.deepEqual(entriesIn(kernel), []);
  applied(kernel, writing(kernel, '192.0.2.3', '192.0.2.2'));
  assert.deepEqual(entriesIn(kernel), ['192.0.2.2', '192.0.2.3'].map(floodEntry));
});

test("the host's state is the same while nothing is written, and its entries are while only taps come", (t) => {
  const { ns, kernel } = tunnelIn(t);
  applied(kernel, writing(kernel, '192.0.2.2'));
  const before = kernel.observe();
  assert.equal(kernel.observe(), before);
  makeTap(ns, 'tap1');
  const after = kernel.observe();
  assert.notEqual(after, before);
  assert.equal(after.forwarding, before.forwarding);
});

test('what somebody else writes into a tunnel makes a new state in which no link has changed', (t) => {
  const { ns, kernel } = tunnelIn(t);
  const before = kernel.observe();
  append(ns, '192.0.2.9');
  const after = kernel.observe();
  assert.deepEqual([after.changes?.since, after.changes?.indexes.size], [before.version, 0]);
  assert.deepEqual(entriesIn(kernel), [floodEntry('192.0.2.9')]);
});

test('what somebody else writes into a tunnel is announced, also when the tunnel came after the watching began', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  kernel.observe();
  let looks = 0;
  kernel.watch(() => looks++);
  applied(kernel, create());
  kernel.observe();
  for (const round of [1, 2]) {
    const before = looks;
    append(ns, `192.0.2.${round}`);
    await eventually('the announcement', () => looks > before);
    kernel.observe();
  }
  assert.equal(entriesIn(kernel)?.length, 2);
});

test('a tunnel that is gone is in the state no more, and invalidate has all of them read again', (t) => {
  const { ns, kernel } = tunnelIn(t);
  append(ns, '192.0.2.9');
  kernel.invalidate();
  assert.deepEqual(entriesIn(kernel), [floodEntry('192.0.2.9')]);
  ip(ns, 'link', 'del', DEVICE);
  assert.equal(kernel.observe().forwarding.size, 0);
});

test('a host without tunnels listens to nobody who writes neighbours', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  kernel.watch(() => {});
  makeTap(ns, 'tap1');
  kernel.observe();
  assert.equal(isListening(), false);
  applied(kernel, create());
  kernel.observe();
  assert.equal(isListening(), true);
});
