import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointStatus, HeldRemoval, TunnelStatus } from '../../../src/model/index.js';
import { linkName } from '../../../src/model/index.js';
import { tunnelInClause } from '../../../src/model/tunnel-words.js';
import { pairKey } from '../../../src/reconcile/forwarding/differences.js';
import { explainedTunnel } from '../../../src/reconcile/tell/explain-tunnel.js';
import { forwardingStatus, tunnelStatus } from '../../../src/reconcile/tell/tunnels.js';
import {
  DEVICE,
  inPlace,
  NETWORK,
  rowsOf,
  type TunnelPass,
  tunnelPass,
  UNICAST,
} from '../../support/simulated/tunnel-scene.js';

const PEERS = { 'node-2': '192.0.2.2', 'node-3': '192.0.2.3' };

/** What people are shown after this pass, at the second of the epoch that the clock of the memory calls 0. */
function shownAfter(pass: TunnelPass, held: readonly HeldRemoval[] = [], toldMax?: number): TunnelStatus {
  const shown = tunnelStatus(NETWORK.id, { ...pass, held, wallMsOf: (atMs) => 1_000 + atMs }, toldMax);
  assert.ok(shown);
  return shown;
}

const said = ({ endpoints }: TunnelStatus): string[] =>
  endpoints.map(({ endpoint, hosts, state }) => `${endpoint} ${hosts.join('+')} ${state}`);
const of = ({ endpoints }: TunnelStatus, endpoint: string | null): EndpointStatus | undefined =>
  endpoints.find((one) => one.endpoint === endpoint);

test('a tunnel is told with its device, VNI and local address, and each endpoint with its host and since when', () => {
  const shown = shownAfter(tunnelPass(inPlace(['192.0.2.2', '192.0.2.3']), rowsOf(PEERS), { nowMs: 500 }));
  const { device, vni, local, port, mtu, group } = shown;
  assert.deepEqual([device, vni, local, port, mtu, group], [DEVICE, 1001, '192.0.2.1', 8472, 1450, null]);
  assert.deepEqual(said(shown), ['192.0.2.2 node-2 listed', '192.0.2.3 node-3 listed']);
  assert.equal(of(shown, '192.0.2.2')?.sinceMs, 1_500);
  assert.equal(tunnelInClause(shown), 'VNI 1001 from 192.0.2.1 to 2 endpoints');
});

test('a host whose entry is not written yet, one whose end nobody knows and one that is leaving come first, with why', () => {
  const rows = rowsOf({ ...PEERS, 'node-4': 'it has no row in agents' });
  const memory = tunnelPass(inPlace(['192.0.2.9']), rowsOf({ 'node-9': '192.0.2.9' })).memory;
  const shown = shownAfter(tunnelPass(inPlace(['192.0.2.2', '192.0.2.9']), rows, { memory }));
  assert.deepEqual(said(shown), [
    'null node-4 unknown',
    '192.0.2.3 node-3 missing',
    '192.0.2.9 node-9 leaving',
    '192.0.2.2 node-2 listed',
  ]);
  assert.equal(of(shown, null)?.why, 'it has no row in agents');
  assert.match(String(of(shown, '192.0.2.9')?.why), /no host of the network is there any more/);
  assert.equal(
    tunnelInClause(shown),
    'VNI 1001 from 192.0.2.1 to 4 endpoints (1 not known, 1 not written yet, 1 leaving)',
  );
});

test('the entry of a host whose end is not known any more is shown as its own, and as one that stays', () => {
  const memory = tunnelPass(inPlace(['192.0.2.2']), rowsOf({ 'node-2': '192.0.2.2' })).memory;
  const rows = rowsOf({ 'node-2': 'its agent says no tunneling_ip' });
  const shown = shownAfter(tunnelPass(inPlace(['192.0.2.2']), rows, { memory }));
  assert.deepEqual(said(shown), ['192.0.2.2 node-2 unknown']);
  assert.match(String(of(shown, '192.0.2.2')?.why), /says no tunneling_ip; its entry stays/);
});

test('an entry whose removal is held is shown with the reason', () => {
  const pass = tunnelPass(inPlace(['192.0.2.2', '192.0.2.9']), rowsOf({ 'node-2': '192.0.2.2' }));
  const key = pairKey(NETWORK.id, '192.0.2.9');
  const held = [{ key, device: linkName(DEVICE), taps: 0, text: '', reason: '7 of 9 would go' }];
  const shown = shownAfter(pass, held);
  assert.deepEqual(said(shown), ['192.0.2.9  held', '192.0.2.2 node-2 listed']);
  assert.equal(of(shown, '192.0.2.9')?.why, '7 of 9 would go');
});

test('two hosts with one endpoint are one entry with both names', () => {
  const rows = rowsOf({ 'node-2': '192.0.2.2', 'node-3': '192.0.2.2' });
  const shown = shownAfter(tunnelPass(inPlace(['192.0.2.2']), rows));
  assert.deepEqual(said(shown), ['192.0.2.2 node-2+node-3 listed']);
  assert.match(String(of(shown, '192.0.2.2')?.why), /several hosts/);
});

test('by multicast there are no endpoints but the group', () => {
  const multicast = { ranges: [], base: { group: '239.1.1.1', prefixLength: 32 } };
  const host = inPlace([], { group: '239.1.1.1' });
  const shown = shownAfter(tunnelPass(host, rowsOf(PEERS), { settings: { ...UNICAST, multicast } }));
  assert.deepEqual([shown.group, shown.endpoints], ['239.1.1.1', []]);
  assert.equal(tunnelInClause(shown), 'VNI 1001 from 192.0.2.1 to multicast group 239.1.1.1');
});

test('before anything was read the entries that are there are shown, and that they stay', () => {
  const shown = shownAfter(tunnelPass(inPlace(['192.0.2.2']), { hosts: {}, ends: {} }));
  assert.deepEqual([shown.isRead, said(shown)], [false, ['192.0.2.2  unknown']]);
  assert.match(tunnelInClause(shown), /the database has not said yet/);
});

test('of many endpoints those that need a look are told before the bound cuts the rest off, and all are counted', () => {
  const many = Object.fromEntries(
    Array.from({ length: 50 }, (_, at) => [`host-${at}`, `198.51.100.${at + 1}`]),
  );
  const rows = rowsOf({ ...many, 'node-4': 'it has no row in agents' });
  const shown = shownAfter(tunnelPass(inPlace(Object.values(many)), rows), [], 10);
  assert.equal(shown.endpoints.length, 10);
  assert.deepEqual(said(shown).slice(0, 2), ['null node-4 unknown', '198.51.100.1 host-0 listed']);
  assert.deepEqual([shown.counts.unknown, shown.counts.listed], [1, 50]);
});

test('the figures of all tunnels count each other end once, and every entry', () => {
  const rows = rowsOf({ ...PEERS, 'node-4': 'it has no row in agents' });
  const memory = tunnelPass(inPlace(['192.0.2.9']), rowsOf({ 'node-9': '192.0.2.9' })).memory;
  const pass = tunnelPass(inPlace(['192.0.2.2', '192.0.2.9']), rows, { memory });
  assert.deepEqual(forwardingStatus(pass), {
    endpoints: 2,
    entries: 2,
    removalsPending: 1,
    hostsUnknown: 1,
  });
});

test('what a single pass cannot know of an endpoint is taken from the running agent: whose it is, since when, and that it is held', () => {
  const rows = rowsOf({ 'node-2': '192.0.2.2', 'node-4': 'it has no row in agents' });
  const pass = tunnelPass(inPlace(['192.0.2.2', '192.0.2.9']), rows);
  const planned = { tunnels: { ...pass, evicted: [] }, report: { held: [] } };
  const alone = explainedTunnel(NETWORK.id, planned, null);
  assert.ok(alone);
  assert.deepEqual(said(alone), ['192.0.2.9  unknown', 'null node-4 unknown', '192.0.2.2 node-2 listed']);
  const remembered = {
    ...alone,
    endpoints: [
      { endpoint: '192.0.2.9', hosts: ['node-9'], state: 'held', sinceMs: 5, why: 'too many' },
      { endpoint: '192.0.2.2', hosts: ['node-2'], state: 'missing', sinceMs: 7, why: null },
    ],
  } as const;
  const explained = explainedTunnel(NETWORK.id, planned, remembered);
  assert.ok(explained);
  assert.deepEqual(said(explained), [
    'null node-4 unknown',
    '192.0.2.9 node-9 held',
    '192.0.2.2 node-2 listed',
  ]);
  assert.deepEqual([of(explained, '192.0.2.2')?.sinceMs, explained.counts.held], [7, 1]);
});
