import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GuardSettings, ifIndex, linkName } from '../../../src/model/index.js';
import type { Removal } from '../../../src/reconcile/decide/desired.js';
import {
  CONFIRMING_MS,
  CONFIRMING_POLLS,
  type GuardInput,
  type GuardVerdict,
  judge,
  release,
} from '../../../src/reconcile/guard/guard.js';
import { EMPTY_GUARD, type GuardMemory } from '../../../src/reconcile/guard/guard-memory.js';

const removal = (at: number, words: Partial<Removal> = {}): Removal => ({
  key: `detach tap${at}`,
  taps: [ifIndex(at)],
  leaves: [ifIndex(at)],
  cause: 'admin-down',
  device: linkName(`tap${at}`),
  text: `take tap${at} out`,
  ...words,
});

const input = (removals: readonly Removal[], words: Partial<GuardInput> = {}): GuardInput => ({
  removals,
  wiredTaps: 100,
  isHere: () => true,
  emptyTables: [],
  suspect: null,
  accepted: new Set(),
  memory: EMPTY_GUARD,
  nowMs: 0,
  ...words,
});

const WINDOW_MS = 600_000;
const OPERATOR: GuardSettings = { maxRemovals: null, windowMs: WINDOW_MS, release: 'operator' };
const AUTO: GuardSettings = { ...OPERATOR, release: 'auto' };
const many = (count: number, words: Partial<Removal> = {}, from = 0): Removal[] =>
  Array.from({ length: count }, (_, at) => removal(from + at, words));

/** The taps that may be taken. */
const going = (settings: GuardSettings, words: GuardInput): number => {
  const { held } = judge(settings, words);
  return words.removals.filter(({ key }) => !held.has(key)).length;
};

test('twenty of a hundred wired taps may go, twenty-one may not', () => {
  assert.equal(going(OPERATOR, input(many(20))), 20);
  assert.equal(going(OPERATOR, input(many(21))), 0);
});

test('one tap may always go when its row says so', () => {
  assert.equal(going(OPERATOR, input(many(1), { wiredTaps: 1 })), 1);
});

test('a share is rounded down', () => {
  assert.equal(going(OPERATOR, input(many(2), { wiredTaps: 9 })), 0);
  assert.equal(going(OPERATOR, input(many(2), { wiredTaps: 10 })), 2);
});

test('the taps behind a changed uplink count one by one', () => {
  const taps = many(21).flatMap((one) => one.taps);
  assert.equal(going(OPERATOR, input([removal(900, { taps, cause: 'segment-changed' })])), 0);
});

test('a tap that leaves a bridge whose uplink changes counts once', () => {
  const taps = many(20).flatMap((one) => one.taps);
  const uplink = removal(900, { taps, cause: 'segment-changed' });
  assert.equal(going(OPERATOR, input([uplink, ...many(5)])), 6);
  assert.equal(going(OPERATOR, input([uplink, ...many(1, {}, 20)])), 0);
});

test('a bridge without taps is not too much, whatever else is held', () => {
  const bridge = removal(900, { taps: [], cause: 'network-gone' });
  assert.equal(going({ ...OPERATOR, maxRemovals: 0 }, input([bridge])), 1);
  assert.equal(going({ ...OPERATOR, maxRemovals: 0 }, input([bridge, ...many(1)])), 1);
});

test('the last wired taps do not go because rows are missing', () => {
  const removals = many(2, { cause: 'row-missing' });
  const { held } = judge({ ...OPERATOR, maxRemovals: 10 }, input(removals, { wiredTaps: 2 }));
  assert.equal(held.size, 2);
  assert.match([...held.values()].join(), /last wired tap/);
});

test('an empty table holds what rests on missing rows, and names the table', () => {
  const { held } = judge(OPERATOR, input(many(1, { cause: 'row-missing' }), { emptyTables: ['ports'] }));
  assert.match([...held.values()].join(), /table ports is wholly empty/);
});

test('an empty table does not hold what rests on a row', () => {
  assert.equal(going(OPERATOR, input(many(1), { emptyTables: ['network_bindings'] })), 1);
});

test('with one doubtful removal all of them are held', () => {
  const removals = [removal(1, { cause: 'row-missing' }), removal(2)];
  const suspect = { about: 'missing-rows', reason: 'it is a replica' } as const;
  assert.equal(going(OPERATOR, input(removals, { suspect })), 0);
});

test('what was accepted goes, and nothing else', () => {
  const removals = many(30);
  const accepted = new Set(removals.slice(0, 29).map(({ key }) => key));
  assert.equal(going(OPERATOR, input(removals, { accepted, memory: after(OPERATOR, removals) })), 29);
});

test('accepting everything at once needs no keys', () => {
  const words = { accepted: 'all', emptyTables: ['ports'] } as const;
  assert.equal(going(OPERATOR, input(many(30, { cause: 'row-missing' }), words)), 30);
});

/** The memory after a poll that asked for these. */
function after(
  settings: GuardSettings,
  removals: readonly Removal[],
  words: Partial<GuardInput> = {},
): GuardMemory {
  return judge(settings, input(removals, words)).memory;
}

test('a drip: what went within the window counts against the same free share', () => {
  const memory = after(OPERATOR, many(20));
  const later = { memory, wiredTaps: 80, nowMs: WINDOW_MS - 1 };
  assert.equal(going(OPERATOR, input(many(1, {}, 20), later)), 0);
  // The most taps that were wired within the window have left it as well: 16 of 80 are free.
  assert.equal(going(OPERATOR, input(many(16, {}, 20), { ...later, nowMs: WINDOW_MS * 2 })), 16);
});

test('the share is of the most taps that were wired in the window', () => {
  const memory = after(OPERATOR, many(10));
  const later = { memory, wiredTaps: 40, nowMs: WINDOW_MS - 1 };
  assert.equal(going(OPERATOR, input(many(10, {}, 10), later)), 10);
  assert.equal(going(OPERATOR, input(many(11, {}, 10), later)), 0);
});

test('what an operator accepted does not count in the window', () => {
  const memory = after(OPERATOR, many(50), { accepted: 'all' });
  assert.equal(going(OPERATOR, input(many(20, {}, 50), { memory, wiredTaps: 50, nowMs: 1 })), 20);
});

test('a tap that went away has lost nothing, and counts no more', () => {
  const memory = after(OPERATOR, many(20));
  const isHere = (index: number): boolean => index >= 20;
  assert.equal(going(OPERATOR, input(many(20, {}, 20), { memory, isHere, nowMs: 1 })), 20);
});

test('a wire that came back still counts, and once', () => {
  const memory = after(OPERATOR, many(20));
  assert.equal(going(OPERATOR, input(many(20), { memory, nowMs: 1 })), 20);
  assert.equal(going(OPERATOR, input(many(1, {}, 20), { memory, nowMs: 1 })), 0);
});

test('rows that come back one by one: what is held because of its number stays held to the last', () => {
  let memory = after(OPERATOR, many(40, { cause: 'row-missing' }));
  for (let left = 39; left > 0; left -= 1) {
    const verdict = judge(
      OPERATOR,
      input(many(left, { cause: 'row-missing' }), { memory, nowMs: 40 - left }),
    );
    assert.equal(verdict.held.size, left);
    memory = verdict.memory;
  }
  assert.equal(after(OPERATOR, [], { memory }).held.size, 0);
});

test('a hold that nobody settles holds up nothing else once it has left the window', () => {
  const stuck = many(30);
  const memory = after(OPERATOR, stuck);
  const later = (nowMs: number) => going(OPERATOR, input([...stuck, ...many(3, {}, 50)], { memory, nowMs }));
  assert.equal(later(WINDOW_MS - 1), 0);
  assert.equal(later(WINDOW_MS), 3);
});

test('what is held because of the server goes when a trusted one asks for it', () => {
  const removals = many(5, { cause: 'row-missing' });
  const memory = after(OPERATOR, removals, { suspect: { about: 'missing-rows', reason: 'it is a replica' } });
  assert.equal(going(OPERATOR, input(removals, { memory })), 5);
});

test('a table that was emptied and fills again: what was too much then stays held', () => {
  const memory = after(OPERATOR, many(100, { cause: 'row-missing' }), { emptyTables: ['ports'] });
  assert.equal(going(OPERATOR, input(many(3, { cause: 'row-missing' }), { memory })), 0);
});

/** Asks again and again with the same removals; gives at which poll they were let go, or null. */
function pollsUntilReleased(settings: GuardSettings, intervalMs: number, words = {}): number | null {
  let memory = EMPTY_GUARD;
  for (let poll = 1; poll <= 100; poll += 1) {
    const asked = input(many(30, { cause: 'row-missing' }), {
      memory,
      nowMs: (poll - 1) * intervalMs,
      ...words,
    });
    const verdict = polled(settings, asked);
    if (verdict.held.size === 0) return poll;
    memory = verdict.memory;
  }
  return null;
}

const polled = (settings: GuardSettings, asked: GuardInput): GuardVerdict =>
  release(settings, asked, judge(settings, asked));

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
  const { memory } = polled(AUTO, input(many(30)));
  const { confirmation } = polled(AUTO, input(many(31), { memory, nowMs: 5 })).memory;
  assert.deepEqual([confirmation?.polls, confirmation?.sinceMs], [1, 5]);
});

test('a count from before a reboot of the machine starts again', () => {
  const { memory } = polled(AUTO, input(many(30), { nowMs: 1_000_000 }));
  const { confirmation } = polled(AUTO, input(many(30), { memory, nowMs: 10 })).memory;
  assert.deepEqual([confirmation?.polls, confirmation?.sinceMs], [1, 10]);
});

test('when nothing is held any more the count is forgotten', () => {
  const { memory } = polled(AUTO, input(many(30)));
  assert.equal(polled(AUTO, input([], { memory })).memory.confirmation, null);
});
