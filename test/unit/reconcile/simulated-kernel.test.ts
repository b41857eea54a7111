import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Link, type LinkRef, linkName, networkId, type Operation } from '../../../src/model/index.js';
import { buildLinks, type LinkWords } from '../../support/simulated/host-builder.js';
import {
  type SimulatedKernelOptions,
  SimulatedKill,
  simulateKernel,
} from '../../support/simulated/kernel.js';

/** The simulated kernel has the manners of the real one, as the kernel suite shows them. */
function kernelWith(words: LinkWords[], options: SimulatedKernelOptions = {}) {
  const kernel = simulateKernel(buildLinks(words), options);
  const ref = (name: string): LinkRef => {
    const link = kernel.observe().byName.get(linkName(name));
    return { name: linkName(name), index: link?.index ?? null } as LinkRef;
  };
  const on = (name: string, network = 'n1') =>
    ({ device: linkName(name), network: networkId(network), reason: 'a test', scope: 'network' }) as const;
  const errnos = (...operations: Operation[]) =>
    kernel.apply(operations).map((outcome) => (outcome.ok ? 'done' : outcome.failure.errno));
  const link = (name: string): Link | undefined => kernel.observe().byName.get(linkName(name));
  return { kernel, ref, on, errnos, link };
}

test('a link that is enslaved elsewhere is busy', () => {
  const { ref, on, errnos } = kernelWith([{ name: 'br0' }, { name: 'br1' }, { name: 'tap1', master: 'br0' }]);
  assert.deepEqual(errnos({ ...on('tap1'), op: 'attach', target: ref('tap1'), bridge: ref('br1') }), [
    'EBUSY',
  ]);
});

test('a subinterface cannot come up while its parent is down', () => {
  const { ref, on, errnos } = kernelWith([
    { name: 'eth1', up: false },
    { name: 'eth1.100', vlan: 100, up: false },
  ]);
  const up = (name: string): Operation => ({ ...on(name), op: 'set-up', target: ref(name) });
  assert.deepEqual(errnos(up('eth1.100')), ['ENETDOWN']);
  assert.deepEqual(errnos(up('eth1'), up('eth1.100')), ['done', 'done']);
});

test('a parent has each VLAN id once, under whatever name', () => {
  const { ref, on, errnos } = kernelWith([{ name: 'eth1' }, { name: 'lan', vlan: 100, parent: 'eth1' }]);
  const create: Operation = {
    ...on('eth1.100'),
    op: 'create-subinterface',
    parent: ref('eth1'),
    vlanId: 100,
  };
  assert.deepEqual(errnos(create), ['EEXIST']);
});

test('a deleted interface takes its VLAN devices along', () => {
  const { kernel, link } = kernelWith([{ name: 'eth1' }, { name: 'eth1.100', vlan: 100 }]);
  kernel.change((host) => host.remove(link('eth1')?.index as Link['index']));
  assert.equal(link('eth1.100'), undefined);
});

test('a bridge with IPv6 disabled refuses IPv6 addresses', () => {
  const words: LinkWords[] = [
    { name: 'eth1', addresses: ['2001:db8::5/64'] },
    { name: 'br1', ipv6: 'disabled' },
  ];
  const { ref, on, errnos, link } = kernelWith(words);
  const move: Operation = {
    ...on('eth1'),
    op: 'move-addresses',
    from: ref('eth1'),
    to: ref('br1'),
    membership: 'join',
    addresses: link('eth1')?.addresses ?? [],
    routes: [],
  };
  assert.deepEqual(errnos(move), ['EACCES']);
  assert.equal(link('eth1')?.addresses.length, 1);
});

test('a subinterface has at most the MTU of its parent, and follows it down', () => {
  const { ref, on, errnos, link } = kernelWith([{ name: 'eth1' }, { name: 'eth1.100', vlan: 100 }]);
  const mtu = (name: string, value: number): Operation => ({
    ...on(name),
    op: 'set-mtu',
    target: ref(name),
    mtu: value,
  });
  assert.deepEqual(errnos(mtu('eth1.100', 1501)), ['ERANGE']);
  assert.deepEqual(errnos(mtu('eth1', 1400)), ['done']);
  assert.equal(link('eth1.100')?.mtu, 1400);
});

test('a bridge takes the lowest MTU of its ports, unless it was given one', () => {
  const words: LinkWords[] = [
    { name: 'br1' },
    { name: 'br2' },
    { name: 'tap1', mtu: 1400 },
    { name: 'tap2', mtu: 1400 },
  ];
  const { ref, on, errnos, link } = kernelWith(words);
  errnos(
    { ...on('br2'), op: 'set-mtu', target: ref('br2'), mtu: 1450 },
    { ...on('tap1'), op: 'attach', target: ref('tap1'), bridge: ref('br1') },
    { ...on('tap2'), op: 'attach', target: ref('tap2'), bridge: ref('br2') },
  );
  assert.deepEqual([link('br1')?.mtu, link('br2')?.mtu], [1400, 1450]);
});

test('a bridge is made down, with its MAC address', () => {
  const { on, errnos, link } = kernelWith([]);
  errnos({ ...on('brq1'), op: 'create-bridge', mac: 'fa:00:00:00:00:01', vlanFiltering: true });
  assert.deepEqual([link('brq1')?.up, link('brq1')?.mac], [false, 'fa:00:00:00:00:01']);
});

test('only an empty bridge without addresses is deleted', () => {
  const words: LinkWords[] = [
    { name: 'br1' },
    { name: 'tap1', master: 'br1' },
    { name: 'br2', addresses: ['10.0.0.1/8'] },
  ];
  const { ref, on, errnos } = kernelWith(words);
  const drop = (name: string): Operation => ({ ...on(name, name), op: 'delete-bridge', target: ref(name) });
  assert.deepEqual(errnos(drop('br1'), drop('br2')), ['EBUSY', 'EBUSY']);
});

test('a failure stops its network, and nobody else', () => {
  const { ref, on, errnos } = kernelWith([{ name: 'br1' }, { name: 'br2' }], {
    fault: ({ op }) => (op === 'set-mtu' ? 'EINVAL' : null),
  });
  const label = (name: string, network: string): Operation => ({
    ...on(name, network),
    op: 'set-label',
    target: ref(name),
    label: 'x',
  });
  const broken: Operation = { ...on('br1', 'n1'), op: 'set-mtu', target: ref('br1'), mtu: 1 };
  assert.deepEqual(errnos(broken, label('br1', 'n1'), label('br2', 'n2')), ['EINVAL', 'SKIPPED', 'done']);
});

test('a failure of one device stops that device only', () => {
  const { ref, on, errnos } = kernelWith([{ name: 'tap1' }, { name: 'tap2' }], {
    fault: ({ op }) => (op === 'set-mtu' ? 'EINVAL' : null),
  });
  const up = (name: string): Operation => ({ ...on(name), op: 'set-up', target: ref(name), scope: 'device' });
  const broken: Operation = { ...on('tap1'), op: 'set-mtu', target: ref('tap1'), mtu: 1, scope: 'device' };
  assert.deepEqual(errnos(broken, up('tap1'), up('tap2')), ['EINVAL', 'SKIPPED', 'done']);
});

test('killed, it has done what it had done, and nothing more', () => {
  const { kernel, ref, on, link } = kernelWith(
    [
      { name: 'tap1', up: false },
      { name: 'tap2', up: false },
    ],
    { killAfter: 1 },
  );
  const up = (name: string): Operation => ({ ...on(name), op: 'set-up', target: ref(name) });
  assert.throws(() => kernel.apply([up('tap1'), up('tap2')]), SimulatedKill);
  assert.deepEqual([link('tap1')?.up, link('tap2')?.up], [true, false]);
});

test('it looks at most once until it has been observed', () => {
  const { kernel, link } = kernelWith([{ name: 'tap1' }, { name: 'tap2' }]);
  let looks = 0;
  kernel.watch(() => {
    looks += 1;
  });
  const remove = (name: string) => {
    const index = kernel.states.at(-1)?.byName.get(linkName(name))?.index;
    if (index !== undefined) kernel.change((host) => host.remove(index));
  };
  remove('tap1');
  remove('tap2');
  assert.equal(looks, 1);
  assert.equal(link('tap2'), undefined);
});
