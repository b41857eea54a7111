import {
  bridgeMac,
  bridgeName,
  type IfIndex,
  type Link,
  type Network,
  type NetworkId,
  networkOfLabel,
  type Segment,
  type Warning,
} from '../../model/index.js';
import { type Bridge, devicesIn, isBridge, tapsIn, type View } from '../see/view.js';
import { type Choice, saysNothing, segmentOf } from './choose-segment.js';
import type { Candidate } from './conflicts.js';
import type { Asked, Place, World } from './desired.js';
import { leadsTo } from './in-place.js';
import { networkOfBridge, ownUplinks } from './owners.js';
import { presentUplink, realise, type Uplink } from './resolve-segment.js';

const MTU_MIN = 68;
/** A tun device takes no more; others take a little more. */
const MTU_MAX = 65_521;

/** Every network that a tap here asks for, and every network whose bridge is here and still exists, with where its bridge is. */
export function candidatesOf(world: World, asked: Asked): Candidate[] {
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

function candidateOf(world: World, network: Network, segment: Choice | null): Candidate {
  const { id } = network;
  const mtu = usableMtu(network.mtu);
  const realisation = realise(world.view, world.settings, { id, mtu }, segment);
  const uplink = realisation.ok ? realisation.uplink : null;
  return { id, mtu, segment, place: placeOf(world, id, uplink), realisation };
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

/** The uplinks in its bridge that are not of its segment. */
export function leavingUplinks(world: World, candidate: Candidate): Link[] {
  const { place, realisation } = candidate;
  if (place.kind !== 'present') return [];
  const present = ownUplinks(world, place.bridge);
  if (!realisation.ok) return present.filter((link) => !isOwn(world, candidate, place.bridge, link));
  const wanted = presentUplink(realisation.uplink);
  return present.filter((link) => link.index !== wanted?.index);
}

/** Whether a link in the network's bridge is of the segment that cannot be realised now. */
export const isOwn = (
  world: World,
  { id, segment, realisation }: Candidate,
  bridge: Bridge,
  link: Link,
): boolean => !realisation.ok && (realisation.keeps(link) || leadsTo(world, id, segment, bridge, link));
