import {
  bridgeMac,
  bridgeName,
  type IfIndex,
  isSame,
  type Link,
  type Network,
  type NetworkId,
  networkOfLabel,
  type Segment,
  type Warning,
} from '../../model/index.js';
import { type Bridge, devicesIn, isBridge, ownAddresses, tapsIn, type View } from '../see/view.js';
import { type Candidate, withoutConflicts } from './conflicts.js';
import {
  type Asked,
  type AssignedTaps,
  type Desired,
  type DesiredNetwork,
  mayGo,
  type Place,
  type Removals,
  type World,
} from './desired.js';
import { leadsTo, mappedBefore } from './in-place.js';
import { unlessTaken } from './mapped-bridge.js';
import { isGone, isSubinterface, networkOfBridge, obstacleTo, ownUplinks } from './owners.js';
import { deletionKey, uplinkKey } from './removals.js';
import {
  type Choice,
  presentUplink,
  type Realisation,
  realise,
  saysNothing,
  segmentOf,
  type Uplink,
} from './resolve-segment.js';

const MTU_MIN = 68;
/** A tun device takes no more; others take a little more. */
const MTU_MAX = 65_521;

/**
 * Every network that a tap here asks for, and every network whose bridge is here and still exists: where its
 * bridge is, what its uplink should be, and which uplinks have to leave it. `assigned`: the taps by what they are in.
 */
export function decideNetworks(
  world: World,
  asked: Asked,
  assigned: ReadonlyMap<IfIndex | null, AssignedTaps>,
  removals: Removals,
): Map<NetworkId, DesiredNetwork> {
  const candidates = withoutConflicts(world, candidatesOf(world, asked));
  const drafts: Draft[] = candidates.map((candidate) => {
    const leaving = leavingUplinks(world, candidate);
    return { candidate, leaving, mayLeave: mayLeave(world, candidate.place, leaving, removals) };
  });
  const released = new Set(releasedUplinks(world, drafts, removals));
  return new Map(
    drafts.map(({ candidate, leaving, mayLeave }) => {
      const held = { ...candidate, realisation: stillHeld(world, candidate, released) };
      const realisation = unlessTaken(world, assigned, removals, held);
      const blocked = candidate.place.kind === 'blocked' || (leaving.length > 0 && !mayLeave);
      const serves = realisation.ok && !blocked ? realisation.uplink : null;
      const staysIn = bridgesKept(world, { ...candidate, realisation });
      return [candidate.id, { ...candidate, realisation, staysIn, leaving, mayLeave, serves }];
    }),
  );
}

/**
 * Whether nothing about the networks depends on which taps are here, as long as these ask for what they asked for: no uplink
 * and no bridge is lost to another network or taken over, and every bridge is some network's.
 */
export function areIndependent(networks: Desired['networks'], { agentBridges }: View): boolean {
  let present = 0;
  for (const { place, leaving, realisation } of networks.values()) {
    const isShared = !realisation.ok && realisation.warning.code === 'SEGMENT_CONFLICT';
    if (place.kind === 'blocked' || place.kind === 'joined' || leaving.length > 0 || isShared) return false;
    if (place.kind === 'present' && agentBridges.has(place.bridge.index)) present += 1;
    else if (place.kind === 'present') return false;
  }
  return present === agentBridges.size;
}

/** Whether the networks stay the same when taps begin or cease to ask for this: each has its bridge, and no choice of segments. */
export const changesNothing = (asked: Asked, { networks, world, asked: askedBefore }: Desired): boolean =>
  [...asked].every(([id, segments]) => {
    const [only, other] = world.knowledge.networks.get(id)?.segments ?? [];
    return (
      networks.get(id)?.place.kind === 'present' &&
      [...segments, ...(askedBefore.get(id) ?? [])].every((one) => other === undefined && isSame(one, only))
    );
  });

interface Draft {
  readonly candidate: Candidate;
  readonly leaving: readonly Link[];
  readonly mayLeave: boolean;
}

/** Nothing is taken out of a bridge that was made after the database's snapshot began. */
const mayLeave = (
  { knowledge: { presentBefore } }: World,
  place: Place,
  leaving: readonly Link[],
  removals: Removals,
): boolean =>
  place.kind === 'present' &&
  leaving.length > 0 &&
  presentBefore?.has(place.bridge.index) === true &&
  mayGo(removals, uplinkKey(place.bridge, leaving));

function candidatesOf(world: World, asked: Asked): Candidate[] {
  const named = new Map(asked);
  for (const bridge of world.view.agentBridges.values()) {
    const id = networkOfBridge(world, bridge);
    if (id !== null && world.knowledge.networks.has(id) && !named.has(id)) named.set(id, []);
  }
  return [...named].flatMap(([id, segments]): Candidate[] => {
    const network = world.knowledge.networks.get(id);
    // Only from memory: the last answer had neither its row nor its binding, and so it claims no bridge of its name.
    if (network === undefined) return [];
    const candidate = standing(
      world,
      choicesOf(world, network, segments).map((segment) => candidateOf(world, network, segment)),
    );
    return candidate === undefined ? [] : [candidate];
  });
}

/**
 * Those that ports name, as far as they can be read; else the network's own. Which of several it is may be as little
 * known as with a row that cannot be read: one of them is in place, and stays.
 */
function choicesOf(world: World, network: Network, named: readonly Segment[]): (Choice | null)[] {
  const readable = named.filter((segment) => !saysNothing(segment));
  if (named.length > 0) return [...(readable.length > 0 ? readable : named)];
  const chosen = segmentOf(network, world.settings);
  if (chosen?.kind !== 'undecided') return [chosen];
  const isInPlace = network.segments.some((one) => keepsAll(world, candidateOf(world, network, one)));
  return [isInPlace ? { kind: 'bad', code: 'BINDING_INVALID', problem: chosen.problem } : chosen];
}

/**
 * Ports of one network may name several segments, and whose tap came first must not decide what the others lose: the
 * one that keeps every uplink of the bridge as it is stays; else one whose subinterface was made for the network; else
 * one of them, the same every time.
 */
function standing(world: World, candidates: readonly Candidate[]): Candidate | undefined {
  if (candidates.length < 2) return candidates[0];
  const inOrder = candidates.toSorted((a, b) => (inWords(a) < inWords(b) ? -1 : 1));
  return (
    inOrder.find((one) => keepsAll(world, one)) ??
    inOrder.find(({ id, realisation }) => realisation.ok && ownerOf(realisation.uplink) === id) ??
    inOrder[0]
  );
}

const inWords = ({ segment }: Candidate): string => JSON.stringify(segment);

/** There are uplinks in its bridge, and they are its own. */
const keepsAll = (world: World, candidate: Candidate): boolean =>
  candidate.place.kind === 'present' &&
  ownUplinks(world, candidate.place.bridge).length > 0 &&
  leavingUplinks(world, candidate).length === 0;

const ownerOf = (uplink: Uplink): NetworkId | null => networkOfLabel(presentUplink(uplink)?.alias ?? '');

function candidateOf(world: World, { id, mtu }: Network, segment: Choice | null): Candidate {
  const realisation = realise(world.view, world.settings, id, segment);
  const uplink = realisation.ok ? realisation.uplink : null;
  return { id, mtu: usableMtu(mtu), segment, place: placeOf(world, id, uplink), realisation };
}

/** What a bridge and its taps can have; Neutron writes 0 for "not known". */
const usableMtu = (mtu: number | null): number | null =>
  mtu !== null && mtu >= MTU_MIN && mtu <= MTU_MAX ? mtu : null;

function placeOf(world: World, id: NetworkId, uplink: Uplink | null): Place {
  if (uplink?.kind === 'joined') return { kind: 'joined', bridge: uplink.bridge };
  const labelled = world.view.labelledBridges.get(id);
  if (labelled !== undefined) return { kind: 'present', bridge: labelled };
  const name = bridgeName(id);
  const occupant = world.view.observed.byName.get(name);
  if (occupant === undefined) return { kind: 'missing', name };
  const owner = networkOfLabel(occupant.alias);
  if (isBridge(occupant) && owner === null && isAdoptable(world, occupant, id, uplink)) {
    return { kind: 'present', bridge: occupant };
  }
  const warning: Warning =
    owner !== null
      ? {
          code: 'NETWORK_PREFIX_CONFLICT',
          message: `networks ${owner} and ${id} both need a bridge named ${name}; it belongs to ${owner}`,
          network: id,
          device: name,
        }
      : {
          code: 'BRIDGE_FOREIGN',
          message: `network ${id} needs a bridge named ${name}, and ${isBridge(occupant) ? 'a bridge' : 'a device'} of that name that is not the agent's is there`,
          network: id,
          device: name,
        };
  return { kind: 'blocked', warning };
}

/**
 * A bridge of the exact form is the agent's. One made for an id of another form (`brqn1`) by an agent that was
 * killed before it could label it is known by the MAC address that only this agent gives it.
 */
function isAdoptable(world: World, bridge: Bridge, id: NetworkId, uplink: Uplink | null): boolean {
  if (world.view.agentBridges.has(bridge.index)) return true;
  if (world.view.mappedBridges.has(bridge.index) || hasMembers(world.view, bridge.index)) return false;
  const made = uplink?.kind === 'interface' ? uplink.link.mac : bridgeMac(id, world.settings.host);
  return bridge.mac === made;
}

const hasMembers = (view: View, bridge: IfIndex): boolean =>
  tapsIn(view, bridge).length + devicesIn(view, bridge).length > 0;

function leavingUplinks(world: World, candidate: Candidate): Link[] {
  const { place, realisation } = candidate;
  if (place.kind !== 'present') return [];
  const present = ownUplinks(world, place.bridge);
  if (!realisation.ok) return present.filter((link) => !isOwn(world, candidate, place.bridge, link));
  const wanted = presentUplink(realisation.uplink);
  return present.filter((link) => link.index !== wanted?.index);
}

/** Whether a link in the network's bridge is of the segment that cannot be realised now. */
const isOwn = (world: World, { id, segment, realisation }: Candidate, bridge: Bridge, link: Link): boolean =>
  !realisation.ok && (realisation.keeps(link) || leadsTo(world, id, segment, bridge, link));

/**
 * Where taps of a network that cannot be realised stay as they are: behind an uplink of its own that is up, or where its
 * rows say nothing. Nobody can tell then whose a mapped bridge was.
 */
function bridgesKept(world: World, candidate: Candidate): Set<IfIndex> {
  const { id, segment, place, realisation } = candidate;
  const kept = new Set<IfIndex>();
  if (realisation.ok) return kept;
  const { view } = world;
  const isUnread = saysNothing(segment);
  if (isUnread) for (const index of view.mappedBridges.keys()) kept.add(index);
  const mapped = mappedBefore(world, id, segment);
  if (mapped !== null) kept.add(mapped);
  // The mapped bridge is not free for it yet: until then it stays where it was before it was mapped.
  const own = place.kind === 'joined' ? view.labelledBridges.get(id) : undefined;
  if (own !== undefined) kept.add(own.index);
  if (place.kind !== 'present') return kept;
  const { bridge } = place;
  const leads = (link: Link): boolean => link.up && isOwn(world, candidate, bridge, link);
  if (isUnread || devicesIn(view, bridge.index).some(leads)) kept.add(bridge.index);
  return kept;
}

/**
 * Uplinks that are free for another network once the leaving operations of this plan are done. One that has
 * addresses, or gets them back, is not among them: that is decided when the host is read again.
 */
function releasedUplinks(world: World, drafts: readonly Draft[], removals: Removals): IfIndex[] {
  const { view, knowledge } = world;
  const leaving = drafts.flatMap(({ candidate: { place }, leaving, mayLeave }) =>
    mayLeave && place.kind === 'present'
      ? leaving.filter((link) => comesFree(world, place.bridge, link))
      : [],
  );
  const maintained = new Set(
    drafts.flatMap(({ candidate: { place } }) => (place.kind === 'present' ? [place.bridge.index] : [])),
  );
  const gone = [...view.agentBridges.values()].filter(
    (bridge) =>
      !maintained.has(bridge.index) &&
      knowledge.presentBefore?.has(bridge.index) === true &&
      mayGo(removals, deletionKey(bridge)) &&
      isGone(world, bridge) &&
      obstacleTo(world, bridge) === null &&
      tapsIn(view, bridge.index).length === 0,
  );
  const freed = gone.flatMap((bridge) =>
    ownUplinks(world, bridge).filter((link) => comesFree(world, bridge, link)),
  );
  return [...leaving, ...freed].map(({ index }) => index);
}

const comesFree = (world: World, bridge: Bridge, uplink: Link): boolean =>
  ownAddresses(uplink).length === 0 && (isSubinterface(world, uplink) || bridge.addresses.length === 0);

/** An uplink that is in another bridge of the agent and does not leave it in this pass cannot be taken. */
function stillHeld(world: World, candidate: Candidate, released: ReadonlySet<Link['index']>): Realisation {
  const { realisation, place, id } = candidate;
  if (!realisation.ok) return realisation;
  const link = presentUplink(realisation.uplink);
  const own = place.kind === 'present' ? place.bridge.index : null;
  if (link === null || link.master === null || link.master === own || released.has(link.index)) {
    return realisation;
  }
  const holder = world.view.observed.links.get(link.master);
  const warning: Warning = {
    code: 'SEGMENT_CONFLICT',
    message: `network ${id} needs ${link.name}, which is still in bridge ${holder?.name ?? link.master}`,
    network: id,
    device: link.name,
  };
  return { ok: false, warning, keeps: () => false };
}
