import {
  type Address,
  bridgeMac,
  FILTERED_GROUP,
  type Ipv4Settings,
  isSame,
  type Link,
  type LinkRef,
  labelOf,
  linkName,
  networkOfLabel,
  type Operation,
  present,
} from '../../model/index.js';
import type { DesiredNetwork, World } from '../decide/desired.js';
import { isFiltered } from '../decide/filtered.js';
import { foreignMembers, isMadeUplink } from '../decide/owners.js';
import { type Bridge, ownAddresses } from '../see/view.js';
import { bridgeRef, fieldsOf, NO_PART, onDevice, type PlanContext } from './context.js';

/** The bridge of one network: made when a tap needs it, kept right while it is the agent's. */
export function bridgeOperations(
  context: PlanContext,
  network: DesiredNetwork,
  needed: boolean,
): Operation[] {
  const { place } = network;
  if (place.kind === 'missing') return needed && network.serves !== null ? makeBridge(context, network) : [];
  if (place.kind !== 'present') return [];
  const labelled = networkOfLabel(place.bridge.alias) !== null;
  return labelled || needed ? repairBridge(context, network, place.bridge) : [];
}

function makeBridge(context: PlanContext, network: DesiredNetwork): Operation[] {
  const target = bridgeRef(network);
  if (target === null) return [];
  const reason = `network ${network.id} has a tap here`;
  const mac = macForBridge(context, network);
  const vlanFiltering = context.world.settings.dropTaggedFrames;
  return [
    { ...fieldsOf(network, target), op: 'create-bridge', mac, vlanFiltering, reason },
    labelled(network, target),
    ...ipv6OfNewBridge(network, target),
    ...ipv4OfNewBridge(context, network, target),
    ...setMtu(context, network, target, null),
    { ...onDevice(network, target), op: 'set-up', reason },
  ];
}

const labelled = (network: DesiredNetwork, target: LinkRef): Operation => ({
  ...onDevice(network, target),
  op: 'set-label',
  label: labelOf(network.id),
  reason: `marks the bridge as the agent's`,
});

/** Its flat uplink's, so that neighbours keep the host's addresses; else one that depends on names only. */
function macForBridge({ world }: PlanContext, network: DesiredNetwork): string {
  return network.serves?.kind === 'interface'
    ? network.serves.link.mac
    : bridgeMac(network.id, world.settings.host);
}

function ipv6OfNewBridge(network: DesiredNetwork, target: LinkRef): Operation[] {
  if (network.serves?.kind !== 'interface') return [withoutIpv6(network, target)];
  const { ipv6: settings, name } = network.serves.link;
  if (settings === null) return [];
  return [{ ...onDevice(network, target), op: 'set-ipv6', settings, reason: `takes the place of ${name}` }];
}

const withoutIpv6 = (network: DesiredNetwork, target: LinkRef): Operation => ({
  ...onDevice(network, target),
  op: 'disable-ipv6',
  reason: NO_PART,
});

function repairBridge(context: PlanContext, network: DesiredNetwork, bridge: Bridge): Operation[] {
  const target = present(bridge);
  const fields = onDevice(network, target);
  const operations: Operation[] = [];
  if (bridge.alias !== labelOf(network.id) && !hasMacOfStranger(context.world, bridge)) {
    operations.push(...adopt(network, bridge));
  }
  if (bridge.group !== FILTERED_GROUP && isFiltered(context.world, network)) {
    const reason = 'its taps are filtered, as on every bridge that the agent makes';
    operations.push({ ...fields, op: 'set-group', group: FILTERED_GROUP, reason });
  }
  if (bridge.detail.stp || bridge.detail.forwardDelayMs !== 0) {
    operations.push({ ...fields, op: 'set-bridge-options', reason: 'a tap has to forward at once' });
  }
  operations.push(...ipv6Repair(context, network, bridge), ...ipv4Repair(context, network, bridge));
  operations.push(...setMtu(context, network, target, bridge));
  if (!bridge.up) operations.push({ ...fields, op: 'set-up', reason: 'the bridge is down' });
  return operations;
}

/**
 * Neutron's agent leaves a bridge with the lowest MAC address of its ports, and the kernel changes that whenever a lower one
 * comes or the lowest goes, until somebody sets one (br_stp_recalculate_bridge_id): the neighbours of a host whose address is on
 * such a bridge then lose it. The label comes last, so that an agent that is killed in between does both again.
 */
function adopt(network: DesiredNetwork, bridge: Bridge): Operation[] {
  const target = present(bridge);
  const reason = 'it stays as it is while taps come and go';
  return [
    { ...onDevice(network, target), op: 'set-mac', mac: bridge.mac, reason },
    labelled(network, target),
  ];
}

/**
 * A bridge that nobody gave a MAC address has that of a port. With a label that would mean that the port is its
 * uplink (see `uplinksOf`): one that has a stranger's stays known by its name alone.
 */
const hasMacOfStranger = (world: World, bridge: Bridge): boolean =>
  foreignMembers(world, bridge).some(({ mac, detail }) => mac === bridge.mac && detail.kind !== 'vxlan');

/**
 * What the host takes from a bridge in which it takes no part: it answers no ARP (8), forwards nothing, and takes nothing.
 * On a bridge without addresses the last is what the reverse path filter comes to, also where `conf/all` has it loose: no source
 * is reached through it.
 */
export const APART: Ipv4Settings = { forwarding: false, rpFilter: 1, arpIgnore: 8 };

const apart = (network: DesiredNetwork, target: LinkRef): Operation => ({
  ...onDevice(network, target),
  op: 'set-ipv4',
  settings: APART,
  reason: NO_PART,
});

/** A bridge that takes the addresses of its uplink takes its place in what the host accepts there, too. */
function ipv4OfNewBridge({ world }: PlanContext, network: DesiredNetwork, target: LinkRef): Operation[] {
  if (!holdsAddresses(world, network, null, 'inet')) return [apart(network, target)];
  const uplink = network.serves?.kind === 'interface' ? network.serves.link : null;
  if (uplink === null || uplink.ipv4 === null) return [];
  const reason = `takes the place of ${uplink.name}`;
  return [{ ...onDevice(network, target), op: 'set-ipv4', settings: uplink.ipv4, reason }];
}

/** With less the kernel takes IPv6 from a link, and its addresses with it. */
const IPV6_MTU_MIN = 1280;

/** The network's, but never so little that the host loses the IPv6 addresses that the bridge has for it. */
function setMtu(
  { world }: PlanContext,
  network: DesiredNetwork,
  target: LinkRef,
  bridge: Bridge | null,
): Operation[] {
  if (network.mtu === null) return [];
  const mtu = Math.max(network.mtu, holdsAddresses(world, network, bridge, 'inet6') ? IPV6_MTU_MIN : 0);
  if (bridge?.mtu === mtu) return [];
  const reason = `network ${network.id} has MTU ${network.mtu}${bridge === null ? '' : `, the bridge ${bridge.mtu}`}`;
  return [{ ...onDevice(network, target), op: 'set-mtu', mtu, reason }];
}

/** A bridge with addresses of the host of this family, which it has by its flat uplink or by somebody's hand, or is about to get. */
function holdsAddresses(
  world: World,
  { serves, leaving, mayLeave }: DesiredNetwork,
  bridge: Bridge | null,
  family: Address['family'],
): boolean {
  const ownOf = (link: Link | null): boolean =>
    link !== null && ownAddresses(link).some((address) => address.family === family);
  const flatUplinkLeaves = mayLeave && leaving.some((link) => !isMadeUplink(world, link));
  return (serves?.kind === 'interface' && ownOf(serves.link)) || (!flatUplinkLeaves && ownOf(bridge));
}

/**
 * A bridge that somebody has given an IPv4 address is the host's from then on, as nova-network's gateway is. What the host has
 * for all its links shows in those of its loopback.
 */
function ipv4Repair({ world }: PlanContext, network: DesiredNetwork, bridge: Bridge): Operation[] {
  if (network.serves === null || bridge.ipv4 === null) return [];
  const target = present(bridge);
  if (!holdsAddresses(world, network, bridge, 'inet'))
    return isSame(bridge.ipv4, APART) ? [] : [apart(network, target)];
  const uplink = network.serves.kind === 'interface' ? network.serves.link : null;
  const settings = (uplink ?? world.view.observed.byName.get(linkName('lo')))?.ipv4 ?? null;
  if (settings === null || !isSame(bridge.ipv4, APART)) return [];
  const reason =
    uplink === null ? 'somebody has given it an address of the host' : `takes the place of ${uplink.name}`;
  return [{ ...onDevice(network, target), op: 'set-ipv4', settings, reason }];
}

/** A flat bridge keeps what it took from its uplink; any other takes no part in IPv6, unless it has addresses. */
function ipv6Repair({ world }: PlanContext, network: DesiredNetwork, bridge: Bridge): Operation[] {
  const flat = network.serves === null || network.serves.kind === 'interface';
  const flatUplinkLeaves = network.mayLeave && network.leaving.some((link) => !isMadeUplink(world, link));
  const used = !flatUplinkLeaves && ownAddresses(bridge).some(({ family }) => family === 'inet6');
  if (flat || used || bridge.ipv6 === null || bridge.ipv6.disabled) return [];
  return [withoutIpv6(network, present(bridge))];
}
