import { type IfIndex, isSame, type Link, type NetworkId, type Warning } from '../../model/index.js';
import { type Bridge, devicesIn, ownAddresses, tapsIn, type View } from '../see/view.js';
import { candidatesOf, isOwn, leavingUplinks } from './candidates.js';
import { saysNothing } from './choose-segment.js';
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
import { mappedBefore } from './in-place.js';
import { unlessTaken } from './mapped-bridge.js';
import { isGone, isMadeUplink, networkOfBridge, obstacleTo, ownUplinks } from './owners.js';
import { deletionKey, uplinkKey } from './removals.js';
import { presentUplink, type Realisation } from './resolve-segment.js';

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

/** Whether the networks stay the same when taps begin or cease to ask for this: each is known by its bridge, and has no choice of segments. */
export const changesNothing = (asked: Asked, { networks, world, asked: askedBefore }: Desired): boolean =>
  [...asked].every(([id, segments]) => {
    const [only, other] = world.knowledge.networks.get(id)?.segments ?? [];
    const place = networks.get(id)?.place;
    return (
      place?.kind === 'present' &&
      networkOfBridge(world, place.bridge) === id &&
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
  ownAddresses(uplink).length === 0 && (isMadeUplink(world, uplink) || bridge.addresses.length === 0);

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
