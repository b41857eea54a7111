import assert from 'node:assert/strict';
import { test } from 'node:test';
import { floodEntry, ifIndex, linkName, networkId, type Operation } from '../../../src/model/index.js';
import { backOff, noteOutcomes, type Repairs } from '../../../src/reconcile/plan/repairs.js';
import { LOCAL, UNICAST } from '../../support/simulated/host-builder.js';

const device = linkName('vxlan-7');
const common = { network: networkId('n1'), device, reason: 'a test' };
const bridge = { name: linkName('brq1'), index: ifIndex(8) };
const tap = { name: linkName('tap1'), index: ifIndex(7) };

const entriesFor = (...ends: readonly string[]): Operation => ({
  ...common,
  op: 'set-forwarding',
  target: { name: device, index: ifIndex(11) },
  add: ends.map(floodEntry),
  remove: [],
  scope: 'device',
});
const create: Operation = {
  ...common,
  op: 'create-vxlan',
  making: { ...UNICAST, local: LOCAL, vni: 7, multicast: null },
  scope: 'network',
};
const attachTunnel: Operation = {
  ...common,
  op: 'attach',
  target: { name: device, index: null },
  bridge,
  scope: 'network',
};
const attachTap: Operation = { ...attachTunnel, device: tap.name, target: tap, scope: 'device' };

/** Each a second after the one before. */
const after = (...operations: readonly Operation[]): Repairs =>
  operations.reduce<Repairs>(
    (repairs, operation, at) => noteOutcomes(repairs, [{ ok: true, operation }], at * 1_000),
    new Map(),
  );

const goesAhead = (repairs: Repairs, ...operations: readonly Operation[]): readonly Operation[] =>
  backOff(operations, repairs, 5_000).operations;

test('entries that somebody deletes again and again are paused, and a new host gets its own all the same', () => {
  const repairs = after(entriesFor('192.0.2.2'), entriesFor('192.0.2.2'), entriesFor('192.0.2.2'));
  assert.deepEqual(goesAhead(repairs, entriesFor('192.0.2.2')), []);
  const both = entriesFor('192.0.2.2', '192.0.2.3');
  assert.deepEqual(goesAhead(repairs, both), [both]);
});

test('hosts that come one after the other are no repair', () => {
  const repairs = after(entriesFor('192.0.2.2'), entriesFor('192.0.2.3'), entriesFor('192.0.2.4'));
  const next = entriesFor('192.0.2.5');
  assert.deepEqual(goesAhead(repairs, next), [next]);
});

test('while a tunnel that somebody deletes again and again is paused, no tap comes in', () => {
  assert.deepEqual(goesAhead(after(create, create, create), create, attachTunnel, attachTap), []);
});

test('a paused flood list keeps neither the tunnel nor a tap out of the bridge', () => {
  const entries = entriesFor('192.0.2.2');
  const later = [{ ...attachTunnel, target: { name: device, index: ifIndex(11) } }, attachTap];
  assert.deepEqual(goesAhead(after(entries, entries, entries), entries, ...later), later);
});
