import assert from 'node:assert/strict';
import { test } from 'node:test';
import { floodEntry } from '../../../src/model/forwarding.js';
import type { Operation } from '../../../src/model/operation.js';
import { fdbOf } from '../../support/host/fdb.js';
import { ip, ipLink } from '../../support/host/netns.js';
import { about, refused } from '../fixture.js';
import { create, DEVICE, tunnelHost } from './fixture.js';

const infoOf = (ns: string, device = DEVICE): Record<string, unknown> =>
  ipLink(ns, device)?.linkinfo?.info_data ?? {};

test('create-vxlan makes a tunnel of its VNI that is down, learns, answers nobody and stands on no interface', (t) => {
  const { ns, apply, link } = tunnelHost(t);
  apply(create());
  const { id, local, port, learning, proxy, link: underlay, group } = infoOf(ns);
  assert.deepEqual(
    { id, local, port, learning, proxy, underlay, group },
    {
      id: 1001,
      local: '192.0.2.1',
      port: 8472,
      learning: true,
      proxy: undefined,
      underlay: undefined,
      group: undefined,
    },
  );
  assert.ok(!ipLink(ns, DEVICE)?.flags.includes('UP'));
  assert.deepEqual(link(DEVICE).detail, {
    kind: 'vxlan',
    vni: 1001,
    port: 8472,
    local: '192.0.2.1',
    group: null,
    underlay: null,
    learning: true,
    proxy: false,
  });
});

test('create-vxlan takes the other port, ttl, tos and source ports that are asked for', (t) => {
  const { ns, apply } = tunnelHost(t);
  apply(create({ port: 4789, ttl: 32, tos: 8, sourcePorts: { min: 40_000, max: 50_000 } }));
  const { port, ttl, tos, port_range } = infoOf(ns);
  assert.deepEqual([port, ttl, Number(tos)], [4789, 32, 8]);
  assert.deepEqual(port_range, { low: 40_000, high: 50_000 });
});

test('create-vxlan on an IPv6 underlay', (t) => {
  const { ns, apply, link } = tunnelHost(t);
  apply(create({ local: '2001:db8::1' }));
  assert.equal(infoOf(ns).local6, '2001:db8::1');
  const { detail } = link(DEVICE);
  assert.equal(detail.kind === 'vxlan' && detail.local, '2001:db8::1');
});

test('create-vxlan in multicast mode floods to the group over the interface it is told', (t) => {
  const { ns, apply, ref, link, table } = tunnelHost(t);
  ip(ns, 'link', 'add', 'eth1', 'type', 'bridge');
  apply(create({ multicast: { group: '239.1.1.1', underlay: ref('eth1') } }));
  assert.deepEqual([infoOf(ns).group, infoOf(ns).link], ['239.1.1.1', 'eth1']);
  const eth1 = link('eth1').index;
  const { index, detail } = link(DEVICE);
  assert.ok(detail.kind === 'vxlan' && detail.group === '239.1.1.1' && detail.underlay === eth1);
  assert.deepEqual(table.look([index]).get(index), [
    { mac: '00:00:00:00:00:00', endpoint: '239.1.1.1', port: null, vni: null, via: eth1 },
  ]);
});

test('create-vxlan twice succeeds and leaves the one tunnel', (t) => {
  const { ns, apply } = tunnelHost(t);
  apply(create());
  const index = ipLink(ns, DEVICE)?.ifindex;
  apply(create());
  assert.equal(ipLink(ns, DEVICE)?.ifindex, index);
});

test('create-vxlan does not take over what has its name but not its form', (t) => {
  const { ns, kernel } = tunnelHost(t);
  for (const words of [
    ['type', 'bridge'],
    ['type', 'vxlan', 'id', '7', 'local', '192.0.2.1', 'dstport', '8472'],
    ['type', 'vxlan', 'id', '1001', 'local', '192.0.2.1', 'dstport', '8472', 'proxy'],
    ['type', 'vxlan', 'external', 'dstport', '8472'],
  ]) {
    ip(ns, 'link', 'add', DEVICE, ...words);
    const { errno, worldChanged } = refused(kernel, create());
    assert.deepEqual([errno, worldChanged], ['EEXIST', true]);
    ip(ns, 'link', 'del', DEVICE);
  }
});

test('create-vxlan says so when a link of another name has its VNI', (t) => {
  const { ns, kernel } = tunnelHost(t);
  ip(ns, 'link', 'add', 'other', 'type', 'vxlan', 'id', '1001', 'dstport', '8472');
  assert.match(refused(kernel, create()).message, /Could not make vxlan-1001: EEXIST/);
});

const set = (target: Operation & { op: 'set-vxlan' }): Operation => target;

test('set-vxlan changes learning and local of a tunnel that carries traffic, and keeps its entries', (t) => {
  const { ns, apply, ref, link } = tunnelHost(t);
  ip(ns, 'link', 'add', DEVICE, 'type', 'vxlan', 'id', '1001', 'dstport', '8472', 'nolearning');
  ip(ns, 'link', 'set', DEVICE, 'up');
  apply({
    ...about(DEVICE),
    op: 'set-forwarding',
    target: ref(DEVICE),
    add: [floodEntry('192.0.2.2')],
    remove: [],
  });
  const before = ipLink(ns, DEVICE)?.ifindex;
  apply(set({ ...about(DEVICE), op: 'set-vxlan', target: ref(DEVICE), learning: true, local: '192.0.2.1' }));
  assert.deepEqual([infoOf(ns).learning, infoOf(ns).local], [true, '192.0.2.1']);
  assert.equal(ipLink(ns, DEVICE)?.ifindex, before);
  assert.deepEqual(
    fdbOf(ns, DEVICE).map(({ dst }) => dst),
    ['192.0.2.2'],
  );
  const { detail } = link(DEVICE);
  assert.ok(detail.kind === 'vxlan' && detail.learning && detail.local === '192.0.2.1');
});

test('what was set on a tunnel that is down is in the picture, though nobody announces it', (t) => {
  const { apply, ref, link } = tunnelHost(t);
  apply(create());
  apply(set({ ...about(DEVICE), op: 'set-vxlan', target: ref(DEVICE), learning: false, local: '192.0.2.9' }));
  const { detail } = link(DEVICE);
  assert.ok(detail.kind === 'vxlan' && !detail.learning && detail.local === '192.0.2.9');
});

test('delete-vxlan deletes the tunnel, does nothing where it is gone, and no link of another kind', (t) => {
  const { ns, kernel, apply, ref } = tunnelHost(t);
  apply(create());
  const gone = ref(DEVICE);
  const operation = { ...about(DEVICE), op: 'delete-vxlan', target: gone } as const;
  apply(operation);
  assert.equal(ipLink(ns, DEVICE), undefined);
  apply(operation);
  ip(ns, 'link', 'add', 'eth1', 'type', 'bridge');
  assert.match(
    refused(kernel, { ...about('eth1'), op: 'delete-vxlan', target: ref('eth1') }).message,
    /is no tunnel/,
  );
});
