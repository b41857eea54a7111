import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyOperations } from '../../src/kernel/apply.js';
import { decodeLink, getLink } from '../../src/kernel/links.js';
import { openRequests } from '../../src/kernel/netlink/requests.js';
import type { IfIndex } from '../../src/model/ids.js';
import type { AddressMove, MoveJournal, OperationOutcome } from '../../src/model/kernel.js';
import { type Cleanup, ip, ipLink } from '../support/host/netns.js';
import { BRIDGE } from './fixture.js';
import { carried, flatHost, move, prepareBridge } from './flat-host.js';

type Operation = ReturnType<typeof move>;

/** Carries out a move with a journal of its own; `meddle` is called after each exchange with its number. */
function moveWith(
  t: Cleanup,
  operation: Operation,
  journal: MoveJournal,
  meddle: (exchange: number) => void = () => {},
): OperationOutcome | undefined {
  const requests = openRequests();
  t.after(() => requests.close());
  let exchanges = 0;
  const exchange: typeof requests.exchange = (list) => {
    const answers = requests.exchange(list);
    exchanges += 1;
    meddle(exchanges);
    return answers;
  };
  const host = {
    requests: { ...requests, exchange },
    journal,
    tapFilter: { set: () => {} },
    lacking: { vlanFiltering: null },
    catchUp: () => {},
    linkAt: (index: IfIndex) => requests.get(getLink(index), decodeLink),
    refresh: () => {},
  };
  return applyOperations(host, [operation])[0];
}

/** Remembers what is written down; null when nothing is under way. */
function makeJournal(): MoveJournal & {
  readonly record: () => AddressMove | null;
  readonly times: () => number;
} {
  let record: AddressMove | null = null;
  let times = 0;
  return {
    begin: (begun) => {
      record = begun;
      times += 1;
    },
    done: () => {
      record = null;
    },
    record: () => record,
    times: () => times,
  };
}

const has = ({ carried: names }: AddressMove, name: string): boolean =>
  names.some((one) => one.startsWith(name));

test('before anything changes, every address, route and permanent neighbour is written down, and the record goes with the end of the move', async (t) => {
  const { ns, kernel } = await flatHost(t);
  prepareBridge(kernel);
  const operation = move(kernel, 'eth0', BRIDGE, 'join');
  const before = carried(ns, 'eth0');
  const journal = makeJournal();
  const seen: unknown[] = [];
  const begin: MoveJournal['begin'] = (record) => {
    journal.begin(record);
    assert.deepEqual(carried(ns, 'eth0'), before);
    assert.deepEqual(carried(ns, BRIDGE), { addresses: [], routes: [], neighbours: [] });
    seen.push(
      ...['10.1.0.5/24', 'default via 10.1.0.1', 'neighbour 10.1.0.77'].map((name) => has(record, name)),
    );
  };
  const outcome = moveWith(t, operation, { ...journal, begin });
  assert.equal(outcome?.ok, true);
  assert.deepEqual(seen, [true, true, true]);
  assert.equal(journal.record(), null);
});

test('a move that cannot be written down is not begun, and says why', async (t) => {
  const { ns, kernel } = await flatHost(t);
  prepareBridge(kernel);
  const before = carried(ns, 'eth0');
  const begin = () => {
    throw new Error('state_dir is full');
  };
  const outcome = moveWith(t, move(kernel, 'eth0', BRIDGE, 'join'), { begin, done: () => {} });
  assert.ok(outcome !== undefined && !outcome.ok);
  assert.match(outcome.failure.message, /could not be written down first: state_dir is full/);
  assert.deepEqual(carried(ns, 'eth0'), before);
  assert.equal(ipLink(ns, 'eth0')?.master, undefined);
});

test('a refused move leaves no record behind', async (t) => {
  const { ns, kernel } = await flatHost(t);
  prepareBridge(kernel);
  ip(ns, 'link', 'add', 'mv0', 'link', 'eth0', 'type', 'macvlan', 'mode', 'private');
  const journal = makeJournal();
  const outcome = moveWith(t, move(kernel, 'eth0', BRIDGE, 'join'), journal);
  assert.equal(outcome?.ok, false);
  assert.deepEqual([journal.times(), journal.record()], [0, null]);
});

test('an address that is gone from the bridge when the move is read back is put there once more', async (t) => {
  const { ns, kernel } = await flatHost(t);
  prepareBridge(kernel);
  const before = carried(ns, 'eth0');
  const outcome = moveWith(t, move(kernel, 'eth0', BRIDGE, 'join'), makeJournal(), (exchange) => {
    if (exchange === 3) ip(ns, 'address', 'del', '2001:db8::5/64', 'dev', BRIDGE);
  });
  assert.deepEqual(outcome?.ok, true);
  assert.deepEqual(carried(ns, BRIDGE).addresses, before.addresses);
});

for (const membership of ['join', 'leave'] as const) {
  test(`when the addresses do not stay where they were moved to (${membership}), everything is put back`, async (t) => {
    const { ns, kernel } = await flatHost(t);
    prepareBridge(kernel);
    if (membership === 'leave') moveWith(t, move(kernel, 'eth0', BRIDGE, 'join'), makeJournal());
    const [from, to] = membership === 'join' ? ['eth0', BRIDGE] : [BRIDGE, 'eth0'];
    const before = carried(ns, from);
    // A bridge is asked first whether it takes the interface.
    const last = membership === 'join' ? 3 : 2;
    const journal = makeJournal();
    const outcome = moveWith(t, move(kernel, from, to, membership), journal, (exchange) => {
      if (exchange === last || exchange === last + 1) ip(ns, 'address', 'del', '10.6.0.5/24', 'dev', to);
    });
    assert.ok(outcome !== undefined && !outcome.ok);
    assert.match(outcome.failure.message, new RegExp(`After the move ${to} lacks 10\\.6\\.0\\.5/24`));
    assert.deepEqual(carried(ns, from), before);
    assert.deepEqual(carried(ns, to).addresses, []);
    assert.equal(ipLink(ns, 'eth0')?.master, membership === 'join' ? undefined : BRIDGE);
    assert.equal(journal.record(), null);
  });
}
