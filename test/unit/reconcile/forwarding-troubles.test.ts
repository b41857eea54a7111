import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bridgeName, linkName, networkId } from '../../../src/model/index.js';
import { leftTunnels, reusedVniOperations } from '../../../src/reconcile/forwarding/reused-vni.js';
import type { SimulatedHost } from '../../support/simulated/host.js';
import {
  carryOutAll,
  DEVICE,
  inPlace,
  NETWORK,
  rowsOf,
  tunnelHost,
  tunnelPass,
  UNICAST,
  viewIn,
} from '../../support/simulated/tunnel-scene.js';

const PEERS = { 'node-2': '192.0.2.2', 'node-3': '192.0.2.3' };

for (const [why, local] of [
  ['is not set', null],
  ['is on no interface', '198.51.100.7'],
] as const) {
  test(`local_ip ${why}: told, and everything that is there stays`, () => {
    const { operations, codes } = tunnelPass(inPlace(['192.0.2.9']), rowsOf(PEERS), {
      settings: { ...UNICAST, local },
    });
    assert.deepEqual([operations, codes], [[], ['VXLAN_LOCAL_IP_MISSING']]);
  });
}

const FOREIGN: readonly (readonly [string, () => SimulatedHost])[] = [
  ['a device of another kind has its name', () => tunnelHost([{ name: DEVICE, kind: 'veth' }])],
  ['a tunnel of another VNI has its name', () => inPlace([], { vni: 7 })],
  ['a tunnel of another name has its VNI', () => tunnelHost([{ name: 'vtep7', kind: 'vxlan', vni: 1001 }])],
  [
    'it carries addresses of the host',
    () => tunnelHost([{ name: DEVICE, kind: 'vxlan', vni: 1001, addresses: ['10.9.0.1/24'] }]),
  ],
  [
    "it is in a bridge that is not the agent's",
    () =>
      tunnelHost([
        { name: 'br-ex', kind: 'bridge' },
        { name: DEVICE, kind: 'vxlan', vni: 1001, master: 'br-ex' },
      ]),
  ],
];
test("a tunnel in the network's bridge is its own whatever somebody has renamed it to", () => {
  const host = inPlace(['192.0.2.2', '192.0.2.3']);
  const device = host.named(DEVICE);
  assert.ok(device);
  host.put({ ...device, name: linkName('vtep7') });
  const { operations, codes } = tunnelPass(host, rowsOf(PEERS));
  assert.deepEqual([operations, codes], [[], []]);
});

for (const [what, make] of FOREIGN) {
  test(`${what}: not touched, not wired, told`, () => {
    const { operations, codes } = tunnelPass(make(), rowsOf(PEERS));
    assert.deepEqual([operations, codes], [[], ['VXLAN_DEVICE_FOREIGN']]);
  });
}

test('a tunnel between addresses of the other family is left as it is until somebody accepts that it is made again', () => {
  const host = inPlace([], { local: '2001:db8::1' });
  const { operations, warnings } = tunnelPass(host, rowsOf({}));
  assert.deepEqual([operations, warnings.map(({ code }) => code)], [[], ['VXLAN_DEVICE_DIFFERS']]);
  const { operations: again } = tunnelPass(host, rowsOf({}), { accepted: 'all' });
  assert.equal(carryOutAll(host, again), null);
  assert.deepEqual(tunnelPass(host, rowsOf({})).codes, []);
});

test('a network whose MTU leaves no room for the tunnel is wired, and told', () => {
  const big = { ...NETWORK, mtu: 1500 };
  const { commands, codes, warnings } = tunnelPass(tunnelHost(), rowsOf(PEERS), { networks: [big] });
  assert.ok(commands.includes(`ip link set ${DEVICE} mtu 1500`));
  assert.deepEqual(codes, ['VXLAN_MTU_TOO_SMALL']);
  assert.match(warnings[0]?.message ?? '', /has MTU 1500, and eth1 with MTU 1500 has room for 1450/);
});

test("a VNI that is another network's now leaves its bridge at once, and only then", () => {
  const view = viewIn(inPlace(['192.0.2.2']));
  const left = leftTunnels(view, new Map());
  assert.deepEqual(
    left.map(({ vni, bridge }) => [vni, bridge.name]),
    [[1001, bridgeName(NETWORK.id)]],
  );
  const served = { id: NETWORK.id, segments: [{ kind: 'vxlan', vni: 1001 } as const] };
  assert.deepEqual(leftTunnels(view, new Map([[NETWORK.id, served]])), []);
  assert.deepEqual(reusedVniOperations(left, { vnis: new Map() }), []);
  assert.deepEqual(reusedVniOperations(left, { vnis: new Map([[1001, [NETWORK.id]]]) }), []);
  const other = networkId('bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee');
  const [detach, ...rest] = reusedVniOperations(left, { vnis: new Map([[1001, [other]]]) });
  assert.deepEqual([detach?.op, detach?.device, rest.length], ['detach', DEVICE, 0]);
});
