import type {
  HostSettings,
  HostState,
  IfIndex,
  Link,
  LinkDetail,
  LinkName,
  NetworkId,
} from '../../model/index.js';
import {
  bridgeName,
  isExactBridgeName,
  isGatewayName,
  linkCalled,
  networkOfLabel,
  tapSuffix,
} from '../../model/index.js';

/** A link whose detail is that of a bridge. */
export type Bridge = Link & { readonly detail: Extract<LinkDetail, { kind: 'bridge' }> };

/** Questions about what is on the host that several rooms of the reconciler ask. Built once per pass. */
export interface View {
  readonly observed: HostState;
  /** Devices named like a tap (any kind of link), and `gw-` devices. */
  readonly taps: ReadonlyMap<IfIndex, Link>;
  /** Bridges that are the agent's: labelled, or of exactly its form of name; never a mapped one. */
  readonly agentBridges: ReadonlyMap<IfIndex, Bridge>;
  /** Bridges named in `bridge_mappings`: taps may join, nothing else is ever changed. */
  readonly mappedBridges: ReadonlyMap<IfIndex, Bridge>;
  readonly labelledBridges: ReadonlyMap<NetworkId, Bridge>;
  readonly subinterfaces: ReadonlyMap<string, Link>;
  /** The interfaces in `physical_interface_mappings` that are present, by the names that it has for them. */
  readonly mapped: ReadonlyMap<LinkName, Link>;
  /** Their indexes. */
  readonly mappedInterfaces: ReadonlySet<IfIndex>;
  /** What is enslaved to each master; `members` has none for the others. */
  readonly ports: ReadonlyMap<IfIndex, readonly Link[]>;
  members(bridge: IfIndex): readonly Link[];
}

export const isBridge = (link: Link): link is Bridge => link.detail.kind === 'bridge';

/** Essex names a gateway's device without the `tap` prefix. A bridge cannot be a port of another, and behind a VLAN device is no guest. */
export const isTap = (link: Link): boolean =>
  link.detail.kind === 'other' && (tapSuffix(link.name) !== null || isGatewayDevice(link));

/** A tap on this host: a mapped interface is an uplink, whatever it is called. */
export const isTapHere = ({ mappedInterfaces }: Pick<View, 'mappedInterfaces'>, link: Link): boolean =>
  isTap(link) && !mappedInterfaces.has(link.index);

/** Belongs to the Essex generation only; to every other one it is a foreign device. */
export const isGatewayDevice = ({ name }: Link): boolean => isGatewayName(name);

/** Addresses that somebody relies on; an IPv6 link-local one comes by itself and goes with the link. */
export const ownAddresses = (link: Link): Link['addresses'] =>
  link.addresses.filter((address) => !(address.family === 'inet6' && address.scope === 253));

export const subinterfaceKey = (parent: IfIndex, vlanId: number): string => `${parent}.${vlanId}`;

/** What was made of a state is kept as long as the state itself is. */
const views = new WeakMap<HostState, { readonly settings: HostSettings; readonly view: View }>();

/** Indexes the observed state, O(links); the same state with the same settings gives the same view, for nothing. */
export function viewOf(observed: HostState, settings: HostSettings): View {
  const made = views.get(observed);
  if (made?.settings === settings) return made.view;
  return keepView(makeView(observed, settings), settings);
}

/** Keeps a view that was made in another way, see `viewAfter`. */
export function keepView(view: View, settings: HostSettings): View {
  views.set(view.observed, { settings, view });
  return view;
}

function makeView(observed: HostState, settings: HostSettings): View {
  const mappedNames = new Set<LinkName>(settings.bridgeMappings.values());
  const mapped = mappedLinks(observed, settings);
  const mappedInterfaces = new Set([...mapped.values()].map(({ index }) => index));
  const taps = new Map<IfIndex, Link>();
  const agentBridges = new Map<IfIndex, Bridge>();
  const mappedBridges = new Map<IfIndex, Bridge>();
  const labelledBridges = new Map<NetworkId, Bridge>();
  const subinterfaces = new Map<string, Link>();
  const ports = new Map<IfIndex, Link[]>();
  for (const link of observed.links.values()) {
    if (link.master !== null) append(ports, link.master, link);
    if (isTapHere({ mappedInterfaces }, link)) taps.set(link.index, link);
    if (link.detail.kind === 'vlan') indexSubinterface(subinterfaces, link, link.detail);
    if (!isBridge(link)) continue;
    if (mappedNames.has(link.name)) {
      mappedBridges.set(link.index, link);
      continue;
    }
    const labelled = networkOfLabel(link.alias);
    if (labelled !== null) indexLabelled(labelledBridges, labelled, link);
    if (labelled !== null || isExactBridgeName(link.name)) agentBridges.set(link.index, link);
  }
  return {
    observed,
    taps,
    agentBridges,
    mappedBridges,
    labelledBridges,
    subinterfaces,
    mapped,
    mappedInterfaces,
    ports,
    members: (bridge) => ports.get(bridge) ?? [],
  };
}

/** An interface may be mapped by an altname. */
function mappedLinks(observed: HostState, { physicalInterfaces }: HostSettings): Map<LinkName, Link> {
  const found = new Map<LinkName, Link>();
  for (const name of physicalInterfaces.values()) {
    const link = linkCalled(observed, name);
    if (link !== undefined) found.set(name, link);
  }
  return found;
}

function append(map: Map<IfIndex, Link[]>, key: IfIndex, link: Link): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [link]);
  else list.push(link);
}

/** Of several bridges with one label, the one that also has the network's name is meant. */
function indexLabelled(map: Map<NetworkId, Bridge>, id: NetworkId, bridge: Bridge): void {
  if (!map.has(id) || bridge.name === bridgeName(id)) map.set(id, bridge);
}

function indexSubinterface(
  map: Map<string, Link>,
  link: Link,
  detail: Extract<LinkDetail, { kind: 'vlan' }>,
): void {
  if (detail.protocol === '802.1Q') map.set(subinterfaceKey(detail.parent, detail.vlanId), link);
}

/** Names of the taps that are here. */
export const tapNames = (view: View): Set<LinkName> =>
  new Set([...view.taps.values()].map(({ name }) => name));

/** True when the link is in a bridge that this agent plugs taps into. */
export const isPlugged = (view: View, { master }: Link): boolean =>
  master !== null && (view.agentBridges.has(master) || view.mappedBridges.has(master));

/**
 * The uplinks of one of the agent's bridges, told by the kernel's state and not by today's mappings alone: VLAN
 * devices (with addresses too: two segments must not stay joined because of one), mapped interfaces, the interface
 * whose MAC address a labelled bridge carries (a flat bridge is made with its uplink's), and `carrier`, the link by
 * which its network was last served (null: not known; `ownUplinks` asks the memory).
 */
export const uplinksOf = (view: View, bridge: Bridge, carrier: IfIndex | null): Link[] =>
  view
    .members(bridge.index)
    .filter(
      (member) => !isTapHere(view, member) && (member.index === carrier || isUplink(view, bridge, member)),
    );

function isUplink(view: View, bridge: Bridge, member: Link): boolean {
  // A tunnel is never the agent's to take out.
  if (member.detail.kind === 'vxlan') return false;
  if (member.detail.kind === 'vlan' || view.mappedInterfaces.has(member.index)) return true;
  // An unlabelled bridge chose its MAC address itself, from any of its ports; a tun device is somebody's tap.
  const pinned = networkOfLabel(bridge.alias) !== null && member.mac !== '' && member.mac === bridge.mac;
  return pinned && !(member.detail.kind === 'other' && member.detail.type === 'tun');
}

/** Taps in a bridge: what its users would lose with it. */
export const tapsIn = (view: View, bridge: IfIndex): Link[] =>
  view.members(bridge).filter((member) => isTapHere(view, member));
