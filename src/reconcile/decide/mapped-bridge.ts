import type { IfIndex, Link } from '../../model/index.js';
import type { Candidate } from './conflicts.js';
import { type AssignedTaps, type Assignment, mayGo, type Removals, type World } from './desired.js';
import { detachKey, moveKey } from './removals.js';
import type { Realisation } from './resolve-segment.js';

/**
 * A network does not come new to a mapped bridge in which a tap stays that is not its own: one that a readable row has on
 * another network, or one without a row whose port this agent has known. Whose that one was nobody may know any more, so
 * that a network that is at home there goes on: it has a tap in it, or was served by it last.
 */
export function unlessTaken(
  world: World,
  assigned: ReadonlyMap<IfIndex | null, AssignedTaps>,
  removals: Removals,
  { id, place, realisation }: Candidate,
): Realisation {
  if (place.kind !== 'joined' || world.inPlace.get(id)?.carrier === place.bridge.index) return realisation;
  const inside = assigned.get(place.bridge.index)?.assignments ?? [];
  const isAtHome = inside.some((one) => one.kind !== 'unknown' && one.port?.networkId === id);
  const other = inside.find((one) => stays(world, one, removals));
  return isAtHome || other === undefined ? realisation : refusal(id, place.bridge, other.tap);
}

function stays({ knowledge, plugged }: World, one: Assignment, removals: Removals): boolean {
  const { tap } = one;
  const mayLeave = (key: string): boolean =>
    knowledge.presentBefore?.has(tap.index) === true && mayGo(removals, key);
  switch (one.kind) {
    case 'unknown':
      return plugged.has(tap.index);
    case 'leave':
      return one.port !== null;
    case 'unwire':
      return !mayLeave(detachKey(tap));
    case 'network':
      return !mayLeave(moveKey(tap, one.network));
  }
}

const refusal = (network: Candidate['id'], bridge: Link, tap: Link): Realisation => ({
  ok: false,
  keeps: () => false,
  warning: {
    code: 'SEGMENT_CONFLICT',
    message: `network ${network} needs bridge ${bridge.name}, in which ${tap.name} stays, and that is not known to be of the same network`,
    network,
    device: bridge.name,
  },
});
