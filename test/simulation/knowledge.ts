import {
  type Answer,
  bridgeName,
  type HostSettings,
  type HostState,
  isExactBridgeName,
  type Link,
  type LinkName,
  linkName,
  type Network,
  type NetworkId,
  networkOfLabel,
  type Port,
  type PortId,
  tapName,
} from '../../src/model/index.js';

/** What the agent was last told, as a judge reads it: on its own, without the agent's rooms. */
export interface Knowledge {
  readonly ports: readonly Port[];
  readonly networks: ReadonlyMap<NetworkId, Network>;
  readonly bad: ReadonlySet<PortId>;
}

export const NOTHING_KNOWN: Knowledge = { ports: [], networks: new Map(), bad: new Set() };

export const knowledgeOf = ({ ports, networks, warnings }: Answer): Knowledge => ({
  ports,
  networks: new Map(networks.map((network) => [network.id, network])),
  bad: new Set(warnings.flatMap(({ port }) => (port === undefined ? [] : [port]))),
});

/** What the rows say about the tap of that name. */
export type RowOfTap =
  | { readonly kind: 'one'; readonly port: Port }
  | { readonly kind: 'none' | 'bad' | 'several' };

export function rowOfTap({ ports, bad }: Knowledge, name: string): RowOfTap {
  const candidates = ports.filter(({ interfaceId }) => tapName(interfaceId) === name);
  const here = candidates.filter(({ binding: { kind } }) => kind === 'here' || kind === 'arriving');
  const rest =
    here.length > 0
      ? here
      : candidates.filter(({ binding: { kind } }) => kind !== 'elsewhere' && kind !== 'standby');
  const [only, more] = candidates.length === 1 ? candidates : rest;
  if (candidates.length === 0) return { kind: [...bad].some((id) => tapName(id) === name) ? 'bad' : 'none' };
  return only === undefined || more !== undefined ? { kind: 'several' } : { kind: 'one', port: only };
}

/** Whether this host is to serve the port, when it is admin up. */
export const isServedHere = ({ binding: { kind } }: Port): boolean =>
  kind === 'here' || kind === 'arriving' || kind === 'standby' || kind === 'unhosted';

/** How a network reaches the wire on this host. */
export type Way =
  | { readonly kind: 'local' }
  | { readonly kind: 'joined'; readonly bridge: Link }
  | { readonly kind: 'uplink'; readonly fits: (link: Link) => boolean; readonly interfaceName: string }
  | { readonly kind: 'blocked' };

const BLOCKED: Way = { kind: 'blocked' };

export function wayOf(network: Network, state: HostState, settings: HostSettings): Way {
  const [segment] = network.segments;
  if (segment === undefined || segment.kind === 'bad') return BLOCKED;
  if (segment.kind === 'vxlan' || segment.kind === 'unsupported') return BLOCKED;
  if (segment.kind === 'local') return { kind: 'local' };
  const mapped = segment.kind === 'flat' ? settings.bridgeMappings.get(segment.physicalNetwork) : undefined;
  if (mapped !== undefined) {
    const bridge = state.byName.get(mapped);
    return bridge?.detail.kind === 'bridge' ? { kind: 'joined', bridge } : BLOCKED;
  }
  const name = settings.physicalInterfaces.get(segment.physicalNetwork);
  const physical =
    name === undefined ? undefined : (state.byName.get(name) ?? state.byName.get(renamed(name)));
  if (physical === undefined) return BLOCKED;
  const isOfSegment = ({ detail }: Link): boolean =>
    segment.kind === 'vlan' &&
    detail.kind === 'vlan' &&
    detail.parent === physical.index &&
    detail.vlanId === segment.vlanId;
  return {
    kind: 'uplink',
    interfaceName: physical.name,
    fits: segment.kind === 'flat' ? (link) => link.index === physical.index : isOfSegment,
  };
}

export const isTapName = (name: string): boolean => name.startsWith('tap');

export const isAgentBridge = ({ detail, alias, name }: Link): boolean =>
  detail.kind === 'bridge' && (networkOfLabel(alias) !== null || isExactBridgeName(name));

export const membersOf = (state: HostState, bridge: Link): Link[] =>
  [...state.links.values()].filter(({ master }) => master === bridge.index);

/** Links of an agent's bridge that lead out of the host. */
export const uplinksOf = (state: HostState, bridge: Link, settings: HostSettings): Link[] =>
  membersOf(state, bridge).filter((link) => isUplink(link, settings));

export const isUplink = ({ detail, name }: Link, settings: HostSettings): boolean =>
  detail.kind === 'vlan' ||
  [...settings.physicalInterfaces.values()].some((mapped) => name === mapped || name === renamed(mapped));

/** What somebody calls an interface for a while. It leads to the same wire under that name. */
export const renamed = (name: LinkName): LinkName => linkName(`${name}-new`);

/** Nothing can be told from its rows about how it reaches the wire. */
export const isUnreadable = ({ segments: [segment] }: Network): boolean =>
  segment === undefined || segment.kind === 'bad';

/** True when the link is in a bridge that taps are plugged into: one of the agent's, or a mapped one. */
export function isPlugged(state: HostState, { master }: Link, settings: HostSettings): boolean {
  const bridge = master === null ? undefined : state.links.get(master);
  if (bridge === undefined) return false;
  return isAgentBridge(bridge) || [...settings.bridgeMappings.values()].includes(bridge.name);
}

/** By its label, or, where somebody has taken that off, by its name. */
export const isBridgeOf = ({ alias, name }: Link, { id }: Network): boolean =>
  networkOfLabel(alias) === id || (alias === '' && name === bridgeName(id));

/** Up, in the bridge of its network, which is up and has the right uplink. */
export function isWired(state: HostState, tap: Link, network: Network, settings: HostSettings): boolean {
  const bridge = tap.master === null ? undefined : state.links.get(tap.master);
  const way = wayOf(network, state, settings);
  if (bridge === undefined || !tap.up || way.kind === 'blocked') return false;
  if (way.kind === 'joined') return bridge.index === way.bridge.index;
  if (!isBridgeOf(bridge, network) || !bridge.up) return false;
  const uplinks = uplinksOf(state, bridge, settings);
  if (way.kind === 'local') return uplinks.length === 0;
  const [only, more] = uplinks;
  return only !== undefined && more === undefined && only.up && way.fits(only);
}
