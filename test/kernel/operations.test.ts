import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { writeIpv6Settings } from '../../src/kernel/sysctl.js';
import { linkName } from '../../src/model/ids.js';
import { ip, ipJson, ipLink, makeTap } from '../support/host/netns.js';
import {
  about,
  applied,
  attach,
  BRIDGE,
  createBridge,
  detach,
  kernelInNamespace,
  linkOf,
  madeRef,
  refOf,
  refused,
} from './fixture.js';

const LABEL = 'quantum-linuxbridge-agent:aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const conf = (link: string, file: string): string =>
  readFileSync(`/proc/sys/net/ipv6/conf/${link}/${file}`, 'utf8').trim();

test('create-bridge makes a bridge that is down, with STP off, forward delay 0 and its MAC address pinned', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge(BRIDGE, 'fa:16:3e:ff:ff:ff'));
  const bridge = ipLink(ns, BRIDGE);
  assert.equal(bridge?.linkinfo?.info_kind, 'bridge');
  assert.equal(bridge.linkinfo.info_data?.stp_state, 0);
  assert.equal(bridge.linkinfo.info_data?.forward_delay, 0);
  assert.ok(!bridge.flags.includes('UP'));
  // A bridge whose address is not pinned takes the lowest of its ports'.
  makeTap(ns, 'tap1');
  ip(ns, 'link', 'set', 'tap1', 'address', '02:00:00:00:00:01', 'master', BRIDGE);
  assert.equal(ipLink(ns, BRIDGE)?.address, 'fa:16:3e:ff:ff:ff');
});

test('create-bridge twice succeeds and leaves the one bridge', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  const index = ipLink(ns, BRIDGE)?.ifindex;
  applied(kernel, createBridge());
  assert.equal(ipLink(ns, BRIDGE)?.ifindex, index);
});

test('create-bridge asks for VLAN filtering without failing on a kernel that has none', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, { ...about(BRIDGE), op: 'create-bridge', mac: 'fa:16:3e:00:00:01', vlanFiltering: true });
  const seen = linkOf(kernel, BRIDGE).detail;
  const witness = ipLink(ns, BRIDGE)?.linkinfo?.info_data;
  assert.equal(seen.kind, 'bridge');
  const filtering = witness?.vlan_protocol === undefined ? null : witness.vlan_filtering === 1;
  assert.equal(seen.kind === 'bridge' && seen.vlanFiltering, filtering);
  assert.notEqual(filtering, false);
});

test('create-bridge does not take over what has its name but not its form', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, BRIDGE);
  const failure = refused(kernel, createBridge());
  assert.equal(failure.errno, 'EEXIST');
  assert.equal(failure.worldChanged, true);
  ip(ns, 'link', 'del', BRIDGE);
  ip(ns, 'link', 'add', BRIDGE, 'type', 'bridge');
  assert.equal(refused(kernel, createBridge()).errno, 'EEXIST');
});

test('create-bridge does not take over a bridge that is labelled for another network', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  ip(ns, 'link', 'set', BRIDGE, 'alias', 'quantum-linuxbridge-agent:aaaaaaaa-bbbb-other');
  assert.equal(refused(kernel, createBridge()).errno, 'EEXIST');
});

test('one list makes a bridge, labels it, silences IPv6 on it, sets it up and attaches a tap', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'tap1');
  applied(
    kernel,
    createBridge(),
    { ...about(BRIDGE), op: 'set-label', target: madeRef(BRIDGE), label: LABEL },
    { ...about(BRIDGE), op: 'disable-ipv6', target: madeRef(BRIDGE) },
    { ...about(BRIDGE), op: 'set-up', target: madeRef(BRIDGE) },
    { ...about('tap1'), op: 'disable-ipv6', target: refOf(kernel, 'tap1') },
    attach(refOf(kernel, 'tap1'), madeRef(BRIDGE)),
    { ...about('tap1'), op: 'set-up', target: refOf(kernel, 'tap1') },
  );
  const bridge = ipLink(ns, BRIDGE);
  assert.equal(bridge?.ifalias, LABEL);
  assert.ok(bridge.flags.includes('UP'));
  assert.equal(conf(BRIDGE, 'disable_ipv6'), '1');
  assert.equal(conf('tap1', 'disable_ipv6'), '1');
  assert.equal(ipLink(ns, 'tap1')?.master, BRIDGE);
  assert.ok(ipLink(ns, 'tap1')?.flags.includes('UP'));
  assert.deepEqual(ipJson(ns, '-6', 'address', 'show', 'dev', BRIDGE), []);
});

test('what disable-ipv6 did is in the picture though the kernel announces it to nobody', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'tap1');
  const before = kernel.observe();
  assert.equal(linkOf(kernel, 'tap1').ipv6?.disabled, false);
  applied(kernel, { ...about('tap1'), op: 'disable-ipv6', target: refOf(kernel, 'tap1') });
  assert.equal(linkOf(kernel, 'tap1').ipv6?.disabled, true);
  assert.ok(kernel.observe().version > before.version);
});

test('set-ipv6 writes the four settings of the one link, a dot in its name included', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'eth0.100');
  makeTap(ns, 'eth0');
  applied(kernel, {
    ...about('eth0.100'),
    op: 'set-ipv6',
    target: refOf(kernel, 'eth0.100'),
    settings: { disabled: false, acceptRa: 2, autoconf: false, forwarding: true },
  });
  assert.equal(conf('eth0.100', 'accept_ra'), '2');
  assert.equal(conf('eth0.100', 'autoconf'), '0');
  assert.equal(conf('eth0.100', 'forwarding'), '1');
  assert.equal(conf('eth0', 'forwarding'), '0');
  assert.deepEqual(linkOf(kernel, 'eth0.100').ipv6, {
    disabled: false,
    acceptRa: 2,
    autoconf: false,
    forwarding: true,
  });
});

test('a name that would lead to another path than the link’s own is refused', (t) => {
  kernelInNamespace(t);
  for (const name of ['..', '.', 'a/b', '', 'all', 'default', 'tap\ufffd']) {
    const write = () => writeIpv6Settings(linkName(name), { disabled: true });
    assert.throws(write, { code: 'EINVAL' }, JSON.stringify(name));
  }
  assert.equal(conf('all', 'disable_ipv6'), '0');
});

test('set-mac, set-mtu and set-bridge-options change what they name', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  ip(ns, 'link', 'add', 'br1', 'type', 'bridge', 'stp_state', '1', 'forward_delay', '1500');
  const target = refOf(kernel, 'br1');
  applied(
    kernel,
    { ...about('br1'), op: 'set-mac', target, mac: 'fa:16:3e:00:00:09' },
    { ...about('br1'), op: 'set-mtu', target, mtu: 1400 },
    { ...about('br1'), op: 'set-bridge-options', target },
  );
  const bridge = ipLink(ns, 'br1');
  assert.equal(bridge?.address, 'fa:16:3e:00:00:09');
  assert.equal(bridge.mtu, 1400);
  assert.equal(bridge.linkinfo?.info_data?.stp_state, 0);
  assert.equal(bridge.linkinfo?.info_data?.forward_delay, 0);
});

test('an impossible MTU is refused in the kernel’s own words', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'tap1');
  const failure = refused(kernel, {
    ...about('tap1'),
    op: 'set-mtu',
    target: refOf(kernel, 'tap1'),
    mtu: 100_000,
  });
  assert.equal(failure.errno, 'EINVAL');
  assert.match(failure.message, /mtu greater than device maximum/);
  assert.equal(failure.worldChanged, false);
});

test('detach takes a tap out of its bridge, and a second time changes nothing', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  makeTap(ns, 'tap1');
  ip(ns, 'link', 'set', 'tap1', 'master', BRIDGE);
  const operation = detach(refOf(kernel, 'tap1'), refOf(kernel, BRIDGE));
  applied(kernel, operation);
  assert.equal(ipLink(ns, 'tap1')?.master, undefined);
  const before = kernel.observe();
  applied(kernel, operation);
  assert.equal(kernel.observe(), before);
});

test('delete-bridge deletes an empty bridge, and one that is gone already is no error', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  const target = refOf(kernel, BRIDGE);
  applied(kernel, { ...about(BRIDGE), op: 'delete-bridge', target });
  assert.equal(ipLink(ns, BRIDGE), undefined);
  applied(kernel, { ...about(BRIDGE), op: 'delete-bridge', target });
  assert.equal(kernel.observe().byName.has(linkName(BRIDGE)), false);
});

test('delete-bridge refuses a bridge that got a port or an address since the plan was made', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  makeTap(ns, 'tap1');
  ip(ns, 'link', 'set', 'tap1', 'master', BRIDGE);
  const operation = { ...about(BRIDGE), op: 'delete-bridge', target: refOf(kernel, BRIDGE) } as const;
  const failure = refused(kernel, operation);
  assert.deepEqual([failure.errno, failure.worldChanged], ['EBUSY', true]);
  ip(ns, 'link', 'set', 'tap1', 'nomaster');
  ip(ns, 'address', 'add', '10.1.0.1/24', 'dev', BRIDGE);
  assert.equal(refused(kernel, operation).errno, 'EBUSY');
  assert.ok(ipLink(ns, BRIDGE));
});
