import {
  type Link,
  type NetworkId,
  networkId,
  networkOfLabel,
  type Operation,
  present,
} from '../../model/index.js';
import {
  type Desired,
  type DesiredNetwork,
  type DesiredTap,
  type GoneBridge,
  UNWIRE_REASONS,
} from '../decide/desired.js';
import { isMadeUplink } from '../decide/owners.js';
import { presentUplink } from '../decide/resolve-segment.js';
import { type Bridge, isPlugged, ownAddresses } from '../see/view.js';
import { onTap, type PlanContext } from './context.js';
import { outside } from './taps.js';

/** What goes besides taps: uplinks of older segments, bridges of networks that are gone, orphans. */
export function leaveOperations(context: PlanContext): Operation[] {
  const { desired } = context;
  return [
    ...[...desired.networks.values()].flatMap((network) =>
      network.place.kind === 'present' && network.mayLeave
        ? segmentLeaves(context, network.place.bridge, network)
        : [],
    ),
    ...desired.gone.filter((gone) => !gone.hasMovingTaps).flatMap((gone) => deleteBridge(context, gone)),
    ...desired.orphans.map((link) => deleteUplink(link, networkOfLabel(link.alias))),
  ];
}

/** Bridges that can only go when taps have moved out of them. */
export const emptiedBridges = (context: PlanContext): Operation[] =>
  context.desired.gone.filter((gone) => gone.hasMovingTaps).flatMap((gone) => deleteBridge(context, gone));

/** A tap that leaves its bridge, and what is done to one that is in none. */
export function unwireOperations({ world }: PlanContext, { tap, decision }: DesiredTap): Operation[] {
  if (decision.kind !== 'unwire') return [];
  const { port } = decision;
  if (tap.master === null) return port === null ? [] : outside(tap, port, port.networkId);
  const bridge = world.view.observed.links.get(tap.master);
  if (bridge === undefined || !isPlugged(world.view, tap)) return [];
  const network = networkOfLabel(bridge.alias);
  const reason = UNWIRE_REASONS[decision.cause];
  return [
    ...outside(tap, port, network),
    { ...onTap(tap, network, port), op: 'detach', bridge: present(bridge), reason },
  ];
}

function segmentLeaves(
  context: PlanContext,
  bridge: Bridge,
  { id, leaving, serves }: DesiredNetwork,
): Operation[] {
  // The addresses of a bridge that has the right uplink, or had it until somebody took it out, stay on it.
  const owner = serves?.kind === 'interface' ? serves.link : null;
  const stay = owner !== null && (owner.master === bridge.index || owner.mac === bridge.mac);
  const heir = stay ? null : heirOf(context, bridge, leaving);
  const reason = `network ${id} has another segment now`;
  return leaving.flatMap((uplink) => uplinkLeaves(context, bridge, uplink, uplink === heir, id, reason));
}

/** Of several flat uplinks the one whose MAC address the bridge carries gets its addresses back, and no other. */
function heirOf({ world }: PlanContext, bridge: Bridge, uplinks: readonly Link[]): Link | null {
  const flat = uplinks.filter((link) => !isMadeUplink(world, link));
  return flat.find(({ mac }) => mac === bridge.mac) ?? flat[0] ?? null;
}

/** Out of the bridge; a subinterface or a tunnel that no other network of this plan uses and nobody has addressed is deleted. */
function uplinkLeaves(
  { world, desired }: PlanContext,
  bridge: Bridge,
  uplink: Link,
  isHeir: boolean,
  network: NetworkId,
  reason: string,
): Operation[] {
  const leave = leaveBridge(bridge, uplink, isHeir, network, reason);
  const isUnused = isMadeUplink(world, uplink) && !isWanted(desired, uplink);
  return isUnused && ownAddresses(uplink).length === 0 ? [leave, deleteUplink(uplink, network)] : [leave];
}

/** Some network of this plan uses it: it is taken out of an old bridge, but not deleted. */
const isWanted = ({ networks }: Desired, { index }: Link): boolean =>
  [...networks.values()].some(({ serves }) => serves !== null && presentUplink(serves)?.index === index);

/** The heir takes the bridge's addresses and routes back with it. */
function leaveBridge(
  bridge: Bridge,
  uplink: Link,
  isHeir: boolean,
  network: NetworkId,
  reason: string,
): Operation {
  const fields = { device: uplink.name, network, scope: 'network', reason } as const;
  return isHeir && bridge.addresses.length > 0
    ? {
        ...fields,
        op: 'move-addresses',
        from: present(bridge),
        to: present(uplink),
        membership: 'leave',
        addresses: bridge.addresses,
        routes: [],
      }
    : { ...fields, op: 'detach', target: present(uplink), bridge: present(bridge) };
}

function deleteUplink(link: Link, network: NetworkId | null): Operation {
  const fields = { device: link.name, target: present(link), network, scope: 'network' } as const;
  return link.detail.kind === 'vxlan'
    ? { ...fields, op: 'delete-vxlan', reason: 'no network uses this tunnel any more' }
    : { ...fields, op: 'delete-subinterface', reason: 'no network uses this VLAN any more' };
}

function deleteBridge(
  context: PlanContext,
  { bridge, network, uplinks, isLeftBehind }: GoneBridge,
): Operation[] {
  // A bridge without a label has no known network; its operations still have to stop together.
  const group = network ?? networkId(bridge.name.slice(3));
  const reason = `network ${group} is ${isLeftBehind ? 'elsewhere now' : 'gone'}`;
  const heir = heirOf(context, bridge, uplinks);
  return [
    ...uplinks.flatMap((uplink) => uplinkLeaves(context, bridge, uplink, uplink === heir, group, reason)),
    {
      op: 'delete-bridge',
      device: bridge.name,
      target: present(bridge),
      network: group,
      scope: 'network',
      reason,
    },
  ];
}
