import { isDeepStrictEqual } from 'node:util';
import {
  FILTERED_GROUP,
  type Link,
  type LinkRef,
  networkOfLabel,
  type Operation,
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

/** Carries out one operation on a simulated host as the real kernel room does on the real one. Throws SimulatedRefusal. */
export function carryOut(host: SimulatedHost, operation: Operation) {
  switch (operation.op) {
    case 'create-bridge':
      return createBridge(host, operation);
    case 'create-subinterface':
      return createSubinterface(host, operation);
    case 'set-label':
      return host.put({ ...present(host, operation.target), alias: operation.label });
    case 'disable-ipv6':
      return disableIpv6(host, operation);
    case 'set-ipv6':
      return host.setIpv6(present(host, operation.target).index, operation.settings);
    case 'set-ipv4':
      return host.put({ ...present(host, operation.target), ipv4: operation.settings });
    case 'set-group':
      return host.put({ ...present(host, operation.target), group: operation.group });
    case 'set-tap-filter':
      return setTapFilter(host, operation);
    case 'set-mac':
      return host.put({ ...present(host, operation.target), mac: operation.mac });
    case 'set-mtu':
      return host.setMtu(present(host, operation.target).index, operation.mtu);
    case 'set-bridge-options':
      return setBridgeOptions(host, operation);
    case 'set-up':
      return host.setUp(present(host, operation.target).index, true);
    case 'attach':
      return attach(host, operation);
    case 'detach':
      return detach(host, operation);
    case 'move-addresses':
      return moveAddresses(host, operation);
    case 'delete-bridge':
      return deleteBridge(host, operation);
    case 'delete-subinterface':
      return deleteSubinterface(host, operation);
  }
}

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
