import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { Kernel } from '../../../src/model/kernel.js';
import type { Operation } from '../../../src/model/operation.js';
import {
  type Cleanup,
  endProcess,
  ip,
  ipBatch,
  ipLink,
  makeNamespace,
  makeVeth,
  spawnIn,
} from '../../support/host/netns.js';
import { HANG_LIMIT_MS } from '../../support/limit.js';
import {
  about,
  applied,
  attach,
  BRIDGE,
  createBridge,
  indexOf,
  kernelInNamespace,
  linkOf,
  madeRef,
  refOf,
  refused,
} from '../fixture.js';

function hostWithUplink(t: Cleanup): { ns: string; outside: string; kernel: Kernel } {
  const { ns, kernel } = kernelInNamespace(t);
  const outside = makeNamespace(t);
  makeVeth(ns, 'eth0', outside, 'port0');
  return { ns, outside, kernel };
}

const createSubinterface = (kernel: Kernel, name = 'eth0.100', vlanId = 100): Operation => ({
  ...about(name),
  op: 'create-subinterface',
  parent: refOf(kernel, 'eth0'),
  vlanId,
});

test('create-subinterface makes an 802.1Q VLAN device on its parent, not up', (t) => {
  const { ns, kernel } = hostWithUplink(t);
  applied(kernel, createSubinterface(kernel));
  const link = ipLink(ns, 'eth0.100');
  assert.equal(link?.link, 'eth0');
  assert.equal(link.linkinfo?.info_kind, 'vlan');
  assert.equal(link.linkinfo.info_data?.id, 100);
  assert.equal(link.linkinfo.info_data?.protocol, '802.1Q');
  assert.ok(!link.flags.includes('UP'));
});

test('create-subinterface twice succeeds and leaves the one device', (t) => {
  const { ns, kernel } = hostWithUplink(t);
  applied(kernel, createSubinterface(kernel));
  const index = ipLink(ns, 'eth0.100')?.ifindex;
  applied(kernel, createSubinterface(kernel));
  assert.equal(ipLink(ns, 'eth0.100')?.ifindex, index);
});

for (const [what, line] of [
  ['another VLAN id', 'link add link eth0 name eth0.100 type vlan id 101'],
  ['another protocol', 'link add link eth0 name eth0.100 type vlan protocol 802.1ad id 100'],
  ['another kind', 'tuntap add dev eth0.100 mode tap'],
  ['another name for the VLAN', 'link add link eth0 name mine type vlan id 100'],
] as const) {
  test(`create-subinterface does not take over a device with ${what}`, (t) => {
    const { ns, kernel } = hostWithUplink(t);
    ipBatch(ns, [line]);
    const failure = refused(kernel, createSubinterface(kernel));
    assert.deepEqual([failure.errno, failure.worldChanged], ['EEXIST', true]);
  });
}

test('a parent that is gone fails as a changed world', (t) => {
  const { ns, kernel } = hostWithUplink(t);
  const operation = createSubinterface(kernel);
  ip(ns, 'link', 'del', 'eth0');
  const failure = refused(kernel, operation);
  assert.deepEqual([failure.errno, failure.worldChanged], ['ENODEV', true]);
});

test('the picture tells parent, VLAN id and protocol', (t) => {
  const { ns, kernel } = hostWithUplink(t);
  ipBatch(ns, [
    'link add link eth0 name eth0.100 type vlan id 100',
    'link add link eth0 name eth0.7 type vlan protocol 802.1ad id 7',
  ]);
  const parent = linkOf(kernel, 'eth0').index;
  assert.deepEqual(linkOf(kernel, 'eth0.100').detail, {
    kind: 'vlan',
    parent,
    vlanId: 100,
    protocol: '802.1Q',
  });
  assert.deepEqual(linkOf(kernel, 'eth0.7').detail, { kind: 'vlan', parent, vlanId: 7, protocol: '802.1ad' });
});

test('a parent in another namespace is not taken for the link that has its number here', (t) => {
  const { ns, outside, kernel } = hostWithUplink(t);
  ip(outside, 'link', 'add', 'link', 'port0', 'name', 'vlan9', 'type', 'vlan', 'id', '9');
  ip(outside, 'link', 'set', 'vlan9', 'netns', ns);
  const { detail } = linkOf(kernel, 'vlan9');
  assert.ok(detail.kind === 'vlan');
  assert.equal(kernel.observe().links.has(detail.parent), false);
});

test('delete-subinterface deletes it; one that went with its parent is no error', (t) => {
  const { ns, kernel } = hostWithUplink(t);
  for (const make of [() => ip(ns, 'link', 'show', 'lo'), () => ip(ns, 'link', 'del', 'eth0')]) {
    applied(kernel, createSubinterface(kernel));
    const target = refOf(kernel, 'eth0.100');
    make();
    applied(kernel, { ...about('eth0.100'), op: 'delete-subinterface', target });
    assert.equal(ipLink(ns, 'eth0.100'), undefined);
    assert.equal(kernel.observe().links.has(indexOf(target.index ?? 0)), false);
  }
});

test('delete-subinterface does not delete what is no VLAN device', (t) => {
  const { ns, kernel } = hostWithUplink(t);
  const failure = refused(kernel, {
    ...about('eth0'),
    op: 'delete-subinterface',
    target: refOf(kernel, 'eth0'),
  });
  assert.equal(failure.errno, 'ENODEV');
  assert.ok(ipLink(ns, 'eth0'));
});

test('one list wires a VLAN network, and a connection passes tagged', async (t) => {
  const { ns, outside, kernel } = hostWithUplink(t);
  applied(
    kernel,
    createBridge(),
    { ...about(BRIDGE), op: 'set-up', target: madeRef(BRIDGE) },
    createSubinterface(kernel),
    { ...about('eth0.100'), op: 'disable-ipv6', target: madeRef('eth0.100') },
    { ...about('eth0.100'), op: 'set-up', target: madeRef('eth0.100') },
    attach(madeRef('eth0.100'), madeRef(BRIDGE)),
  );
  assert.equal(ipLink(ns, 'eth0.100')?.master, BRIDGE);
  ip(ns, 'address', 'add', '10.0.0.1/24', 'dev', BRIDGE);
  ipBatch(outside, [
    'link add link port0 name port0.100 type vlan id 100',
    'link set port0.100 up',
    'address add 10.0.0.2/24 dev port0.100',
  ]);
  const script = "require('net').createServer(c => c.end('here')).listen(7007, () => console.log('up'))";
  const server = spawnIn(outside, process.execPath, '-e', script);
  t.after(() => endProcess(server));
  if (server.stdout) await once(server.stdout, 'data');
  const socket = connect({ host: '10.0.0.2', port: 7007 });
  const [greeting] = await once(socket, 'data', { signal: AbortSignal.timeout(HANG_LIMIT_MS) });
  assert.equal(String(greeting), 'here');
});

for (const wanted of [true, false]) {
  test(`create-bridge with VLAN filtering ${wanted ? 'on' : 'off'} gives it where the kernel can`, (t) => {
    const { ns, kernel } = hostWithUplink(t);
    applied(kernel, {
      ...about(BRIDGE),
      op: 'create-bridge',
      mac: 'fa:16:3e:00:00:01',
      vlanFiltering: wanted,
    });
    const data = ipLink(ns, BRIDGE)?.linkinfo?.info_data;
    const { detail } = linkOf(kernel, BRIDGE);
    assert.ok(detail.kind === 'bridge');
    if (data?.vlan_protocol === undefined) assert.equal(detail.vlanFiltering, null);
    else assert.deepEqual([data.vlan_filtering, detail.vlanFiltering], [Number(wanted), wanted]);
  });
}
