import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkName } from '../../../src/model/index.js';
import type { Removal } from '../../../src/reconcile/desired.js';
import {
  CONFIRMING_MS,
  CONFIRMING_POLLS,
  type Confirmation,
  type GuardInput,
  judge,
} from '../../../src/reconcile/guard.js';

const removal = (name: string, words: Partial<Removal> = {}): Removal => ({
  key: `detach ${name}`,
  taps: 1,
  cause: 'admin-down',
  device: linkName(name),
  text: `take ${name} out`,
  ...words,
});

const input = (removals: Removal[], words: Partial<GuardInput> = {}): GuardInput => ({
  removals,
  wiredTaps: 100,
  emptyTables: [],
  suspect: null,
  accepted: new Set(),
  confirmation: null,
  nowMs: 0,
  ...words,
});

const OPERATOR = { maxRemovals: null, release: 'operator' } as const;
const AUTO = { maxRemovals: null, release: 'auto' } as const;
const many = (count: number, words: Partial<Removal> = {}): Removal[] =>
  Array.from({ length: count }, (_, at) => removal(`tap${at}`, words));

test('twenty of a hundred wired taps may go, twenty-one may not', () => {
  assert.equal(judge(OPERATOR, input(many(20))).removals, 'allowed');
  assert.equal(judge(OPERATOR, input(many(21))).removals, 'held');
});

test('one tap may always go when its row says so', () => {
  assert.equal(judge(OPERATOR, input(many(1), { wiredTaps: 1 })).removals, 'allowed');
});

test('a share is rounded down', () => {
  assert.equal(judge(OPERATOR, input(many(2), { wiredTaps: 9 })).removals, 'held');
  assert.equal(judge(OPERATOR, input(many(2), { wiredTaps: 10 })).removals, 'allowed');
});

test('the taps behind a changed uplink count one by one', () => {
  const uplink = removal('eth1.100', { taps: 21, cause: 'segment-changed' });
  assert.equal(judge(OPERATOR, input([uplink])).removals, 'held');
});

test('a bridge without taps is not too much', () => {
  const bridge = removal('brq', { taps: 0, cause: 'network-gone' });
  assert.equal(judge({ ...OPERATOR, maxRemovals: 0 }, input([bridge])).removals, 'allowed');
});

test('the last wired taps do not go because rows are missing', () => {
  const removals = many(2, { cause: 'row-missing' });
  const verdict = judge({ ...OPERATOR, maxRemovals: 10 }, input(removals, { wiredTaps: 2 }));
  assert.equal(verdict.removals, 'held');
  assert.match(verdict.reason ?? '', /last wired tap/);
});

test('an empty table holds what rests on missing rows, and names the table', () => {
  const verdict = judge(OPERATOR, input(many(1, { cause: 'row-missing' }), { emptyTables: ['ports'] }));
  assert.equal(verdict.removals, 'held');
  assert.match(verdict.reason ?? '', /table ports is wholly empty/);
});

test('an empty table does not hold what rests on a row', () => {
  assert.equal(judge(OPERATOR, input(many(1), { emptyTables: ['network_bindings'] })).removals, 'allowed');
});

test('with one doubtful removal all of them are held', () => {
  const removals = [removal('tap1', { cause: 'row-missing' }), removal('tap2')];
  assert.equal(judge(OPERATOR, input(removals, { suspect: 'it is a replica' })).removals, 'held');
});

test('accepting every one of them lets them go, accepting some does not', () => {
  const removals = many(30);
  const keys = removals.map(({ key }) => key);
  assert.equal(judge(OPERATOR, input(removals, { accepted: new Set(keys) })).removals, 'allowed');
  assert.equal(judge(OPERATOR, input(removals, { accepted: new Set(keys.slice(1)) })).removals, 'held');
});

test('accepting everything at once needs no keys', () => {
  const words = { accepted: 'all', emptyTables: ['ports'] } as const;
  assert.equal(judge(OPERATOR, input(many(30, { cause: 'row-missing' }), words)).removals, 'allowed');
});

/** Asks again and again with the same removals; gives at which poll they were let go, or null. */
function pollsUntilReleased(
  settings: typeof AUTO | typeof OPERATOR,
  intervalMs: number,
  words = {},
): number | null {
  let confirmation: Confirmation | null = null;
  for (let poll = 1; poll <= 100; poll += 1) {
    const nowMs = (poll - 1) * intervalMs;
    const verdict = judge(
      settings,
      input(many(30, { cause: 'row-missing' }), { confirmation, nowMs, ...words }),
    );
    if (verdict.removals === 'allowed') return poll;
    confirmation = verdict.confirmation;
  }
  return null;
}

test('auto releases after ten minutes when polls are frequent', () => {
  assert.equal(pollsUntilReleased(AUTO, CONFIRMING_MS / 50), 51);
});

test('auto releases after five polls when they are rare', () => {
  assert.equal(pollsUntilReleased(AUTO, CONFIRMING_MS), CONFIRMING_POLLS);
});

test('auto never releases because of an empty table', () => {
  assert.equal(pollsUntilReleased(AUTO, CONFIRMING_MS, { emptyTables: ['ports'] }), null);
});

test('without auto only the operator releases', () => {
  assert.equal(pollsUntilReleased(OPERATOR, CONFIRMING_MS), null);
});

test('another wish starts the count again', () => {
  const first = judge(AUTO, input(many(30)));
  const second = judge(AUTO, input(many(31), { confirmation: first.confirmation, nowMs: 5 }));
  assert.deepEqual([second.confirmation?.polls, second.confirmation?.sinceMs], [1, 5]);
});

test('a count from before a reboot of the machine starts again', () => {
  const before = judge(AUTO, input(many(30), { nowMs: 1_000_000 }));
  const after = judge(AUTO, input(many(30), { confirmation: before.confirmation, nowMs: 10 }));
  assert.deepEqual([after.confirmation?.polls, after.confirmation?.sinceMs], [1, 10]);
});

test('when nothing is doubtful any more the count is forgotten', () => {
  const before = judge(AUTO, input(many(30)));
  assert.equal(judge(AUTO, input(many(1), { confirmation: before.confirmation })).confirmation, null);
});
