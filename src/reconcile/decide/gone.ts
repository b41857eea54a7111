import { type Link, networkOfLabel, type Warning } from '../../model/index.js';
import { type Bridge, ownAddresses, servesTunnels, type View } from '../see/view.js';
import {
  type Desired,
  type DesiredTap,
  type GoneBridge,
  mayGo,
  type Removal,
  type TapDecision,
} from './desired.js';
import { isGone, isMadeUplink, networkOfBridge, obstacleTo, ownUplinks } from './owners.js';
import { type Deciding, deletionKey, wasHere } from './removals.js';
import { presentUplink } from './resolve-segment.js';

/** What becomes of the bridges that no network uses. */
export interface Unused {
  /** Those that go in this pass. */
  readonly gone: readonly GoneBridge[];
  /** Why others stay. */
  readonly refused: readonly Warning[];
  /** All that would go, also those that may not. */
  readonly removals: readonly Removal[];
}

/**
 * Bridges of networks that are gone and that nothing keeps: every tap in them leaves in this pass. The others
 * are reported, unless a tap that stays is what keeps them and has been reported itself.
 */
export function unusedBridges(deciding: Deciding, groups: Desired['groups']): Unused {
  const { world, networks, removals } = deciding;
  if (world.knowledge.presentBefore === null) return { gone: [], refused: [], removals: [] };
  const maintained = new Set(
    [...networks.values()].flatMap(({ place }) => (place.kind === 'present' ? [place.bridge.index] : [])),
  );
  const refused: Warning[] = [];
  const going: (GoneBridge & { readonly removal: Removal })[] = [];
  for (const bridge of world.view.agentBridges.values()) {
    if (maintained.has(bridge.index)) continue;
    const isLeft = isLeftBehind(deciding, bridge);
    if (!isLeft && !isGone(world, bridge)) continue;
    const obstacle = obstacleTo(world, bridge);
    const inside = groups.get(bridge.index)?.taps ?? [];
    if (obstacle !== null) refused.push(obstacle);
    else if (inside.every(leavesItsBridge) && wasHere(world, bridge))
      going.push({
        bridge,
        network: networkOfLabel(bridge.alias),
        isLeftBehind: isLeft,
        uplinks: ownUplinks(world, bridge),
        hasMovingTaps: inside.some(({ decision }) => decision.kind === 'wire'),
        removal: deletionOf(bridge, isLeft),
      });
  }
  return {
    gone: going.filter(({ removal }) => mayGo(removals, removal.key)),
    refused,
    removals: going.map(({ removal }) => removal),
  };
}

const leavesItsBridge = ({ decision }: DesiredTap): boolean =>
  decision.kind === 'unwire' || decision.kind === 'wire';

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

/** Subinterfaces and tunnels with the agent's label that stand alone: left by a kill between two operations. */
export function orphanUplinks({ world, networks, removals }: Deciding): Link[] {
  const before = world.knowledge.presentBefore;
  if (before === null || removals !== 'all') return [];
  const wanted = new Set(
    [...networks.values()].flatMap(({ realisation }) =>
      realisation.ok ? [presentUplink(realisation.uplink)?.index] : [],
    ),
  );
  const { subinterfaces, tunnels } = world.view;
  const made = [...subinterfaces.values(), ...(servesTunnels(world.settings) ? tunnels : [])];
  return made.filter(
    (link) =>
      link.master === null &&
      isMadeUplink(world, link) &&
      networkOfLabel(link.alias) !== null &&
      !wanted.has(link.index) &&
      before.has(link.index) &&
      ownAddresses(link).length === 0,
  );
}

/** How many taps the guard takes its share of. In a mapped bridge only those count that are this agent's. */
export function countWired(view: View, groups: Desired['groups']): number {
  let count = 0;
  for (const [master, { taps }] of groups) {
    if (master === null) continue;
    if (view.agentBridges.has(master)) count += taps.length;
    else if (view.mappedBridges.has(master))
      count += taps.filter(({ decision }) => !isStranger(decision)).length;
  }
  return count;
}

const isStranger = (decision: TapDecision): boolean =>
  decision.kind === 'leave' && decision.port === null && decision.warnings.length === 0;
