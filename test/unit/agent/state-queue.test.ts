import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeepingEvent } from '../../../src/agent/state-dir/state-queue.js';
import type { StateKind, StateName, Store } from '../../../src/model/index.js';
import { makeClock, type SimulatedClock } from '../../simulation/clock.js';
import { type Disk, openSimulatedStore } from '../../simulation/store.js';

const kindOf = (name: StateName): StateKind<unknown> => ({ name, check: (value) => ({ ok: true, value }) });
const [GUARD, SERVER] = [kindOf('guard'), kindOf('server')];

interface Scene {
  readonly store: Store;
  readonly clock: SimulatedClock;
  readonly weather: { answers: boolean; full: readonly StateName[] };
  /** What has reached the disk, in order. */
  readonly landed: string[];
  readonly told: KeepingEvent['kind'][];
  onDisk(kind: StateKind<unknown>): unknown;
  pass(forMs: number): Promise<void>;
}

function makeScene(): Scene {
  const clock = makeClock();
  const disk: Disk = new Map();
  const weather: Scene['weather'] = { answers: true, full: [] };
  const landed: string[] = [];
  const told: KeepingEvent['kind'][] = [];
  const store = openSimulatedStore(disk, clock, {
    given: () => () => {},
    before: (name) => {
      if (weather.full.includes(name)) throw new Error('no space left on device');
    },
    after: (name) => landed.push(`${name} ${disk.get(name)?.text}`),
    reaches: () => true,
    answers: () => weather.answers,
    hangs: (name) => assert.fail(`the loop stands still in the write of ${name}`),
    putOff: () => () => {},
    tell: ({ kind }) => told.push(kind),
  });
  return {
    store,
    clock,
    weather,
    landed,
    told,
    onDisk: (kind) => {
      const stored = store.read(kind);
      return stored.kind === 'kept' ? stored.value : null;
    },
    pass: async (forMs) => {
      clock.after(forMs, () => {});
      await clock.runUntil(clock.monotonicMs() + forMs, () => true);
    },
  };
}

test('of the values that come while the disk does not answer the newest alone is written, of each kind', async () => {
  const { store, weather, landed, pass } = makeScene();
  weather.answers = false;
  for (const value of [1, 2, 3]) {
    store.keep(GUARD, value);
    store.keep(SERVER, value);
  }
  await pass(1_000);
  weather.answers = true;
  await pass(1_000);
  // The first was under way already.
  assert.deepEqual(landed, ['guard 1', 'guard 3', 'server 3']);
});

test('what was written ahead is not overwritten by an older value that waits to be tried again', async () => {
  const { store, weather, onDisk, pass } = makeScene();
  weather.full = ['guard'];
  store.keep(GUARD, 'old');
  await pass(1_000);
  weather.full = [];
  store.writeAhead(GUARD, 'new');
  await pass(60_000);
  assert.equal(onDisk(GUARD), 'new');
});

test('a kind that is forgotten goes, also when its value is still under way', async () => {
  const { store, weather, onDisk, pass } = makeScene();
  weather.answers = false;
  store.keep(GUARD, 1);
  store.forget(GUARD);
  await pass(1_000);
  weather.answers = true;
  await pass(1_000);
  assert.equal(onDisk(GUARD), null);
});

test('a turn comes when the write under way has ended, and what it keeps is written after it', async () => {
  const { store, weather, landed, onDisk, pass } = makeScene();
  weather.answers = false;
  store.keep(SERVER, 'before');
  const turn = store.inTurn(() => {
    store.keep(SERVER, 'after');
    store.writeAhead(GUARD, 'ahead');
    return onDisk(GUARD);
  });
  await pass(500);
  assert.deepEqual(landed, []);
  weather.answers = true;
  await pass(100);
  assert.equal(await turn, 'ahead');
  assert.deepEqual(landed, ['server "before"', 'guard "ahead"', 'server "after"']);
});

test('a disk that does not answer is waited for a second, then nothing is written ahead; once it is told, not at all', async () => {
  const { store, clock, weather, told, pass } = makeScene();
  weather.answers = false;
  const beganMs = clock.monotonicMs();
  const turns: number[] = [];
  const turn = (): void => {
    assert.throws(
      () => store.writeAhead(GUARD, 1),
      /^Error: state_dir does not answer: a write that was begun at /,
    );
    turns.push(clock.monotonicMs() - beganMs);
  };
  void store.inTurn(turn);
  await pass(6_000);
  assert.deepEqual([turns, told], [[1_000], ['state-failed']]);
  void store.inTurn(turn);
  await pass(0);
  assert.deepEqual(turns, [1_000, 6_000]);
  weather.answers = true;
  await pass(100);
  assert.deepEqual(told, ['state-failed', 'state-kept']);
});

test('that a disk is full is told once for all kinds, and that it is over when all of them are kept', async () => {
  const { store, weather, told, onDisk, pass } = makeScene();
  weather.full = ['guard', 'server'];
  store.keep(GUARD, 1);
  store.keep(SERVER, 1);
  await pass(60_000);
  weather.full = ['server'];
  await pass(60_000);
  assert.deepEqual([onDisk(GUARD), onDisk(SERVER), told], [1, null, ['state-failed']]);
  weather.full = [];
  await pass(60_000);
  assert.deepEqual([onDisk(SERVER), told], [1, ['state-failed', 'state-kept']]);
});

test('the end waits until everything is kept, tries once more what was refused, and no longer than its limit', async () => {
  const { store, weather, told, onDisk, pass } = makeScene();
  weather.full = ['guard'];
  store.keep(GUARD, 1);
  await pass(0);
  weather.full = [];
  store.keep(SERVER, 1);
  await store.flush(1_000);
  assert.deepEqual([onDisk(GUARD), onDisk(SERVER)], [1, 1]);
  weather.answers = false;
  store.keep(GUARD, 2);
  const end = store.flush(1_000);
  await pass(1_000);
  await end;
  assert.deepEqual(told, ['state-failed', 'state-kept', 'state-failed']);
});
