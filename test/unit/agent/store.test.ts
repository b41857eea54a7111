import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { GUARD, guardStateOf, recallGuard } from '../../../src/agent/state-dir/keep-guard.js';
import { LAST_KNOWN_GOOD, type LastKnownGood } from '../../../src/agent/state-dir/last-known-good.js';
import { lookIntoStore, openStore, type StateEvent } from '../../../src/agent/state-dir/store.js';
import { type Clock, ifIndex, networkId, type Store } from '../../../src/model/index.js';
import { NO_PAIR_MEMORY } from '../../../src/reconcile/forwarding/guard-pairs.js';
import { EMPTY_GUARD, type GuardMemory } from '../../../src/reconcile/guard/guard-memory.js';

const KEPT: LastKnownGood = {
  generation: 'folsom',
  ports: [],
  networks: [{ id: networkId('5f0e8b3a-1111'), rowPresent: true, segments: [{ kind: 'local' }], mtu: null }],
  inPlace: [],
  forwarding: null,
};
const ASIDE = /\.json\.damaged-\d{8}T\d{6}Z$/;

interface Scene {
  readonly folder: string;
  readonly store: Store;
  readonly told: readonly StateEvent[];
  readonly clock: Clock & { wallNowMs: number };
  /** Writes the good state and then changes its file, as `damage` says. */
  readonly damage: (change: (envelope: Record<string, unknown>) => object | string) => void;
}

function scene(t: TestContext): Scene {
  const folder = mkdtempSync(join(tmpdir(), 'qlb-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const clock = {
    wallNowMs: Date.UTC(2026, 1, 3, 4, 5, 6),
    wallMs: () => clock.wallNowMs,
    monotonicMs: () => 0,
    after: () => () => {},
  };
  const told: StateEvent[] = [];
  const store = openStore(folder, 'host1', clock, (event) => told.push(event));
  const damage: Scene['damage'] = (change) => {
    store.writeAhead(LAST_KNOWN_GOOD, KEPT);
    const path = join(folder, readdirSync(folder).find((file) => file.endsWith('.json')) ?? '');
    const changed = change(JSON.parse(readFileSync(path, 'utf8')));
    writeFileSync(path, typeof changed === 'string' ? changed : JSON.stringify(changed));
  };
  return { folder, store, told, clock, damage };
}

/** The envelope around another value, with the checksum that belongs to it. */
const holding = (value: unknown) => (envelope: Record<string, unknown>) => {
  const text = JSON.stringify(value);
  return { ...envelope, value: text, checksum: createHash('sha256').update(text).digest('hex') };
};

const DAMAGES = {
  'with the right checksum and a wrong shape': holding({ ...KEPT, ports: [['tap1', { id: 7 }]] }),
  'with the right checksum and nothing in it': holding(null),
  'with a network that cannot be part of a device name': holding({
    ...KEPT,
    networks: [{ ...KEPT.networks[0], id: '../etc' }],
  }),
  'that is torn': () => '{"version":1,"ho',
  'that was changed by hand': (envelope: Record<string, unknown>) => ({ ...envelope, value: '{}' }),
  'of a later version': (envelope: Record<string, unknown>) => ({ ...envelope, version: 99 }),
};

for (const [what, damage] of Object.entries(DAMAGES))
  test(`a state file ${what} is put aside, told once, and costs nothing else`, (t) => {
    const { folder, store, told, damage: damaged } = scene(t);
    damaged(damage);
    assert.equal(store.read(LAST_KNOWN_GOOD).kind, 'refused');
    assert.deepEqual(store.read(LAST_KNOWN_GOOD), { kind: 'none' });
    const [file = '', ...more] = readdirSync(folder);
    assert.deepEqual(more, []);
    assert.match(file, ASIDE);
    assert.deepEqual(
      told.map((event) => event.kind === 'state-unusable' && event.putAsideAs),
      [join(folder, file)],
    );
    store.writeAhead(LAST_KNOWN_GOOD, KEPT);
    assert.deepEqual(store.read(LAST_KNOWN_GOOD), {
      kind: 'kept',
      value: KEPT,
      ageMs: 0,
      isOfThisBoot: true,
    });
  });

test('what is wrong with a state file is told with its place, not with its value', (t) => {
  const { store, told, damage } = scene(t);
  damage(holding({ ...KEPT, networks: [{ id: 7, secret: 'x'.repeat(1000) }] }));
  store.read(LAST_KNOWN_GOOD);
  const [event] = told;
  assert.match(
    event?.kind === 'state-unusable' ? event.why : '',
    /does not know its form: networks\.0\.id is not string$/,
  );
});

test('of the state files that were put aside only the newest is kept', (t) => {
  const { folder, store, clock, damage } = scene(t);
  for (let times = 1; times <= 3; times += 1) {
    clock.wallNowMs += 60_000;
    damage(() => `torn ${times}`);
    store.read(LAST_KNOWN_GOOD);
  }
  const files = readdirSync(folder);
  assert.equal(files.length, 1);
  assert.equal(readFileSync(join(folder, files[0] ?? ''), 'utf8'), 'torn 3');
});

test('what a later version has written besides is left out, and the rest is read', (t) => {
  const { store, told, damage } = scene(t);
  damage(holding({ ...KEPT, subnets: [], networks: KEPT.networks.map((one) => ({ ...one, qos: 1 })) }));
  assert.deepEqual(store.read(LAST_KNOWN_GOOD), { kind: 'kept', value: KEPT, ageMs: 0, isOfThisBoot: true });
  assert.deepEqual(told, []);
});

test('a state file of another host is refused and stays where it is', (t) => {
  const { folder, store, clock, told } = scene(t);
  store.writeAhead(LAST_KNOWN_GOOD, KEPT);
  const before = readdirSync(folder);
  const moved = openStore(folder, 'host2', clock, ({ kind }) => assert.fail(kind)).read(LAST_KNOWN_GOOD);
  assert.match(moved.kind === 'refused' ? moved.why : '', /written for host host1, and this is host2/);
  assert.deepEqual(readdirSync(folder), before);
  assert.deepEqual(told, []);
});

test('plan looks at a damaged state file and leaves it where it is', (t) => {
  const { folder, clock, damage } = scene(t);
  damage(() => 'torn');
  const before = readdirSync(folder);
  assert.equal(lookIntoStore(folder, 'host1', clock).read(LAST_KNOWN_GOOD).kind, 'refused');
  assert.deepEqual(readdirSync(folder), before);
});

test('a state file of an earlier boot is taken over under the new number of the network namespace', (t) => {
  const { folder, store, damage } = scene(t);
  damage((envelope) => ({ ...envelope, bootId: 'earlier' }));
  const [file = ''] = readdirSync(folder);
  renameSync(join(folder, file), join(folder, 'last-known-good-1.json'));
  assert.deepEqual(store.read(LAST_KNOWN_GOOD), { kind: 'kept', value: KEPT, ageMs: 0, isOfThisBoot: false });
});

test('after a boot the guard counts polls, minutes and taken wires from the start, and holds on to what it held', (t) => {
  const { folder, store } = scene(t);
  const hold = { reason: 'too many', sinceMs: 1_000 };
  const guard: GuardMemory = {
    taken: new Map([[ifIndex(7), 1_000]]),
    wired: { now: 30, before: [{ taps: 40, untilMs: 1_000 }] },
    held: new Map([['detach tap8 8', hold]]),
    confirmation: { fingerprint: 'f', polls: 5, sinceMs: 1_000 },
    pairs: {
      missing: new Map([['pair a', { answers: 2, sinceMs: 1_000 }]]),
      held: new Map([['pair b', 'too many']]),
      hostOf: new Map([['pair a', { host: 'far1', sinceMs: 1_000 }]]),
    },
  };
  store.writeAhead(GUARD, guardStateOf(guard));
  const nowMs = 3_600_000;
  assert.equal(recallGuard(store, nowMs).confirmation?.polls, 5);
  assert.deepEqual(recallGuard(store, nowMs).pairs, guard.pairs);
  const path = join(folder, readdirSync(folder)[0] ?? '');
  const envelope: object = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...envelope, bootId: 'earlier' }));
  assert.deepEqual(recallGuard(store, nowMs), {
    taken: new Map(),
    wired: { now: 0, before: [{ taps: 30, untilMs: nowMs }] },
    held: new Map([['detach tap8 8', { ...hold, sinceMs: nowMs }]]),
    confirmation: null,
    pairs: { ...NO_PAIR_MEMORY, held: guard.pairs.held },
  });
});

test('a guard file that cannot be read, or is another host’s, is told: the guard counts from nothing', (t) => {
  const { folder, store, told, clock } = scene(t);
  store.writeAhead(GUARD, guardStateOf(EMPTY_GUARD));
  const other: StateEvent[] = [];
  openStore(folder, 'host2', clock, (event) => other.push(event)).read(GUARD);
  assert.match(other[0]?.kind === 'state-unusable' ? other[0].why : '', /written for host host1/);
  const [file = ''] = readdirSync(folder);
  rmSync(join(folder, file));
  // As good as one that belongs to somebody else, also for root: a link is not followed.
  symlinkSync('/etc/hostname', join(folder, file));
  assert.deepEqual(recallGuard(store, 0), EMPTY_GUARD);
  assert.match(told[0]?.kind === 'state-unusable' ? told[0].why : '', /cannot be read/);
});
