import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ifIndex,
  linkName,
  networkId,
  type Operation,
  type OperationOutcome,
} from '../../../src/model/index.js';
import { backOff, noteOutcomes, type Repairs } from '../../../src/reconcile/plan/repairs.js';

const tap = { name: linkName('tap1'), index: ifIndex(7) };
const bridge = { name: linkName('brq1'), index: ifIndex(8) };
const otherBridge = { name: linkName('brq2'), index: ifIndex(9) };
const uplink = { name: linkName('eth1'), index: ifIndex(2) };
const oldUplink = { name: linkName('eth2'), index: ifIndex(3) };
const common = { network: networkId('n1'), reason: 'a test' };

const attach: Operation = { ...common, op: 'attach', device: tap.name, target: tap, bridge, scope: 'device' };
const detach: Operation = { ...common, op: 'detach', device: tap.name, target: tap, bridge, scope: 'device' };
const attachElsewhere: Operation = { ...attach, network: networkId('n2'), bridge: otherBridge };
const leaveElsewhere: Operation = { ...detach, bridge: otherBridge };
const join: Operation = {
  ...common,
  op: 'move-addresses',
  device: uplink.name,
  from: uplink,
  to: bridge,
  membership: 'join',
  addresses: [],
  routes: [],
  scope: 'network',
};
const upTap: Operation = { ...common, op: 'set-up', device: tap.name, target: tap, scope: 'device' };
const uplinkAttach: Operation = { ...attach, device: uplink.name, target: uplink, scope: 'network' };
const upUplink: Operation = {
  ...common,
  op: 'set-up',
  device: uplink.name,
  target: uplink,
  scope: 'network',
};
const upBridge: Operation = {
  ...common,
  op: 'set-up',
  device: bridge.name,
  target: bridge,
  scope: 'network',
};
const createBridge: Operation = {
  ...common,
  op: 'create-bridge',
  device: bridge.name,
  mac: 'fa:00:00:00:00:01',
  vlanFiltering: true,
  scope: 'network',
};
const deleteBridge: Operation = {
  ...common,
  op: 'delete-bridge',
  device: bridge.name,
  target: bridge,
  scope: 'network',
};

const done = (operation: Operation): OperationOutcome => ({ ok: true, operation });
const noteDone = (repairs: Repairs, operations: readonly Operation[], nowMs: number): Repairs =>
  noteOutcomes(repairs, operations.map(done), nowMs);
const refusedBy = (errno: string, operation: Operation): OperationOutcome => ({
  ok: false,
  operation,
  failure: { errno, message: `Could not do it: ${errno}.`, worldChanged: true },
});

const after = (...passes: (readonly [atMs: number, operations: readonly Operation[]])[]): Repairs =>
  passes.reduce<Repairs>((repairs, [atMs, operations]) => noteDone(repairs, operations, atMs), new Map());

const isPaused = (repairs: Repairs, operation: Operation, atMs: number): boolean =>
  backOff([operation], repairs, atMs).operations.length === 0;

test('what is undone twice is simply repaired', () => {
  assert.equal(isPaused(after([0, [attach]], [2000, [attach]]), attach, 4000), false);
});

test('what is undone a third time within a minute is paused for ten seconds', () => {
  const repairs = after([0, [attach]], [2000, [attach]], [4000, [attach]]);
  assert.equal(isPaused(repairs, attach, 13_999), true);
  assert.equal(isPaused(repairs, attach, 14_000), false);
});

test('each further time the pause is twice as long, up to five minutes', () => {
  let repairs = after([0, [attach]], [1, [attach]]);
  const pausesMs: number[] = [];
  let nowMs = 2;
  for (let round = 0; round < 7; round += 1) {
    repairs = noteDone(repairs, [attach], nowMs);
    const pauseMs = ([...repairs.values()][0]?.notBeforeMs ?? 0) - nowMs;
    pausesMs.push(pauseMs);
    nowMs += pauseMs;
  }
  assert.deepEqual(pausesMs, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
});

test('a move of addresses that is refused again and again is paused, and why is said', () => {
  let repairs: Repairs = new Map();
  for (const atMs of [0, 2000, 4000]) {
    assert.equal(isPaused(repairs, join, atMs), false);
    const thrice = [1, 2, 3].map(() => refusedBy('EBUSY', join));
    repairs = noteOutcomes(repairs, thrice, atMs);
  }
  const { operations, warnings } = backOff([join], repairs, 6000);
  assert.deepEqual(operations, []);
  const [warning] = warnings;
  assert.equal(warning?.code, 'OPERATION_FAILED');
  assert.match(warning.message, /move-addresses of eth1 failed again and again: Could not do it: EBUSY/);
  assert.equal(isPaused(repairs, join, 14_000), false);
});

test('a tap that is refused, and what was not tried, are tried again with every poll', () => {
  let repairs: Repairs = new Map();
  for (const atMs of [0, 2000, 4000])
    repairs = noteOutcomes(repairs, [refusedBy('EBUSY', attach), refusedBy('SKIPPED', join)], atMs);
  assert.equal(isPaused(repairs, attach, 6000), false);
  assert.equal(isPaused(repairs, join, 6000), false);
});

test('what happens now and then over hours is never paused', () => {
  const hourly = Array.from({ length: 10 }, (_, at) => [at * 3_600_000, [attach]] as const);
  assert.equal(isPaused(after(...hourly), attach, 9 * 3_600_000 + 1), false);
});

test('a port that is switched off and on by its owner is no repair', () => {
  const repairs = after(
    [0, [attach]],
    [1, [detach]],
    [2, [attach]],
    [3, [detach]],
    [4, [attach]],
    [5, [detach]],
  );
  assert.equal(isPaused(repairs, attach, 6), false);
});

test('a tap that somebody else plugs again and again is paused too', () => {
  const repairs = after([0, [detach]], [1, [detach]], [2, [detach]]);
  assert.equal(isPaused(repairs, detach, 3), true);
});

test('a network that is made and deleted in turn is no repair', () => {
  const cycle = [createBridge, upBridge, attach, detach, deleteBridge];
  const repairs = after([0, cycle], [1, cycle], [2, cycle]);
  assert.equal(isPaused(repairs, createBridge, 3), false);
  assert.equal(isPaused(repairs, upBridge, 3), false);
});

test('a new tap of the same name is not paused for the old one', () => {
  const repairs = after([0, [attach]], [1, [attach]], [2, [attach]]);
  assert.equal(isPaused(repairs, { ...attach, target: { ...tap, index: ifIndex(70) } }, 3), false);
});

test('a tap that is kept out of one bridge is not paused on its way into another one', () => {
  const repairs = after([0, [attach]], [1, [attach]], [2, [attach]]);
  assert.equal(isPaused(repairs, attach, 3), true);
  assert.equal(isPaused(repairs, attachElsewhere, 3), false);
});

test('a flat uplink that is kept out of one bridge is not paused on its way into another one', () => {
  const repairs = after([0, [join]], [1, [join]], [2, [join]]);
  assert.equal(isPaused(repairs, join, 3), true);
  assert.equal(isPaused(repairs, { ...join, network: networkId('n2'), to: otherBridge }, 3), false);
});

test('an uplink that is taken out again and again is paused, with addresses on it and without', () => {
  const bare: Operation = { ...attach, device: uplink.name, target: uplink, scope: 'network' };
  const repairs = after([0, [join]], [1, [bare]], [2, [join]]);
  assert.deepEqual([isPaused(repairs, join, 3), isPaused(repairs, bare, 3)], [true, true]);
});

test('a tap that somebody else moves to another bridge again and again is paused outside of both', () => {
  const moveBack = [leaveElsewhere, attach];
  const repairs = after([0, moveBack], [1, moveBack], [2, moveBack]);
  assert.deepEqual(backOff(moveBack, repairs, 3).operations, [leaveElsewhere]);
});

test('a port that its owner moves to and fro between two networks is no repair', () => {
  const moves = [[detach, attachElsewhere] as const, [leaveElsewhere, attach] as const];
  const repairs = after(...[0, 1, 2, 3, 4, 5, 6].map((at) => [at, moves[at % 2] ?? []] as const));
  assert.deepEqual([isPaused(repairs, attach, 7), isPaused(repairs, attachElsewhere, 7)], [false, false]);
});

test('a tap leaves its bridge while another repair of it is paused', () => {
  const repairs = after([0, [attach]], [1, [attach]], [2, [attach]]);
  assert.deepEqual(backOff([leaveElsewhere, attach, upTap], repairs, 3).operations, [leaveElsewhere]);
});

/** Of the operations of a plan those that go ahead while this one has been undone three times. */
const goingAhead = (undone: Operation, plan: readonly Operation[]): readonly Operation[] =>
  backOff(plan, after([0, [undone]], [1, [undone]], [2, [undone]]), 3).operations;

test('a fight over STP keeps no new tap out of the bridge', () => {
  const options: Operation = {
    ...common,
    op: 'set-bridge-options',
    device: bridge.name,
    target: bridge,
    scope: 'network',
  };
  const plan = [options, uplinkAttach, upUplink, attach, upTap];
  assert.deepEqual(goingAhead(options, plan), [uplinkAttach, upUplink, attach, upTap]);
});

test('a bridge that somebody keeps setting down gets its taps all the same', () => {
  assert.deepEqual(goingAhead(upBridge, [upBridge, detach, attach, upTap]), [detach, attach, upTap]);
});

test('nothing is attached to a bridge, or done to it, while making it pauses', () => {
  const made = { name: bridge.name, index: null };
  const plan: Operation[] = [
    createBridge,
    { ...common, op: 'set-label', device: bridge.name, target: made, label: 'n1', scope: 'network' },
    { ...uplinkAttach, bridge: made },
    { ...attach, bridge: made },
  ];
  assert.deepEqual(goingAhead(createBridge, plan), []);
});

test('while an older uplink is put back again and again, nothing comes into its bridge', () => {
  const leave: Operation = { ...detach, device: oldUplink.name, target: oldUplink, scope: 'network' };
  assert.deepEqual(goingAhead(leave, [leave, uplinkAttach, attach, attachElsewhere]), [attachElsewhere]);
});

test('while an uplink is taken out again and again, no other tap comes into its bridge', () => {
  assert.deepEqual(goingAhead(uplinkAttach, [uplinkAttach, detach, attach, attachElsewhere]), [
    detach,
    attachElsewhere,
  ]);
});

test('a bridge whose addresses cannot be given back is not deleted', () => {
  const leave: Operation = { ...join, from: bridge, to: uplink, membership: 'leave' };
  assert.deepEqual(goingAhead(leave, [leave, deleteBridge]), []);
});

test('a tap that somebody gives IPv6 again and again stays out of its bridge', () => {
  const quiet: Operation = { ...common, op: 'disable-ipv6', device: tap.name, target: tap, scope: 'device' };
  assert.deepEqual(goingAhead(quiet, [quiet, attach, upTap]), []);
});

test('with a tap only that tap is paused', () => {
  const repairs = after([0, [attach]], [1, [attach]], [2, [attach]]);
  const left = backOff([upBridge, attach, upTap], repairs, 3);
  assert.deepEqual(left.operations, [upBridge]);
});

test('a pause is told, with the device', () => {
  const { warnings } = backOff([attach], after([0, [attach]], [1, [attach]], [2, [attach]]), 3);
  assert.deepEqual(
    warnings.map(({ code, device }) => [code, device]),
    [['REPAIR_UNDONE', 'tap1']],
  );
});

test('what was long ago is forgotten', () => {
  const repairs = after([0, [attach]], [10 * 60_000, [upTap]]);
  assert.deepEqual(
    [...repairs.values()].map(({ lastMs }) => lastMs),
    [10 * 60_000],
  );
});

test('a tap that somebody keeps setting down goes into its bridge all the same', () => {
  const repairs = after([0, [upTap]], [2000, [upTap]], [4000, [upTap]]);
  assert.deepEqual(backOff([attach, upTap], repairs, 5000).operations, [attach]);
});

test('of thousands of repairs those that are over are forgotten within a few dozen operations', () => {
  const attachOf = (index: number): Operation => ({ ...attach, target: { ...tap, index: ifIndex(index) } });
  const burst = Array.from({ length: 3_000 }, (_, at) => attachOf(100 + at));
  let repairs = after([0, burst]);
  for (let at = 0; at < 70; at += 1) repairs = noteDone(repairs, [attachOf(10_000 + at)], 61_000 + at);
  assert.equal(repairs.size, 70);
});
