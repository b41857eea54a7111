import {
  bridgeName,
  type HostSettings,
  type HostState,
  type Link,
  type Network,
  networkOfLabel,
  type Port,
  type PortId,
  type Segment,
  tapName,
} from '../../src/model/index.js';
import type { Rows } from './cloud.js';
import {
  isAgentBridge,
  isPlugged,
  isServedHere,
  isTapName,
  isUnreadable,
  isWired,
  type Knowledge,
  membersOf,
  rowOfTap,
  uplinksOf,
  type Way,
  wayOf,
} from './knowledge.js';

/**
 * Reads the contract's table for a host that has had time to settle: what is not as the rows say. Taps that the
 * contract leaves alone, and networks that dispute a bridge or an uplink, are looked at for isolation only;
 * `isJudged` says which taps the agent has had reason to ask for.
 */
export function judgeSettled(
  rows: Rows,
  state: HostState,
  settings: HostSettings,
  isJudged: (tap: Link) => boolean,
): string[] {
  const knowledge: Knowledge = {
    ports: [...rows.ports.values()].filter(({ id }) => !rows.bad.has(id)),
    networks: new Map([...rows.networks].filter(([, one]) => one.rowPresent || one.segments.length > 0)),
    bad: rows.bad,
  };
  const taps = [...state.links.values()].filter(
    (link) => isTapName(link.name) && link.detail.kind === 'other' && isJudged(link),
  );
  return [
    ...taps.flatMap((tap) => judgeTap(tap, knowledge, state, settings)),
    ...[...state.links.values()]
      .filter(isAgentBridge)
      .flatMap((bridge) => judgeBridge(bridge, knowledge, state, settings)),
  ];
}

function judgeTap(tap: Link, knowledge: Knowledge, state: HostState, settings: HostSettings): string[] {
  const row = rowOfTap(knowledge, tap.name);
  if (isHidden(knowledge, tap)) return [];
  const isInMapped = [...settings.bridgeMappings.values()].some(
    (name) => state.byName.get(name)?.index === tap.master,
  );
  const plugged = isPlugged(state, tap, settings);
  if (row.kind === 'none') return plugged && !isInMapped ? [`${tap.name} has no row, and is plugged`] : [];
  if (row.kind !== 'one' || !isServedHere(row.port)) return [];
  const { port } = row;
  const isForeign = tap.master !== null && !plugged;
  if (isForeign) return [];
  if (!port.adminUp)
    return plugged ? [`${tap.name} is admin down, and is plugged`] : downUnless(port, 'DOWN');
  const network = knowledge.networks.get(port.networkId);
  if (network === undefined) return plugged ? [`${tap.name} is of no network, and is plugged`] : [];
  if (!isServable(network, knowledge, state, settings)) return [];
  return isWired(state, tap, network, settings)
    ? downUnless(port, port.statusWords.active)
    : [`${tap.name} is not wired to network ${network.id}`];
}

/**
 * A tap whose port is known is asked for by that port's id alone: a second port of the same prefix is not seen as
 * long as the known one may be served here.
 */
const isHidden = ({ ports }: Knowledge, tap: Link): boolean =>
  ports.filter((port) => tapName(port.interfaceId) === tap.name && isServedHere(port)).length > 1;

/** A status of a port that is bound here; one that arrives, or is bound elsewhere, is written by nobody here. */
const downUnless = ({ id, status, binding }: Port, wanted: string): string[] =>
  binding.kind === 'arriving' || binding.kind === 'standby' || status === wanted
    ? []
    : [`port ${id} is ${status}, and should be ${wanted}`];

/** False: its network cannot be realised, or another one has what it needs. */
export function isServable(
  network: Network,
  knowledge: Knowledge,
  state: HostState,
  settings: HostSettings,
): boolean {
  const way = wayOf(network, state, settings);
  if (way.kind === 'blocked') return false;
  const name = bridgeName(network.id);
  const occupant = state.byName.get(name);
  const isTaken =
    way.kind !== 'joined' &&
    occupant !== undefined &&
    (!isAgentBridge(occupant) || networkOfLabel(occupant.alias) !== network.id);
  const others = [...knowledge.networks.values()].filter(({ id }) => id !== network.id);
  const rivals = others.filter(
    (other) =>
      bridgeName(other.id) === name ||
      other.segments.some((segment) => isSameWire(segment, network.segments[0])),
  );
  return (
    !isTaken &&
    rivals.length === 0 &&
    !isHeldByOthers(way, network, knowledge, state) &&
    isFree(way, knowledge, state, settings)
  );
}

/** A network does not come new to a mapped bridge in which a tap of another one is left alone. */
const isHeldByOthers = (way: Way, { id }: Network, knowledge: Knowledge, state: HostState): boolean =>
  way.kind === 'joined' &&
  membersOf(state, way.bridge).some(({ name }) => {
    const row = rowOfTap(knowledge, name);
    return row.kind === 'one' && row.port.networkId !== id;
  });

const isSameWire = (one: Segment, other: Segment | undefined): boolean =>
  one.kind !== 'local' && other !== undefined && JSON.stringify(one) === JSON.stringify(other);

/**
 * A physical interface may be enslaved elsewhere, a subinterface may belong to somebody else, and a network that
 * has lost its binding keeps what it has.
 */
function isFree(way: Way, { networks }: Knowledge, state: HostState, settings: HostSettings): boolean {
  if (way.kind !== 'uplink') return true;
  const uplinks = [...state.links.values()].filter(
    (link) => link.name === way.interfaceName || way.fits(link),
  );
  const isRefused = ({ name, master, addresses }: Link): boolean =>
    settings.flatAddressMove === 'refuse' &&
    name === way.interfaceName &&
    master === null &&
    addresses.some(({ scope }) => scope !== 253);
  if (uplinks.some((link) => way.fits(link) && isRefused(link))) return false;
  return uplinks.every((link) => {
    const bridge = link.master === null ? undefined : state.links.get(link.master);
    if (bridge === undefined) return link.master === null;
    const owner = networkOfLabel(bridge.alias);
    // A bridge whose label was taken off is known by its name.
    const network =
      owner === null
        ? [...networks.values()].find(({ id }) => bridgeName(id) === bridge.name)
        : networks.get(owner);
    const isKept =
      (network !== undefined && isUnreadable(network)) || isInUse(bridge, network, state, settings);
    return isPlugged(state, link, settings) && !isKept;
  });
}

/**
 * Its network is gone, or on a mapped bridge now, but taps that are left alone keep the old bridge in use, or addresses
 * that somebody cut off from their interface.
 */
const isInUse = (
  bridge: Link,
  network: Network | undefined,
  state: HostState,
  settings: HostSettings,
): boolean =>
  (network === undefined || wayOf(network, state, settings).kind === 'joined') &&
  (bridge.addresses.some(({ scope }) => scope !== 253) ||
    membersOf(state, bridge).some(({ name }) => isTapName(name)));

/** A known port of this host whose tap went away is not ACTIVE any more. */
export const judgeVanished = ({ ports }: Rows, state: HostState, known: ReadonlySet<PortId>): string[] =>
  [...ports.values()].flatMap(({ id, interfaceId, binding, status }) =>
    known.has(id) && binding.kind === 'here' && status === 'ACTIVE' && !state.byName.has(tapName(interfaceId))
      ? [`port ${id} is ACTIVE, and its tap is gone`]
      : [],
  );

/** Whatever the rows dispute: no bridge ever leads to two segments, nor holds taps of two networks. */
function judgeBridge(bridge: Link, knowledge: Knowledge, state: HostState, settings: HostSettings): string[] {
  const uplinks = uplinksOf(state, bridge, settings);
  const networks = new Set(
    membersOf(state, bridge)
      .filter(({ name }) => isTapName(name))
      .flatMap((tap) => {
        const row = rowOfTap(knowledge, tap.name);
        return row.kind === 'one' && isServedHere(row.port) && row.port.adminUp ? [row.port.networkId] : [];
      }),
  );
  const id = networkOfLabel(bridge.alias);
  const isGone = id !== null && !knowledge.networks.has(id);
  return [
    ...(uplinks.length > 1 ? [`${bridge.name} has ${uplinks.length} uplinks`] : []),
    ...(networks.size > 1 ? [`${bridge.name} holds taps of ${networks.size} networks`] : []),
    ...(isGone && membersOf(state, bridge).length === 0 && bridge.addresses.length === 0
      ? [`${bridge.name} is there, and its network is gone`]
      : []),
  ];
}
