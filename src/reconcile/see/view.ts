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

/** A VXLAN device of one VNI. */
export type TunnelLink = Link & { readonly detail: Extract<LinkDetail, { kind: 'vxlan' }> };

/**
 * Questions about what is on the host that several rooms of the reconciler ask. A view of a state in which only taps differ from
 * an earlier one shares with that one's all the rest, see `hasSameDevices`.
 */
export interface View {
  readonly observed: HostState;
  /** By which it was made. */
  readonly settings: HostSettings;
  /**
   * Devices named like a tap (any kind of link), and `gw-` devices, by what they are in (null: nothing), each list in the
   * order of their indexes. A list in which nothing has changed is the same list.
   */
  readonly taps: ReadonlyMap<IfIndex | null, readonly Link[]>;
  /** What else is enslaved to each master. */
  readonly devices: ReadonlyMap<IfIndex, readonly Link[]>;
  /** Bridges that are the agent's: labelled, or of exactly its form of name; never a mapped one. */
  readonly agentBridges: ReadonlyMap<IfIndex, Bridge>;
  /** Bridges named in `bridge_mappings`: taps may join, nothing else is ever changed. */
  readonly mappedBridges: ReadonlyMap<IfIndex, Bridge>;
  readonly labelledBridges: ReadonlyMap<NetworkId, Bridge>;
  readonly subinterfaces: ReadonlyMap<string, Link>;
  /** Every VXLAN device of one VNI. */
  readonly tunnels: readonly TunnelLink[];
  /** Of what is no tap, the link that has an address, as `ip` prints it. */
  readonly addresses: ReadonlyMap<string, Link>;
  /** The interfaces in `physical_interface_mappings` that are present, by the names that it has for them. */
  readonly mapped: ReadonlyMap<LinkName, Link>;
  /** Their indexes. */
  readonly mappedInterfaces: ReadonlySet<IfIndex>;
}

export const isBridge = (link: Link): link is Bridge => link.detail.kind === 'bridge';

export const isTunnel = (link: Link): link is TunnelLink => link.detail.kind === 'vxlan';

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
const views = new WeakMap<HostState, View>();

/**
 * Indexes the observed state; the same state with the same settings gives the same view, for nothing. O(what has changed) when
 * that is taps alone since the view before, else O(links).
 */
export function viewOf(observed: HostState, settings: HostSettings, before: View | null = null): View {
  const made = views.get(observed);
  if (made?.settings === settings) return made;
  const view =
    (before === null ? null : withOtherTaps(before, observed, settings)) ?? makeView(observed, settings);
  views.set(observed, view);
  return view;
}

/** Whether all but the taps is the same in both, and the settings are. */
export const hasSameDevices = (view: View, other: View): boolean => view.devices === other.devices;

/** The view of a state that differs from the one before in taps alone; null: it differs in more, or nobody can tell. */
function withOtherTaps(before: View, observed: HostState, settings: HostSettings): View | null {
  const { links, version } = before.observed;
  const { changes } = observed;
  if (changes?.since !== version || before.settings !== settings) return null;
  const indexes = [...changes.indexes];
  const now = indexes.flatMap((index) => observed.links.get(index) ?? []);
  const old = indexes.flatMap((index) => links.get(index) ?? []);
  // A tap may be mapped like any device: then it is somebody's uplink.
  const mapped = new Set<string>([
    ...settings.physicalInterfaces.values(),
    ...settings.bridgeMappings.values(),
  ]);
  const isTapAlone = (link: Link): boolean =>
    isTap(link) && ![link.name, ...link.altNames].some((name) => mapped.has(name));
  if (![...now, ...old].every(isTapAlone)) return null;
  const taps = new Map(before.taps);
  const came = byMaster(now);
  for (const master of new Set([...came.keys(), ...old.map((link) => link.master)])) {
    const stayed = tapsIn(before, master).filter(({ index }) => !changes.indexes.has(index));
    const list = inOrder([...stayed, ...(came.get(master) ?? [])]);
    if (list.length === 0) taps.delete(master);
    else taps.set(master, list);
  }
  return { ...before, observed, taps };
}

function makeView(observed: HostState, settings: HostSettings): View {
  const mappedNames = new Set<LinkName>(settings.bridgeMappings.values());
  const mapped = mappedLinks(observed, settings);
  const mappedInterfaces = new Set([...mapped.values()].map(({ index }) => index));
  const taps: Link[] = [];
  const agentBridges = new Map<IfIndex, Bridge>();
  const mappedBridges = new Map<IfIndex, Bridge>();
  const labelledBridges = new Map<NetworkId, Bridge>();
  const subinterfaces = new Map<string, Link>();
  const tunnels: TunnelLink[] = [];
  const addresses = new Map<string, Link>();
  const devices = new Map<IfIndex, Link[]>();
  for (const link of observed.links.values()) {
    if (isTapHere({ mappedInterfaces }, link)) {
      taps.push(link);
      continue;
    }
    for (const { address } of link.addresses) addresses.set(address, link);
    if (link.master !== null) append(devices, link.master, link);
    if (isTunnel(link)) tunnels.push(link);
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
    settings,
    taps: byMaster(inOrder(taps)),
    devices,
    agentBridges,
    mappedBridges,
    labelledBridges,
    subinterfaces,
    tunnels,
    addresses,
    mapped,
    mappedInterfaces,
  };
}

const inOrder = (links: Link[]): Link[] => links.sort((a, b) => a.index - b.index);

function byMaster(links: readonly Link[]): Map<IfIndex | null, Link[]> {
  const groups = new Map<IfIndex | null, Link[]>();
  for (const link of links) append(groups, link.master, link);
  return groups;
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

function append<Key>(map: Map<Key, Link[]>, key: Key, link: Link): void {
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

export const allTaps = (view: View): Link[] => [...view.taps.values()].flat();

/** Names of the taps that are here. */
export function tapNames({ taps }: View): Set<LinkName> {
  const names = new Set<LinkName>();
  for (const group of taps.values()) for (const { name } of group) names.add(name);
  return names;
}

/** True when the link is in a bridge that this agent plugs taps into. */
export const isPlugged = (view: View, { master }: Link): boolean =>
  master !== null && (view.agentBridges.has(master) || view.mappedBridges.has(master));

/**
 * The uplinks of one of the agent's bridges, told by the kernel's state and not by today's mappings alone: VLAN
 * devices and served tunnels (with addresses too: two segments must not stay joined because of one), mapped interfaces, the interface
 * whose MAC address a labelled bridge carries (a flat bridge is made with its uplink's), and `carrier`, the link by
 * which its network was last served (null: not known; `ownUplinks` asks the memory).
 */
export const uplinksOf = (view: View, bridge: Bridge, carrier: IfIndex | null): Link[] =>
  devicesIn(view, bridge.index).filter(
    (device) => device.index === carrier || isUplink(view, bridge, device),
  );

function isUplink(view: View, bridge: Bridge, member: Link): boolean {
  if (member.detail.kind === 'vlan' || view.mappedInterfaces.has(member.index)) return true;
  if (member.detail.kind === 'vxlan') return servesTunnels(view.settings) && isUnnamedByOthers(member);
  // An unlabelled bridge chose its MAC address itself, from any of its ports; a tun device is somebody's tap.
  const pinned = networkOfLabel(bridge.alias) !== null && member.mac !== '' && member.mac === bridge.mac;
  return pinned && !(member.detail.kind === 'other' && member.detail.type === 'tun');
}

/** Whether a bridge is the network's: by its label, and without one by its name. */
export function isBridgeOf({ alias, name }: Link, id: NetworkId): boolean {
  const labelled = networkOfLabel(alias);
  return labelled === null ? bridgeName(id) === name : labelled === id;
}

/** Whether this agent makes tunnels, and takes them away; without it they are somebody else's. */
export const servesTunnels = ({ tunnels }: HostSettings): boolean =>
  tunnels !== null && tunnels.local !== null;

/** Whether a link has no alias that somebody else gave it. */
export const isUnnamedByOthers = ({ alias }: Link): boolean => alias === '' || networkOfLabel(alias) !== null;

/** Taps in a bridge: what its users would lose with it. null: those in none. */
export const tapsIn = (view: View, bridge: IfIndex | null): readonly Link[] => view.taps.get(bridge) ?? [];

/** What else is in a bridge. */
export const devicesIn = (view: View, bridge: IfIndex): readonly Link[] => view.devices.get(bridge) ?? [];
