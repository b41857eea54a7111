import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ForwardingEntry, floodEntry } from '../../../src/model/forwarding.js';
import type { LinkRef, Operation } from '../../../src/model/operation.js';
import { fdb, fdbOf } from '../../support/host/fdb.js';
import { reaches } from '../../support/host/neighbour.js';
import { ip, makeNamespace, makeVeth } from '../../support/host/netns.js';
import { HANG_LIMIT_MS } from '../../support/limit.js';
import { about, eventually, refused } from '../fixture.js';
import { create, DEVICE, type TunnelHost, tunnelHost } from './fixture.js';

const set = (
  target: LinkRef,
  add: readonly ForwardingEntry[],
  remove: readonly ForwardingEntry[] = [],
): Operation => ({ ...about(DEVICE), op: 'set-forwarding', target, add, remove });

const entriesOf = ({ table, link }: TunnelHost, device = DEVICE): readonly ForwardingEntry[] => {
  const { index } = link(device);
  return table.look([index]).get(index) ?? [];
};

const endpointsOf = (host: TunnelHost): string[] => entriesOf(host).map(({ endpoint }) => endpoint);
const shown = ({ ns }: TunnelHost): string[] =>
  fdbOf(ns, DEVICE)
    .map(({ dst }) => dst)
    .sort();

function tunnelWith(t: Parameters<typeof tunnelHost>[0], local = '192.0.2.1'): TunnelHost {
  const host = tunnelHost(t);
  host.apply(create({ local }));
  ip(host.ns, 'link', 'set', DEVICE, 'up');
  return host;
}

test('set-forwarding adds to the flood list and takes out of it, and what is so already is no error', (t) => {
  const host = tunnelWith(t);
  const target = host.ref(DEVICE);
  host.apply(set(target, [floodEntry('192.0.2.2'), floodEntry('192.0.2.3')]));
  assert.deepEqual(shown(host), ['192.0.2.2', '192.0.2.3']);
  assert.ok(
    fdbOf(host.ns, DEVICE).every(({ mac, state }) => mac === '00:00:00:00:00:00' && state === 'permanent'),
  );
  host.apply(set(target, [floodEntry('192.0.2.3'), floodEntry('192.0.2.4')], [floodEntry('192.0.2.2')]));
  host.apply(set(target, [], [floodEntry('192.0.2.2')]));
  assert.deepEqual(shown(host), ['192.0.2.3', '192.0.2.4']);
  assert.deepEqual(entriesOf(host), [floodEntry('192.0.2.3'), floodEntry('192.0.2.4')]);
  for (let round = 0; round < 2; round++) host.apply(set(target, [], entriesOf(host)));
  host.apply(set(target, [], [floodEntry('192.0.2.3')]));
  assert.deepEqual(shown(host), []);
});

test('set-forwarding with an IPv6 underlay', (t) => {
  const host = tunnelWith(t, '2001:db8::1');
  host.apply(set(host.ref(DEVICE), [floodEntry('2001:db8::2'), floodEntry('fd00:0:0:1::')]));
  assert.deepEqual(shown(host), ['2001:db8::2', 'fd00:0:0:1::']);
  assert.deepEqual(endpointsOf(host), ['2001:db8::2', 'fd00:0:0:1::']);
});

test('set-forwarding tries everything and tells how many were refused', (t) => {
  const host = tunnelWith(t);
  const entries = ['2001:db8::2', '192.0.2.2', '2001:db8::3'].map(floodEntry);
  assert.match(
    refused(host.kernel, set(host.ref(DEVICE), entries)).message,
    /Could not add an entry of vxlan-1001 \(2 were refused\): EAFNOSUPPORT/,
  );
  assert.deepEqual(shown(host), ['192.0.2.2']);
});

test('three thousand entries are one operation, and are read as they are', (t) => {
  const host = tunnelWith(t);
  const entries = Array.from({ length: 3_000 }, (_, at) => floodEntry(`10.${at >> 8}.${at & 255}.1`));
  host.apply(set(host.ref(DEVICE), entries));
  assert.equal(shown(host).length, 3_000);
  assert.deepEqual(new Set(endpointsOf(host)), new Set(entries.map(({ endpoint }) => endpoint)));
  host.apply(set(host.ref(DEVICE), [], entries));
  assert.deepEqual(shown(host), []);
  assert.deepEqual(entriesOf(host), []);
});

test('what somebody else writes and deletes is announced, and nothing is read again without', async (t) => {
  const host = tunnelWith(t);
  const before = entriesOf(host);
  assert.equal(entriesOf(host), before);
  let looks = 0;
  host.table.watch(() => looks++);
  fdb(host.ns, 'append', '00:00:00:00:00:00', 'dev', DEVICE, 'dst', '192.0.2.7');
  await eventually('the announcement', () => looks === 1);
  const { index } = host.link(DEVICE);
  assert.deepEqual(endpointsOf(host), ['192.0.2.7']);
  const now = host.table.look([index]);
  assert.equal(host.table.look([index]), now);
  fdb(host.ns, 'del', '00:00:00:00:00:00', 'dev', DEVICE, 'dst', '192.0.2.7');
  await eventually('the second announcement', () => looks === 2);
  assert.deepEqual(endpointsOf(host), []);
});

test('the entries of a tunnel that is gone, and those of another, are not in the picture', (t) => {
  const host = tunnelWith(t);
  host.apply(create({ vni: 1002 }, 'vxlan-1002'));
  fdb(host.ns, 'append', '00:00:00:00:00:00', 'dev', 'vxlan-1002', 'dst', '192.0.2.8');
  fdb(host.ns, 'append', '00:00:00:00:00:00', 'dev', DEVICE, 'dst', '192.0.2.7');
  const { index } = host.link(DEVICE);
  assert.deepEqual(host.table.look([index]).get(index), [floodEntry('192.0.2.7')]);
  ip(host.ns, 'link', 'del', DEVICE);
  assert.deepEqual(host.table.look([index]).get(index), []);
});

test('an overrun of announcements: every tunnel is read again', (t) => {
  const host = tunnelWith(t);
  entriesOf(host);
  const lines = Array.from(
    { length: 60_000 },
    (_, at) => `fdb ${at % 2 ? 'del' : 'append'} 00:00:00:00:00:00 dev ${DEVICE} dst 192.0.2.9`,
  );
  batch(host.ns, [...lines, `fdb append 00:00:00:00:00:00 dev ${DEVICE} dst 192.0.2.7`]);
  assert.ok(droppedByNeighbours() > 0, 'there was no overrun');
  assert.deepEqual(endpointsOf(host), ['192.0.2.7']);
});

test('what the kernel learns from frames announces nothing, however much a guest sends, and is no entry', (t) => {
  const host = tunnelWith(t);
  entriesOf(host);
  // The kernel announces such an entry exactly as one that it has learned: dynamic, of the tunnel's own database.
  const lines = Array.from({ length: 5_000 }, (_, at) => {
    const tail = [at >> 8, at & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    return `fdb append fa:16:3e:00:${tail} dev ${DEVICE} dst 192.0.2.2 dynamic`;
  });
  batch(host.ns, lines);
  assert.equal(fdbOf(host.ns, DEVICE).length, 5_000);
  assert.equal(waitingAtNeighbours(), 0);
  assert.deepEqual(entriesOf(host), []);
});

/** Many commands of `bridge` in one process. */
const batch = (ns: string, lines: readonly string[]): void => {
  execFileSync('bridge', ['-n', ns, '-batch', '-'], { input: lines.join('\n'), timeout: HANG_LIMIT_MS });
};

/** The socket in this namespace that is subscribed to neighbours: its columns in /proc. */
function neighbourSocket(): readonly string[] {
  const [, ...rows] = readFileSync('/proc/self/net/netlink', 'utf8').trim().split('\n');
  const found = rows.map((row) => row.trim().split(/\s+/)).find(([, , , groups]) => groups === '00000004');
  assert.ok(found, 'nothing is subscribed to neighbours');
  return found;
}
const waitingAtNeighbours = (): number => Number(neighbourSocket()[4]);
const droppedByNeighbours = (): number => Number(neighbourSocket()[8]);

test('a tunnel that a Neutron agent made is recognised with every entry that it wrote', (t) => {
  const host = tunnelHost(t);
  ip(host.ns, 'link', 'add', 'eth1', 'type', 'bridge');
  // As Zed's agent makes it with l2_population and without: ip_lib.add_vxlan and its calls of `bridge fdb`.
  const neutron = ['id', '1001', 'dev', 'eth1', 'srcport', '0', '0', 'dstport', '8472', 'local', '192.0.2.1'];
  ip(host.ns, 'link', 'add', DEVICE, 'type', 'vxlan', ...neutron, 'proxy');
  ip(
    host.ns,
    'link',
    'add',
    'vxlan-7',
    'type',
    'vxlan',
    'id',
    '7',
    'group',
    '224.0.0.1',
    'dev',
    'eth1',
    'dstport',
    '8472',
  );
  fdb(host.ns, 'append', '00:00:00:00:00:00', 'dev', DEVICE, 'dst', '192.0.2.2');
  fdb(host.ns, 'replace', 'fa:16:3e:00:00:05', 'dev', DEVICE, 'dst', '192.0.2.3');
  const eth1 = host.link('eth1').index;
  const common = { port: 8472, underlay: eth1, learning: true };
  assert.deepEqual(host.link(DEVICE).detail, {
    ...common,
    kind: 'vxlan',
    vni: 1001,
    local: '192.0.2.1',
    group: null,
    proxy: true,
  });
  assert.deepEqual(host.link('vxlan-7').detail, {
    ...common,
    kind: 'vxlan',
    vni: 7,
    local: null,
    group: '224.0.0.1',
    proxy: false,
  });
  const address = { ...floodEntry('192.0.2.3'), mac: 'fa:16:3e:00:00:05' };
  assert.deepEqual(entriesOf(host), [floodEntry('192.0.2.2'), address]);
  const group = { ...floodEntry('224.0.0.1'), via: eth1 };
  assert.deepEqual(entriesOf(host, 'vxlan-7'), [group]);
  host.apply(set(host.ref(DEVICE), [], [address]), {
    ...set(host.ref('vxlan-7'), [], [group]),
    device: host.ref('vxlan-7').name,
  });
  assert.deepEqual(shown(host), ['192.0.2.2']);
  assert.deepEqual(fdbOf(host.ns, 'vxlan-7'), []);
});

for (const { family, here, there, length } of [
  { family: 'IPv4', here: '192.0.2.1', there: '192.0.2.2', length: 24 },
  { family: 'IPv6', here: '2001:db8::1', there: '2001:db8::2', length: 64 },
]) {
  test(`two hosts with each other in their flood lists exchange frames over ${family}, and none without`, async (t) => {
    const far = makeNamespace(t);
    const host = tunnelHost(t);
    makeVeth(host.ns, 'eth0', far, 'eth0');
    ip(host.ns, 'address', 'add', `${here}/${length}`, 'dev', 'eth0', ...(length === 64 ? ['nodad'] : []));
    ip(far, 'address', 'add', `${there}/${length}`, 'dev', 'eth0', ...(length === 64 ? ['nodad'] : []));
    host.apply(create({ local: here }));
    ip(host.ns, 'address', 'add', '10.9.0.1/24', 'dev', DEVICE);
    ip(host.ns, 'link', 'set', DEVICE, 'up');
    ip(far, 'link', 'add', DEVICE, 'type', 'vxlan', 'id', '1001', 'local', there, 'dstport', '8472');
    ip(far, 'address', 'add', '10.9.0.2/24', 'dev', DEVICE);
    ip(far, 'link', 'set', DEVICE, 'up');
    fdb(far, 'append', '00:00:00:00:00:00', 'dev', DEVICE, 'dst', here);
    assert.equal(await reaches(host.ns, '10.9.0.2', 1_000), false);
    host.apply(set(host.ref(DEVICE), [floodEntry(there)]));
    entriesOf(host);
    let looks = 0;
    host.table.watch(() => looks++);
    assert.equal(await reaches(host.ns, '10.9.0.2', HANG_LIMIT_MS), true);
    // Learned: nobody has written the guest's own address.
    assert.ok(fdbOf(host.ns, DEVICE).some(({ mac, dst }) => mac !== '00:00:00:00:00:00' && dst === there));
    assert.deepEqual([endpointsOf(host), looks], [[there], 0]);
  });
}
