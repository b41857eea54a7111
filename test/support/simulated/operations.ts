import { isDeepStrictEqual } from 'node:util';
import {
  entryKey,
  FILTERED_GROUP,
  floodEntry,
  type Link,
  type LinkRef,
  networkOfLabel,
  type OperationKind,
  type OperationOf,
} from '../../../src/model/index.js';
import {
  DEFAULT_IPV4,
  DEFAULT_IPV6,
  isLinkLocal,
  routesOn,
  type SimulatedHost,
  SimulatedRefusal,
} from './host.js';

type CarryOut<Kind extends OperationKind> = (host: SimulatedHost, operation: OperationOf<Kind>) => void;

/** How each kind of operation is carried out here. */
const APPLY: { readonly [Kind in OperationKind]: CarryOut<Kind> } = {
  'create-bridge': createBridge,
  'create-subinterface': createSubinterface,
  'set-label': (host, { target, label }) => host.put({ ...present(host, target), alias: label }),
  'disable-ipv6': disableIpv6,
  'set-ipv6': (host, { target, settings }) => host.setIpv6(present(host, target).index, settings),
  'set-ipv4': (host, { target, settings }) => host.put({ ...present(host, target), ipv4: settings }),
  'set-group': (host, { target, group }) => host.put({ ...present(host, target), group }),
  'set-tap-filter': setTapFilter,
  'set-mac': (host, { target, mac }) => host.put({ ...present(host, target), mac }),
  'set-mtu': (host, { target, mtu }) => host.setMtu(present(host, target).index, mtu),
  'set-bridge-options': setBridgeOptions,
  'set-up': (host, { target }) => host.setUp(present(host, target).index, true),
  attach,
  detach,
  'move-addresses': moveAddresses,
  'delete-bridge': deleteBridge,
  'delete-subinterface': deleteSubinterface,
  'create-vxlan': createVxlan,
  'set-vxlan': setVxlan,
  'set-forwarding': setForwarding,
  'delete-vxlan': deleteVxlan,
};

/** Carries out one operation on a simulated host as the real kernel room does on the real one. Throws SimulatedRefusal. */
export const carryOut = <Kind extends OperationKind>(
  host: SimulatedHost,
  operation: OperationOf<Kind>,
): void => APPLY[operation.op](host, operation);

/** A link is known by its index, or by the operation that made it: never by a name that was there before. */
function find(host: SimulatedHost, ref: LinkRef): Link | undefined {
  const index = ref.index ?? host.made.get(ref.name);
  return index === undefined ? undefined : host.get(index);
}

function present(host: SimulatedHost, ref: LinkRef): Link {
  const link = find(host, ref);
  if (link === undefined) throw new SimulatedRefusal('ENODEV');
  return link;
}

function createBridge(
  host: SimulatedHost,
  { device, mac, vlanFiltering, network }: OperationOf<'create-bridge'>,
) {
  const there = host.named(device);
  if (there === undefined) {
    const detail = {
      kind: 'bridge',
      stp: false,
      forwardDelayMs: 0,
      vlanFiltering: host.hasVlanFiltering ? vlanFiltering : null,
    } as const;
    const made = host.add({ ...newLink, group: FILTERED_GROUP, name: device, mac, detail });
    host.made.set(device, made.index);
    return;
  }
  const isForeign = there.alias !== '' && networkOfLabel(there.alias) !== network;
  if (isForeign || there.detail.kind !== 'bridge' || there.mac !== mac) throw new SimulatedRefusal('EEXIST');
  host.made.set(device, there.index);
}

const newLink = {
  up: false,
  mtu: 1500,
  master: null,
  alias: '',
  altNames: [],
  group: 0,
  ipv4: DEFAULT_IPV4,
  ipv6: DEFAULT_IPV6,
  addresses: [],
} as const;

function createSubinterface(host: SimulatedHost, operation: OperationOf<'create-subinterface'>): void {
  if (!host.hasVlans) throw new SimulatedRefusal('EOPNOTSUPP');
  const parent = present(host, operation.parent);
  const detail = {
    kind: 'vlan',
    parent: parent.index,
    vlanId: operation.vlanId,
    protocol: '802.1Q',
  } as const;
  const there = host.named(operation.device);
  if (there !== undefined && isDeepStrictEqual(there.detail, detail)) {
    host.made.set(operation.device, there.index);
    return;
  }
  // A parent has each VLAN id once, under whatever name.
  if (host.all().some((link) => isDeepStrictEqual(link.detail, detail))) throw new SimulatedRefusal('EEXIST');
  const made = host.add({ ...newLink, name: operation.device, mac: parent.mac, mtu: parent.mtu, detail });
  host.made.set(operation.device, made.index);
}

function disableIpv6(host: SimulatedHost, { target }: OperationOf<'disable-ipv6'>): void {
  const link = present(host, target);
  if (link.ipv6 !== null) host.setIpv6(link.index, { disabled: true });
}

function bridge(host: SimulatedHost, ref: LinkRef) {
  const link = present(host, ref);
  if (link.detail.kind !== 'bridge') throw new SimulatedRefusal('ENODEV');
  return { link, detail: link.detail };
}

function setBridgeOptions(host: SimulatedHost, { target }: OperationOf<'set-bridge-options'>): void {
  const { link, detail } = bridge(host, target);
  host.put({ ...link, detail: { ...detail, stp: false, forwardDelayMs: 0 } });
}

function attach(host: SimulatedHost, operation: OperationOf<'attach'>): void {
  const link = present(host, operation.target);
  const { link: master } = bridge(host, operation.bridge);
  if (link.master === master.index) return;
  if (link.master !== null) throw new SimulatedRefusal('EBUSY');
  if (link.detail.kind === 'bridge') throw new SimulatedRefusal('ELOOP');
  host.put({ ...link, group: operation.group ?? link.group });
  host.enslave(link.index, master.index);
}

function detach(host: SimulatedHost, operation: OperationOf<'detach'>): void {
  const link = find(host, operation.target);
  const master = find(host, operation.bridge);
  if (link === undefined || master === undefined || link.master !== master.index) return;
  host.put({ ...link, group: link.group === FILTERED_GROUP ? 0 : link.group });
  host.enslave(link.index, null);
}

function setTapFilter(host: SimulatedHost, { drops }: OperationOf<'set-tap-filter'>): void {
  host.tapFilter = drops.tagged || drops.switchFrames ? { kind: 'present', drops } : { kind: 'absent' };
}

/** Everything that was planned and is still there goes over; membership changes in the same exchange. */
function moveAddresses(host: SimulatedHost, operation: OperationOf<'move-addresses'>): void {
  const from = present(host, operation.from);
  const to = present(host, operation.to);
  const planned = new Set(operation.addresses.map(({ address }) => address));
  const moving = from.addresses.filter(({ address }) => planned.has(address));
  const refusesIpv6 = to.ipv6 === null || to.ipv6.disabled;
  if (refusesIpv6 && moving.some((one) => one.family === 'inet6' && !isLinkLocal(one))) {
    throw new SimulatedRefusal('EACCES');
  }
  if (operation.membership === 'join' && from.master !== null && from.master !== to.index) {
    throw new SimulatedRefusal('EBUSY');
  }
  const [staying, moved] = [routesOn(to), routesOn(from)];
  const routes = moved.filter((route) => operation.routes.some(({ raw }) => raw === route.raw));
  const arriving = moving.filter((one) => !isLinkLocal(one));
  const isNew = ({ address }: { address: string }) => !to.addresses.some((one) => one.address === address);
  host.put({
    ...to,
    addresses: [...to.addresses, ...arriving.filter(isNew)],
    routes: [...staying, ...routes],
  });
  host.put({
    ...from,
    addresses: from.addresses.filter((one) => !arriving.includes(one)),
    routes: moved.filter((route) => !routes.includes(route)),
  });
  if (operation.membership === 'join') host.enslave(from.index, to.index);
  if (operation.membership === 'leave' && to.master === from.index) host.enslave(to.index, null);
}

/** Only an empty bridge without addresses is deleted. */
function deleteBridge(host: SimulatedHost, operation: OperationOf<'delete-bridge'>): void {
  const link = find(host, operation.target);
  if (link === undefined) return;
  const isInUse =
    host.members(link.index).length > 0 || link.addresses.some((address) => !isLinkLocal(address));
  if (isInUse) throw new SimulatedRefusal('EBUSY');
  host.remove(link.index);
}

function deleteSubinterface(host: SimulatedHost, operation: OperationOf<'delete-subinterface'>): void {
  const link = find(host, operation.target);
  if (link === undefined) return;
  if (link.detail.kind !== 'vlan') throw new SimulatedRefusal('ENODEV');
  host.remove(link.index);
}

function createVxlan(host: SimulatedHost, { device, making }: OperationOf<'create-vxlan'>): void {
  const { vni, port, local, multicast } = making;
  const underlay = multicast === null ? null : present(host, multicast.underlay).index;
  const options = { local, group: multicast?.group ?? null, underlay, learning: true, proxy: false };
  const detail = { kind: 'vxlan', vni, port, ...options } as const;
  const there = host.named(device);
  if (there !== undefined && isDeepStrictEqual(there.detail, detail)) {
    host.made.set(device, there.index);
    return;
  }
  const isTaken = host
    .all()
    .some((link) => link.detail.kind === 'vxlan' && link.detail.vni === vni && link.detail.port === port);
  if (isTaken) throw new SimulatedRefusal('EEXIST');
  const made = host.add({ ...newLink, name: device, mac: '', detail });
  host.made.set(device, made.index);
  host.entries.set(made.index, multicast === null ? [] : [{ ...floodEntry(multicast.group), via: underlay }]);
}

function tunnel(host: SimulatedHost, ref: LinkRef) {
  const link = present(host, ref);
  if (link.detail.kind !== 'vxlan') throw new SimulatedRefusal('ENODEV');
  return { link, detail: link.detail };
}

function setVxlan(host: SimulatedHost, { target, learning, local }: OperationOf<'set-vxlan'>): void {
  const { link, detail } = tunnel(host, target);
  const had = detail.local ?? detail.group ?? '';
  if (had.includes(':') !== local.includes(':')) throw new SimulatedRefusal('EOPNOTSUPP');
  host.put({ ...link, detail: { ...detail, learning, local } });
}

function setForwarding(host: SimulatedHost, { target, add, remove }: OperationOf<'set-forwarding'>): void {
  const { index } = tunnel(host, target).link;
  const entries = new Map([...(host.entries.get(index) ?? []), ...add].map((one) => [entryKey(one), one]));
  for (const one of remove) entries.delete(entryKey(one));
  host.entries.set(
    index,
    [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one),
  );
}

function deleteVxlan(host: SimulatedHost, { target }: OperationOf<'delete-vxlan'>): void {
  const link = find(host, target);
  if (link === undefined) return;
  host.remove(tunnel(host, target).link.index);
  host.entries.delete(link.index);
}
