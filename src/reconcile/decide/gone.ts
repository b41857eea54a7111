import { type Link, networkOfLabel, type Warning } from '../../model/index.js';
import { type Bridge, isPlugged, ownAddresses, tapsIn, type View } from '../see/view.js';
import type { DesiredTap, GoneBridge, Removal, TapDecision } from './desired.js';
import { isGone, isSubinterface, networkOfBridge, obstacleTo, ownUplinks } from './owners.js';
import { type Deciding, deletionKey, mayRemove } from './removals.js';
import { presentUplink } from './resolve-segment.js';

/**
 * Bridges of networks that are gone and that nothing keeps: every tap in them leaves in this pass. The others
 * are reported, unless a tap that stays is what keeps them and has been reported itself.
 */
export function goneBridges(
  deciding: Deciding,
  taps: readonly DesiredTap[],
): { gone: GoneBridge[]; refused: Warning[] } {
  const { world, networks } = deciding;
  const maintained = new Set(
    [...networks.values()].flatMap(({ place }) => (place.kind === 'present' ? [place.bridge.index] : [])),
  );
  const decisions = new Map(taps.map(({ tap, decision }) => [tap.index, decision]));
  const gone: GoneBridge[] = [];
  const refused: Warning[] = [];
  if (world.knowledge.presentBefore === null) return { gone, refused };
  for (const bridge of world.view.agentBridges.values()) {
    if (maintained.has(bridge.index)) continue;
    const isLeft = isLeftBehind(deciding, bridge);
    if (!isLeft && !isGone(world, bridge)) continue;
    const obstacle = obstacleTo(world, bridge);
    if (obstacle !== null) {
      refused.push(obstacle);
      continue;
    }
    const inside = tapsIn(world.view, bridge.index).map(({ index }) => decisions.get(index));
    if (!inside.every(leavesItsBridge) || !mayRemove(deciding, bridge, deletionOf(bridge, isLeft))) continue;
    gone.push({
      bridge,
      network: networkOfLabel(bridge.alias),
      isLeftBehind: isLeft,
      uplinks: ownUplinks(world, bridge),
      hasMovingTaps: inside.some((decision) => decision?.kind === 'wire'),
    });
  }
  return { gone, refused };
}

const leavesItsBridge = (decision: TapDecision | undefined): boolean =>
  decision?.kind === 'unwire' || decision?.kind === 'wire';

/**
 * Its network exists and is on a bridge of `bridge_mappings` now, or wants to be: what was its uplink must not stay
 * taken. A network that has its own bridge is blocked for no other reason.
 */
function isLeftBehind({ world, networks }: Deciding, bridge: Bridge): boolean {
  const id = networkOfBridge(world, bridge);
  const place = id === null ? undefined : networks.get(id)?.place;
  return place?.kind === 'joined' || place?.kind === 'blocked';
}

/** Deleting a bridge without taps counts as no removed tap; it is still held when the answer is suspect. */
const deletionOf = (bridge: Bridge, isLeft: boolean): Removal => ({
  key: deletionKey(bridge),
  taps: [],
  leaves: [],
  cause: isLeft ? 'segment-changed' : 'network-gone',
  device: bridge.name,
  text: `delete ${bridge.name}, whose network is ${isLeft ? 'elsewhere now' : 'gone'}`,
});

/** Subinterfaces with the agent's label that stand alone: left by a kill between two operations. */
export function orphanSubinterfaces({ world, networks, removals }: Deciding): Link[] {
  const before = world.knowledge.presentBefore;
  if (before === null || removals !== 'all') return [];
  const wanted = new Set(
    [...networks.values()].flatMap(({ realisation }) =>
      realisation.ok ? [presentUplink(realisation.uplink)?.index] : [],
    ),
  );
  return [...world.view.subinterfaces.values()].filter(
    (link) =>
      link.master === null &&
      isSubinterface(world, link) &&
      networkOfLabel(link.alias) !== null &&
      !wanted.has(link.index) &&
      before.has(link.index) &&
      ownAddresses(link).length === 0,
  );
}

/** How many taps the guard takes its share of. In a mapped bridge only those count that are this agent's. */
export const countWired = (view: View, taps: readonly DesiredTap[]): number =>
  taps.filter(
    ({ tap, decision }) =>
      isPlugged(view, tap) &&
      !(tap.master !== null && view.mappedBridges.has(tap.master) && isStranger(decision)),
  ).length;

const isStranger = (decision: TapDecision): boolean =>
  decision.kind === 'leave' && decision.port === null && decision.warnings.length === 0;
