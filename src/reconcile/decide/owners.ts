import {
  ID_PREFIX_LENGTH,
  type Link,
  type NetworkId,
  networkOfLabel,
  type Warning,
} from '../../model/index.js';
import { type Bridge, devicesIn, isGatewayDevice, ownAddresses, tapsIn, uplinksOf } from '../see/view.js';
import type { World } from './desired.js';

/**
 * The network a bridge of the agent belongs to: its label says it; without a label the one network that
 * is known with that prefix. null: not known.
 */
export function networkOfBridge(world: World, bridge: Bridge): NetworkId | null {
  const labelled = networkOfLabel(bridge.alias);
  if (labelled !== null) return labelled;
  const [only, more] = networksWithPrefix(world, bridge);
  return only !== undefined && more === undefined ? only : null;
}

/** True when no network that exists can be meant by the bridge. */
export function isGone(world: World, bridge: Bridge): boolean {
  const labelled = networkOfLabel(bridge.alias);
  return labelled === null
    ? networksWithPrefix(world, bridge).length === 0
    : !world.knowledge.networks.has(labelled);
}

const networksWithPrefix = ({ knowledge }: World, { name }: Bridge): NetworkId[] =>
  [...knowledge.networks.keys()].filter((id) => id.slice(0, ID_PREFIX_LENGTH) === name.slice(3));

/**
 * The uplinks of an agent's bridge. The one that last served its network is one under whatever name it has now: a
 * second beside it would join two networks.
 */
export function ownUplinks(world: World, bridge: Bridge): Link[] {
  const id = networkOfBridge(world, bridge);
  const before = id === null ? undefined : world.inPlace.get(id);
  return uplinksOf(world.view, bridge, before?.carrier ?? null);
}

/**
 * Whether an uplink is a subinterface or a tunnel of the agent's, which is made and deleted with its segment. The interface of a
 * flat network may be such a device as well, of the host: by its mapping, or, when that is gone, by what served the network last.
 */
export const isMadeUplink = ({ view, inPlace }: World, { index, detail }: Link): boolean =>
  (detail.kind === 'vlan' || detail.kind === 'vxlan') &&
  !view.mappedInterfaces.has(index) &&
  ![...inPlace.values()].some(({ segment, carrier }) => segment.kind === 'flat' && carrier === index);

/** Members of an agent's bridge that are neither its taps nor its uplinks. */
export function foreignMembers(world: World, bridge: Bridge): Link[] {
  const uplinks = new Set(ownUplinks(world, bridge));
  return devicesIn(world.view, bridge.index).filter((device) => !uplinks.has(device));
}

/** What keeps a bridge that its network has no use for: a device or addresses that are not the agent's to take away. */
export function obstacleTo(world: World, bridge: Bridge): Warning | null {
  const { view, knowledge } = world;
  const uplinks = ownUplinks(world, bridge);
  const addressed = uplinks.find((link) => isMadeUplink(world, link) && ownAddresses(link).length > 0);
  const gateway = knowledge.hasGatewayDevices ? undefined : tapsIn(view, bridge.index).find(isGatewayDevice);
  const stranger = foreignMembers(world, bridge)[0] ?? addressed ?? gateway;
  const [address] = ownAddresses(bridge);
  const hasFlatUplink = uplinks.some((link) => !isMadeUplink(world, link));
  const what =
    stranger !== undefined
      ? `it holds ${stranger.name}, which is not the agent's to take away`
      : address !== undefined && !hasFlatUplink
        ? `it carries ${address.address}, and no uplink to give it back to`
        : null;
  if (what === null) return null;
  const id = networkOfLabel(bridge.alias);
  return {
    code: 'BRIDGE_NOT_DELETED',
    message: `the network of bridge ${bridge.name} is ${isGone(world, bridge) ? 'gone' : 'elsewhere now'}, but ${what}: the bridge stays`,
    device: bridge.name,
    ...(id === null ? {} : { network: id }),
  };
}
