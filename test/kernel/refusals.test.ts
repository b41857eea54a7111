import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkName, networkId } from '../../src/model/ids.js';
import { ip, ipLink, makeTap, makeTaps } from '../support/host/netns.js';
import {
  about,
  applied,
  attach,
  BRIDGE,
  createBridge,
  detach,
  indexOf,
  kernelInNamespace,
  linkOf,
  madeRef,
  refOf,
  refused,
  verdicts,
} from './fixture.js';

test('attach does not take a tap away from another bridge', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  makeTap(ns, 'tap1');
  ip(ns, 'link', 'add', 'virbr0', 'type', 'bridge');
  ip(ns, 'link', 'set', 'tap1', 'master', 'virbr0');
  const failure = refused(kernel, attach(refOf(kernel, 'tap1'), refOf(kernel, BRIDGE)));
  assert.deepEqual([failure.errno, failure.worldChanged], ['EBUSY', true]);
  assert.equal(ipLink(ns, 'tap1')?.master, 'virbr0');
});

test('detach does not take a tap out of another bridge than the one it names', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  makeTap(ns, 'tap1');
  ip(ns, 'link', 'add', 'virbr0', 'type', 'bridge');
  ip(ns, 'link', 'set', 'tap1', 'master', 'virbr0');
  applied(kernel, detach(refOf(kernel, 'tap1'), refOf(kernel, BRIDGE)));
  assert.equal(ipLink(ns, 'tap1')?.master, 'virbr0');
});

test('attach of a tap that is in the bridge already succeeds without an event', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  makeTap(ns, 'tap1');
  ip(ns, 'link', 'set', 'tap1', 'master', BRIDGE);
  const before = kernel.observe();
  applied(kernel, attach(refOf(kernel, 'tap1'), refOf(kernel, BRIDGE)));
  assert.equal(kernel.observe(), before);
});

test('a tap that is gone: attach fails as a changed world, detach and deletes succeed', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  makeTap(ns, 'tap1');
  const tap = refOf(kernel, 'tap1');
  const bridge = refOf(kernel, BRIDGE);
  ip(ns, 'link', 'del', 'tap1');
  const failure = refused(kernel, attach(tap, bridge));
  assert.deepEqual([failure.errno, failure.worldChanged], ['ENODEV', true]);
  applied(kernel, detach(tap, bridge));
});

test('an index that belongs to another link by now is not touched', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  makeTap(ns, 'tap1');
  const tap = refOf(kernel, 'tap1');
  const bridge = refOf(kernel, BRIDGE);
  ip(ns, 'link', 'del', 'tap1');
  ip(ns, 'link', 'add', 'stranger', 'index', String(tap.index), 'type', 'bridge');
  for (const operation of [
    attach(tap, bridge),
    { ...about('tap1'), op: 'set-up', target: tap },
    { ...about('tap1'), op: 'set-label', target: tap, label: 'mine' },
    { ...about('tap1'), op: 'disable-ipv6', target: tap },
    { ...about('tap1'), op: 'delete-bridge', target: tap },
  ] as const) {
    const failure = refused(kernel, operation);
    assert.deepEqual([failure.errno, failure.worldChanged], ['ENODEV', true], operation.op);
  }
  const stranger = ipLink(ns, 'stranger');
  assert.ok(stranger && !stranger.flags.includes('UP') && stranger.ifalias === undefined);
  assert.equal(stranger.master, undefined);
});

test('a tap made again under its name is another tap: the picture has the new index', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'tap1');
  const first = linkOf(kernel, 'tap1').index;
  ip(ns, 'link', 'del', 'tap1');
  makeTap(ns, 'tap1');
  const second = linkOf(kernel, 'tap1').index;
  assert.notEqual(second, first);
  assert.equal(kernel.observe().links.has(first), false);
  assert.equal(ipLink(ns, 'tap1')?.ifindex, second);
});

test('a failed bridge stops its network and nothing else', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  for (const name of [BRIDGE, 'tap1', 'tap2']) makeTap(ns, name);
  const other = 'brqbbbbbbbb-cc';
  const elsewhere = networkId('bbbbbbbb-cccc-4ccc-8ddd-eeeeeeeeeeee');
  const outcomes = kernel.apply([
    createBridge(),
    { ...createBridge(other), network: elsewhere },
    attach(refOf(kernel, 'tap1'), madeRef(BRIDGE)),
    { ...attach(refOf(kernel, 'tap2'), madeRef(other)), network: elsewhere },
  ]);
  assert.deepEqual(verdicts(outcomes), ['EEXIST', 'ok', 'SKIPPED', 'ok']);
  assert.equal(ipLink(ns, 'tap2')?.master, other);
});

test('a failed tap stops only what comes after it on the same tap', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  for (const name of ['tap1', 'tap2']) makeTap(ns, name);
  const gone = { name: linkName('tap9'), index: indexOf(999) };
  const bridge = refOf(kernel, BRIDGE);
  const outcomes = kernel.apply([
    attach(gone, bridge),
    { ...about('tap9', 'device'), op: 'set-up', target: gone },
    attach(refOf(kernel, 'tap2'), bridge),
  ]);
  assert.deepEqual(verdicts(outcomes), ['ENODEV', 'SKIPPED', 'ok']);
});

test('a link that no operation of the list made cannot be named without an index', (t) => {
  const { kernel } = kernelInNamespace(t);
  assert.equal(refused(kernel, { ...about('brqx'), op: 'set-up', target: madeRef('brqx') }).errno, 'ENODEV');
});

test('the 1,024th port of a bridge is refused with the reason', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  const names = Array.from({ length: 1024 }, (_, position) => `tap${position}`);
  makeTaps(ns, names);
  const state = kernel.observe();
  const bridge = refOf(kernel, BRIDGE);
  const outcomes = kernel.apply(
    names.map((name) => {
      const link = state.byName.get(linkName(name));
      return attach({ name: linkName(name), index: link?.index ?? null }, bridge);
    }),
  );
  const failed = outcomes.filter((outcome) => !outcome.ok);
  assert.deepEqual(verdicts(failed), ['EXFULL']);
  assert.match(failed[0]?.ok === false ? failed[0].failure.message : '', /1,023 ports/);
});
