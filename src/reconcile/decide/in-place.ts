import {
  bridgeName,
  type IfIndex,
  isSame,
  type Link,
  type NetworkId,
  networkOfLabel,
  type Segment,
} from '../../model/index.js';
import { type Bridge, tapsIn, type View } from '../see/view.js';
import type { Choice } from './choose-segment.js';
import {
  allDesiredTaps,
  type Desired,
  type DesiredNetwork,
  type InPlace,
  type InPlaces,
  type World,
} from './desired.js';
import { presentUplink } from './resolve-segment.js';

/**
 * Whether a link of the network's bridge leads to this very segment, although the mappings and interfaces of now do not
 * say so: then only this host's side has changed. Two things are evidence. The agent remembers, over restarts too, by
 * which segment the network was served and through which link, by its index: a renamed interface keeps that. And the
 * link itself: an uplink of the segment's form in a bridge with the network's label, on an interface that no mapping
 * names (it was renamed, or its mapping is wrong or gone). One that is mapped to another physical network may as well
 * be of an older segment, and without the memory counts as such.
 */
export const leadsTo = (
  { view, inPlace }: World,
  id: NetworkId,
  segment: Choice | null,
  bridge: Bridge,
  link: Link,
): boolean =>
  segment !== null &&
  (isRemembered(inPlace.get(id), segment, link.index) || isAlike(view, id, segment, bridge, link));

/** The bridge of an earlier mapping in which the network's taps are; null: there is none, or it is of another segment. */
export function mappedBefore(
  { view, inPlace }: World,
  id: NetworkId,
  segment: Choice | null,
): IfIndex | null {
  const before = inPlace.get(id);
  const isBridge = before !== undefined && view.observed.links.get(before.carrier)?.detail.kind === 'bridge';
  return isBridge && isSame(before.segment, segment) ? before.carrier : null;
}

const isRemembered = (before: InPlace | undefined, segment: Choice, index: IfIndex): boolean =>
  before?.carrier === index && isSame(before.segment, segment);

function isAlike(view: View, id: NetworkId, segment: Choice, bridge: Bridge, link: Link): boolean {
  if (networkOfLabel(bridge.alias) !== id) return false;
  if (segment.kind === 'flat')
    return link.detail.kind === 'other' && link.mac === bridge.mac && !view.mappedInterfaces.has(link.index);
  return (
    segment.kind === 'vlan' &&
    link.detail.kind === 'vlan' &&
    link.detail.vlanId === segment.vlanId &&
    networkOfLabel(link.alias) === id &&
    !view.mappedInterfaces.has(link.detail.parent)
  );
}

/**
 * What is in place after a pass: as it was decided, or, where a network cannot be served now, as it was before. The rows
 * may be gone for a while, or their bridge may have to stay: what served a network is known as long as it is in place.
 * The same map when it is as before.
 */
export function noteInPlace(before: InPlaces, desired: Desired, view: View): InPlaces {
  const { networks } = desired;
  const atHome = networksAtHome(before, desired, view);
  const joined = new Set(atHome.values());
  // The mapped bridge that serves one network now is no other's any more.
  const kept = new Map([...before].filter(([, { carrier }]) => !joined.has(carrier)));
  const after = new Map([...kept].filter(([id, one]) => !networks.has(id) && isLeft(view, id, one)));
  for (const network of networks.values()) {
    const bridge = network.place.kind === 'present' ? network.place.bridge.index : null;
    const isThere = ({ carrier }: InPlace): boolean => {
      const link = view.observed.links.get(carrier);
      return link !== undefined && (link.detail.kind === 'bridge' || link.master === bridge);
    };
    const found = [servedBy(network, atHome), kept.get(network.id)].find(
      (one) => one != null && isThere(one),
    );
    if (found != null) after.set(network.id, found);
  }
  return isSame([...after], [...before]) ? before : after;
}

/** Whether the uplink of a network that nothing is known of is still in its bridge, or taps are in its mapped one. */
function isLeft(view: View, id: NetworkId, { carrier }: InPlace): boolean {
  const { observed, labelledBridges } = view;
  if (view.mappedBridges.has(carrier)) return tapsIn(view, carrier).length > 0;
  const bridge = labelledBridges.get(id) ?? observed.byName.get(bridgeName(id));
  return bridge !== undefined && observed.links.get(carrier)?.master === bridge.index;
}

/** The networks that are wired by a mapped bridge, and by which: each has a tap in it, or was at home there before. */
function networksAtHome(before: InPlaces, desired: Desired, view: View): Map<NetworkId, IfIndex> {
  const atHome = new Map<NetworkId, IfIndex>();
  if (view.mappedBridges.size === 0) return atHome;
  for (const { tap, decision } of allDesiredTaps(desired)) {
    const master = view.observed.links.get(tap.index)?.master ?? null;
    if (decision.kind === 'wire' && master !== null && view.mappedBridges.has(master))
      atHome.set(decision.network, master);
  }
  for (const { id, serves } of desired.networks.values())
    if (serves?.kind === 'joined' && before.get(id)?.carrier === serves.bridge.index)
      atHome.set(id, serves.bridge.index);
  return atHome;
}

const hasCarrier = (segment: Choice): segment is Extract<Segment, { kind: 'flat' | 'vlan' | 'vxlan' }> =>
  segment.kind === 'flat' || segment.kind === 'vlan' || segment.kind === 'vxlan';

/** That a mapped bridge is to serve a network is not enough: what has failed, or waits, is not in place. */
function servedBy(
  { id, segment, place, serves }: DesiredNetwork,
  atHome: ReadonlyMap<NetworkId, IfIndex>,
): InPlace | null {
  // A tunnel that somebody else has left is no uplink of the agent's.
  if (serves === null || serves.kind === 'left-tunnel' || segment === null || !hasCarrier(segment))
    return null;
  if (serves.kind === 'joined' && atHome.get(id) !== serves.bridge.index) return null;
  const carrier = serves.kind === 'joined' ? serves.bridge : presentUplink(serves);
  return carrier === null || (place.kind === 'joined') !== (serves.kind === 'joined')
    ? null
    : { segment, carrier: carrier.index };
}
