import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkId } from '../../../src/model/index.js';
import type { TunnelNetwork } from '../../../src/reconcile/forwarding/resolve-tunnel.js';
import { TEST_HOST } from '../../support/simulated/host-builder.js';
import {
  floodsTo,
  inPlace,
  NETWORK,
  type PassWords,
  passes,
  rowsOf,
  segmentOf,
  type TunnelRows,
  tunnelHost,
  tunnelPass,
} from '../../support/simulated/tunnel-scene.js';

/** Far longer than an entry waits for further answers. */
const MANY = 9;

const OTHER: TunnelNetwork = {
  id: networkId('bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee'),
  vni: 1002,
  mtu: 1450,
};

const endpoint = (at: number): string => `192.0.2.${at + 10}`;
/** Ends of so many hosts. */
const hosts = (count: number, from = 0): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`peer-${from + at}`, endpoint(from + at)]));
const flooding = (count: number) => inPlace(Object.values(hosts(count)));

test('one end, or a fifth of all, may go in one pass, and what is more is held together', () => {
  for (const [all, left] of [
    [3, 2],
    [10, 8],
    [20, 16],
  ] as const) {
    const host = flooding(all);
    assert.equal(passes(host, rowsOf(hosts(left)), MANY).held.size, 0);
    assert.equal(floodsTo(host).length, left);
  }
  for (const [all, left] of [
    [3, 1],
    [10, 7],
    [20, 15],
  ] as const) {
    const host = flooding(all);
    const { held } = passes(host, rowsOf(hosts(left)), MANY);
    assert.equal(held.size, all - left);
    assert.match([...held.values()][0] ?? '', new RegExp(`${all - left} of ${all} ends of tunnels would go`));
    assert.equal(floodsTo(host).length, all);
  }
});

test('what was held because of its number waits on, however few of it are left, and holds up nobody else', () => {
  const host = flooding(10);
  const { memory } = passes(host, rowsOf(hosts(5)), MANY);
  const last = passes(host, rowsOf(hosts(9)), MANY, { memory, nowMs: 600_000 });
  assert.deepEqual([...last.held.keys()], [`forwarding ${NETWORK.id} ${endpoint(9)}`]);
  passes(host, rowsOf(hosts(8, 1)), MANY, { memory, nowMs: 600_000 });
  const left = [...Object.values(hosts(9, 1))];
  assert.deepEqual(floodsTo(host), left);
});

test('what is accepted goes at once', () => {
  const host = flooding(10);
  const { memory, held } = passes(host, rowsOf({}), MANY);
  assert.equal(held.size, 10);
  passes(host, rowsOf({}), 1, { memory, accepted: new Set([...held.keys()].slice(0, 3)) });
  assert.equal(floodsTo(host).length, 7);
  passes(host, rowsOf({}), 1, { memory, accepted: 'all' });
  assert.deepEqual(floodsTo(host), []);
});

test('the last end of a network goes only when the rows of the network and its taps are in the answer', () => {
  const kept = flooding(1);
  const { held } = passes(kept, rowsOf({}), MANY, { isWhole: false });
  assert.match([...held.values()][0] ?? '', /would lose its last tunnel's end/);
  assert.equal(floodsTo(kept).length, 1);
  const gone = flooding(1);
  passes(gone, rowsOf({}), MANY, { isWhole: true });
  assert.deepEqual(floodsTo(gone), []);
});

test('no end goes by a list that does not name this host, which has taps of the network', () => {
  const host = flooding(10);
  const rows = { ...rowsOf(hosts(9)), hosts: { [segmentOf(NETWORK)]: Object.keys(hosts(9)) } };
  const { held, memory } = passes(host, rows, MANY);
  assert.match([...held.values()][0] ?? '', /do not name this host/);
  assert.equal(floodsTo(host).length, 10);
  passes(host, rowsOf(hosts(10)), 1, { memory, nowMs: 600_000 });
  passes(host, rowsOf(hosts(9)), MANY, { nowMs: 700_000 });
  assert.equal(floodsTo(host).length, 9);
});

test('the end that a host had stays while it claims that of another', () => {
  const host = flooding(2);
  const { memory } = tunnelPass(host, rowsOf(hosts(2)));
  const claimed = rowsOf({ 'peer-0': endpoint(0), 'peer-1': endpoint(0) });
  const { held, pending } = passes(host, claimed, MANY, { memory });
  assert.deepEqual([held.size, pending, floodsTo(host).length], [0, 0, 2]);
});

test('the end that a host had stays in every network while it claims that of a host of another network', () => {
  const networks = [NETWORK, OTHER];
  const host = tunnelHost([], networks);
  const rowsWith = (end: string): TunnelRows => ({
    hosts: {
      [segmentOf(NETWORK)]: [TEST_HOST, 'peer-0'],
      [segmentOf(OTHER)]: [TEST_HOST, 'peer-0', 'peer-1'],
    },
    ends: { 'peer-0': end, 'peer-1': endpoint(1) },
  });
  const { memory } = passes(host, rowsWith(endpoint(0)), 1, { networks });
  passes(host, rowsWith(endpoint(1)), MANY, { networks, memory });
  assert.ok(floodsTo(host).includes(endpoint(0)));
});

test('nothing goes by the answer of a server that is doubted, or with an empty table, and all of it when it is believed', () => {
  const host = flooding(10);
  const doubt = 'table agents is wholly empty';
  const { memory, held } = passes(host, rowsOf(hosts(9)), MANY, { doubt });
  assert.deepEqual([...held.values()], [doubt]);
  assert.equal(floodsTo(host).length, 10);
  passes(host, rowsOf(hosts(9)), 1, { memory, nowMs: 600_000 });
  assert.equal(floodsTo(host).length, 9);
});

test('agents that are gone take no entry away, however many', () => {
  const host = flooding(10);
  const { memory } = tunnelPass(host, rowsOf(hosts(10)));
  const without = Object.fromEntries(Object.keys(hosts(10)).map((one) => [one, 'it has no row in agents']));
  const { held, pending } = passes(host, rowsOf(without), MANY, { memory });
  assert.deepEqual([held.size, pending, floodsTo(host).length], [0, 0, 10]);
});

test('the pairs of all networks are counted together', () => {
  const networks = [NETWORK, OTHER];
  const rows = (left: number): TunnelRows => ({
    hosts: {
      [segmentOf(NETWORK)]: [TEST_HOST, ...Object.keys(hosts(left))],
      [segmentOf(OTHER)]: [TEST_HOST, ...Object.keys(hosts(10))],
    },
    ends: hosts(10),
  });
  const made = (): ReturnType<typeof tunnelHost> => {
    const host = tunnelHost([], networks);
    passes(host, rows(10), 1, { networks });
    return host;
  };
  const words: PassWords = { networks, nowMs: 600_000 };
  const few = made();
  passes(few, rows(6), MANY, words);
  assert.deepEqual([floodsTo(few).length, floodsTo(few, 'vxlan-1002').length], [6, 10]);
  const many = made();
  assert.equal(passes(many, rows(5), MANY, words).held.size, 5);
  assert.deepEqual([floodsTo(many).length, floodsTo(many, 'vxlan-1002').length], [10, 10]);
});
