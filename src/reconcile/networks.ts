import {
  bridgeMac,
  bridgeName,
  ID_PREFIX_LENGTH,
  type Link,
  type NetworkId,
  networkOfLabel,
  type Warning,
} from '../model/index.js';
import type { Assignment } from './assign.js';
import type { DesiredNetwork, Place, Removals, World } from './desired.js';
import { chooseSegment, type Realisation, realise, type Uplink } from './realise.js';
import { type Bridge, isBridge, subinterfaceKey, tapsIn, uplinksOf } from './view.js';

interface Candidate {
  readonly id: NetworkId;
  readonly mtu: number | null;
  readonly place: Place;
  readonly realisation: Realisation;
}

/**
 * Every network that a tap here asks for, and every network whose bridge is here and still exists: where its
 * bridge is, what its uplink should be, and which uplinks have to leave it.
 */
export function desiredNetworks(
  world: World,
  assignments: readonly Assignment[],
  removals: Removals,
): Map<NetworkId, DesiredNetwork> {
  const candidates = withoutConflicts(world, candidatesOf(world, assignments));
  const drafts = candidates.map((candidate) => ({
    candidate,
    leaving: leavingUplinks(world, candidate),
    mayLeave: removals === 'allowed' && wasPresent(world, candidate.place),
  }));
  const released = new Set(removals === 'allowed' ? releasedUplinks(world, drafts) : []);
  return new Map(
    drafts.map(({ candidate, leaving, mayLeave }) => {
      const realisation = stillHeld(world, candidate, released);
      const blocked = candidate.place.kind === 'blocked' || (leaving.length > 0 && !mayLeave);
      const serves = realisation.ok && !blocked ? realisation.uplink : null;
      return [candidate.id, { ...candidate, realisation, leaving, mayLeave, serves }];
    }),
  );
}

/** Nothing is taken out of a bridge that was made after the database's snapshot began. */
const wasPresent = ({ knowledge: { presentBefore } }: World, place: Place): boolean =>
  place.kind === 'present' && presentBefore !== null && presentBefore.has(place.bridge.index);

function candidatesOf(world: World, assignments: readonly Assignment[]): Candidate[] {
  const ports = new Map<NetworkId, Extract<Assignment, { kind: 'network' }>['port'] | null>();
  for (const assignment of assignments) {
    if (assignment.kind !== 'network') continue;
    const known = ports.get(assignment.network) ?? null;
    ports.set(assignment.network, known?.segment == null ? assignment.port : known);
  }
  for (const bridge of world.view.agentBridges.values()) {
    const id = networkOfBridge(world, bridge);
    if (id !== null && world.knowledge.networks.has(id) && !ports.has(id)) ports.set(id, null);
  }
  return [...ports].map(([id, port]) => {
    const network = world.knowledge.networks.get(id) ?? null;
    const segment = network === null ? null : chooseSegment(network, port, world.settings);
    const realisation = realise(world.view, world.settings, id, segment);
    const uplink = realisation.ok ? realisation.uplink : null;
    return { id, mtu: network?.mtu ?? null, place: placeOf(world, id, uplink), realisation };
  });
}

/**
 * The network a bridge of the agent belongs to: its label says it; without a label the one network that
 * is known with that prefix. null: not known.
 */
export function networkOfBridge(world: World, bridge: Bridge): NetworkId | null {
  const labelled = networkOfLabel(bridge.alias);
  if (labelled !== null) return labelled;
  const suffix = bridge.name.slice(3);
  const ids = [...world.knowledge.networks.keys()].filter((id) => id.slice(0, ID_PREFIX_LENGTH) === suffix);
  return ids.length === 1 ? (ids[0] ?? null) : null;
}

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
  if (world.view.mappedBridges.has(bridge.index) || world.view.members(bridge.index).length > 0) return false;
  const made = uplink?.kind === 'interface' ? uplink.link.mac : bridgeMac(id, world.settings.host);
  return bridge.mac === made;
}

/** Of several networks that claim one bridge name or one uplink, the one that holds it keeps it. */
function withoutConflicts(world: World, candidates: readonly Candidate[]): Candidate[] {
  const claims = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    for (const key of claimsOf(candidate)) claims.set(key, [...(claims.get(key) ?? []), candidate]);
  }
  const losers = new Map<NetworkId, Warning>();
  for (const [key, rivals] of claims) {
    if (rivals.length < 2) continue;
    const winner = winnerOf(world, rivals);
    for (const rival of rivals) if (rival !== winner) losers.set(rival.id, conflict(key, winner, rival));
  }
  return candidates.map((candidate) => {
    const warning = losers.get(candidate.id);
    if (warning === undefined) return candidate;
    const realisation: Realisation = { ok: false, warning, keeps: () => false };
    return { ...candidate, realisation };
  });
}

function claimsOf(candidate: Candidate): string[] {
  const claims: string[] = [];
  if (candidate.place.kind === 'missing') claims.push(`name ${candidate.place.name}`);
  if (!candidate.realisation.ok) return claims;
  const uplink = candidate.realisation.uplink;
  if (uplink.kind === 'interface') claims.push(`interface ${uplink.link.name}`);
  if (uplink.kind === 'joined') claims.push(`bridge ${uplink.bridge.name}`);
  if (uplink.kind === 'subinterface') {
    claims.push(`VLAN ${subinterfaceKey(uplink.parent.index, uplink.vlanId)} on ${uplink.parent.name}`);
  }
  return claims;
}

function winnerOf(world: World, rivals: readonly Candidate[]): Candidate {
  const ordered = rivals.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const holder = ordered.find((rival) => holdsUplink(world, rival));
  const [first] = ordered;
  if (first === undefined) throw new RangeError('a conflict has at least two rivals');
  return holder ?? first;
}

function holdsUplink(world: World, { place, realisation, id }: Candidate): boolean {
  if (place.kind === 'joined') {
    return tapsIn(world.view, place.bridge.index).some((tap) =>
      world.knowledge.ports.some(
        (port) => port.networkId === id && tap.name === `tap${port.interfaceId.slice(0, ID_PREFIX_LENGTH)}`,
      ),
    );
  }
  const link = realisation.ok ? presentUplink(realisation.uplink) : null;
  return place.kind === 'present' && link !== null && link.master === place.bridge.index;
}

function conflict(key: string, winner: Candidate, loser: Candidate): Warning {
  const code = key.startsWith('name ') ? 'NETWORK_PREFIX_CONFLICT' : 'SEGMENT_CONFLICT';
  const what = key.replace(/ \d+\.(\d+) on /, ' $1 on ');
  return {
    code,
    message: `networks ${winner.id} and ${loser.id} both ask for ${what}; ${winner.id} keeps it, ${loser.id} is not wired`,
    network: loser.id,
  };
}

/** The link of an uplink that is there already; null: none is needed or it has to be made. */
export function presentUplink(uplink: Uplink): Link | null {
  if (uplink.kind === 'interface') return uplink.link;
  return uplink.kind === 'subinterface' ? uplink.existing : null;
}

function leavingUplinks(world: World, { place, realisation }: Candidate): Link[] {
  if (place.kind !== 'present') return [];
  const present = uplinksOf(world.view, place.bridge);
  if (!realisation.ok) return present.filter((link) => !realisation.keeps(link));
  const wanted = presentUplink(realisation.uplink);
  return present.filter((link) => link.index !== wanted?.index);
}

function releasedUplinks(
  world: World,
  drafts: readonly { candidate: Candidate; leaving: readonly Link[]; mayLeave: boolean }[],
): Link['index'][] {
  const leaving = drafts.flatMap((draft) => (draft.mayLeave ? draft.leaving.map(({ index }) => index) : []));
  const maintained = new Set(
    drafts.flatMap(({ candidate: { place } }) => (place.kind === 'present' ? [place.bridge.index] : [])),
  );
  const before = world.knowledge.presentBefore;
  const gone = [...world.view.agentBridges.values()].filter(
    (bridge) =>
      !maintained.has(bridge.index) &&
      before !== null &&
      before.has(bridge.index) &&
      isEmptyAfter(world, bridge),
  );
  return [...leaving, ...gone.flatMap((bridge) => uplinksOf(world.view, bridge).map(({ index }) => index))];
}

/** A gone bridge that still has taps is not taken apart in the same pass. */
const isEmptyAfter = (world: World, bridge: Bridge): boolean => tapsIn(world.view, bridge.index).length === 0;

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
