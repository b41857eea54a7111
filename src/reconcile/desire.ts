import {
  ID_PREFIX_LENGTH,
  type Link,
  type NetworkId,
  networkOfLabel,
  type Port,
  type Warning,
} from '../model/index.js';
import { type Assignment, assignTaps } from './assign.js';
import type {
  Desired,
  DesiredNetwork,
  DesiredTap,
  GoneBridge,
  Removal,
  Removals,
  TapDecision,
  World,
} from './desired.js';
import { desiredNetworks, networkOfBridge, presentUplink } from './networks.js';
import { type Bridge, foreignMembers, ownAddresses, tapsIn, uplinksOf } from './view.js';

/**
 * What the host should look like, decided from rows and links alone. With `held`, whatever would take a wire
 * away stays as it is, and the rest is decided around it. Pure; O(links + ports).
 */
export function desire(world: World, removals: Removals): Desired {
  const assignments = assignTaps(world);
  const networks = desiredNetworks(world, assignments, removals);
  const context: Context = { world, networks, removals, found: [] };
  const taps = assignments.map((assignment) => ({
    tap: assignment.tap,
    decision: decide(context, assignment),
  }));
  noteChangedSegments(context);
  const { gone, refused } = goneBridges(context, taps);
  return {
    networks,
    taps,
    gone,
    orphans: orphanSubinterfaces(world, networks, removals),
    removals: context.found,
    warnings: [...warningsOf(taps, networks, world), ...refused],
  };
}

interface Context {
  readonly world: World;
  readonly networks: ReadonlyMap<NetworkId, DesiredNetwork>;
  readonly removals: Removals;
  readonly found: Removal[];
}

function decide(context: Context, assignment: Assignment): TapDecision {
  switch (assignment.kind) {
    case 'unknown':
      return { kind: 'unknown' };
    case 'leave':
      return { kind: 'leave', port: assignment.port, warning: assignment.warning };
    case 'unwire':
      return unwire(context, assignment.tap, assignment.port, assignment.cause);
    case 'network':
      return wire(context, assignment);
  }
}

/** True when the tap is in a bridge that this agent plugs taps into. */
const isWired = ({ view }: World, tap: Link): boolean =>
  tap.master !== null && (view.agentBridges.has(tap.master) || view.mappedBridges.has(tap.master));

function unwire(
  context: Context,
  tap: Link,
  port: Port | null,
  cause: Extract<TapDecision, { kind: 'unwire' }>['cause'],
): TapDecision {
  if (!isWired(context.world, tap)) return { kind: 'unwire', port, cause };
  return mayRemove(context, {
    key: `detach ${tap.name} ${tap.index}`,
    taps: 1,
    cause,
    device: tap.name,
    text: `take ${tap.name} out of its bridge (${cause})`,
  })
    ? { kind: 'unwire', port, cause }
    : { kind: 'leave', port, warning: null };
}

/** Notes the removal, and tells whether it may be part of this plan. */
function mayRemove({ world, removals, found }: Context, removal: Removal, links?: readonly Link[]): boolean {
  const before = world.knowledge.presentBefore;
  const concerned = links ?? [world.view.observed.byName.get(removal.device)];
  if (before === null || concerned.some((link) => link === undefined || !before.has(link.index)))
    return false;
  found.push(removal);
  return removals === 'allowed';
}

function wire(context: Context, assignment: Extract<Assignment, { kind: 'network' }>): TapDecision {
  const { world, networks } = context;
  const { tap, port, network: id } = assignment;
  const network = networks.get(id);
  if (network === undefined) return { kind: 'unknown' };
  const target =
    network.place.kind === 'present' || network.place.kind === 'joined' ? network.place.bridge : null;
  const inPlace = target !== null && tap.master === target.index;
  if (network.serves === null) return blocked(context, tap, port, network, inPlace);
  if (tap.master !== null && !inPlace) {
    if (!isWired(world, tap)) return inForeignBridge(world, tap, port);
    if (!mayRemove(context, moveOf(tap, id))) return { kind: 'leave', port, warning: null };
  }
  const untilMs = (world.firstSeenMs.get(tap.index) ?? world.nowMs) + world.settings.plugGraceMs;
  return port.pluggedByHypervisor && tap.master === null && world.nowMs < untilMs
    ? { kind: 'wait', port, network: id, untilMs }
    : { kind: 'wire', port, network: id };
}

const moveOf = (tap: Link, id: NetworkId): Removal => ({
  key: `move ${tap.name} ${tap.index} ${id}`,
  taps: 1,
  cause: 'network-changed',
  device: tap.name,
  text: `move ${tap.name} to network ${id}`,
});

function blocked(
  context: Context,
  tap: Link,
  port: Port,
  network: DesiredNetwork,
  inPlace: boolean,
): TapDecision {
  const held = network.realisation.ok && network.place.kind !== 'blocked';
  if (held && inPlace) return { kind: 'leave', port, warning: null };
  if (!inPlace && isWired(context.world, tap)) return unwire(context, tap, port, 'network-changed');
  return { kind: 'blocked', port, warning: { ...reasonOf(network), port: port.id, device: tap.name } };
}

function reasonOf(network: DesiredNetwork): Warning {
  if (network.place.kind === 'blocked') return network.place.warning;
  if (!network.realisation.ok) return network.realisation.warning;
  return {
    code: 'REMOVALS_HELD',
    message: `network ${network.id} has changed its segment, and the change of its uplink is held back`,
    network: network.id,
  };
}

function inForeignBridge(world: World, tap: Link, port: Port): TapDecision {
  const master = tap.master === null ? undefined : world.view.observed.links.get(tap.master);
  return {
    kind: 'blocked',
    port,
    warning: {
      code: 'TAP_IN_FOREIGN_BRIDGE',
      message: `tap ${tap.name} of port ${port.id} is in ${master?.name ?? `interface ${tap.master}`}, which is not the agent's`,
      port: port.id,
      network: port.networkId,
      device: tap.name,
    },
  };
}

/** A changed uplink cuts every tap behind it for a moment, or for good: it counts with all of them. */
function noteChangedSegments(context: Context): void {
  for (const network of context.networks.values()) {
    if (network.place.kind !== 'present' || network.leaving.length === 0) continue;
    const bridge = network.place.bridge;
    const [first] = network.leaving;
    if (first === undefined) continue;
    mayRemove(
      context,
      {
        key: `uplink ${bridge.name} ${network.leaving.map(({ name }) => name).join(',')}`,
        taps: tapsIn(context.world.view, bridge.index).length,
        cause: 'segment-changed',
        device: first.name,
        text: `take ${first.name} out of ${bridge.name}, whose network has another segment now`,
      },
      [bridge],
    );
  }
}

function goneBridges(
  context: Context,
  taps: readonly DesiredTap[],
): { gone: GoneBridge[]; refused: Warning[] } {
  const { world, networks } = context;
  const maintained = new Set(
    [...networks.values()].flatMap(({ place }) => (place.kind === 'present' ? [place.bridge.index] : [])),
  );
  const leaving = new Set(
    taps.filter(({ decision }) => leavesItsBridge(decision)).map(({ tap }) => tap.index),
  );
  const gone: GoneBridge[] = [];
  const refused: Warning[] = [];
  for (const bridge of world.view.agentBridges.values()) {
    if (maintained.has(bridge.index) || !isGone(world, bridge)) continue;
    const obstacle = obstacleTo(world, bridge);
    if (obstacle !== null) {
      refused.push(obstacle);
      continue;
    }
    if (tapsIn(world.view, bridge.index).some((tap) => !leaving.has(tap.index))) continue;
    const removal = deletionOf(bridge);
    if (mayRemove(context, removal)) {
      gone.push({ bridge, network: networkOfLabel(bridge.alias), uplinks: uplinksOf(world.view, bridge) });
    }
  }
  return { gone, refused };
}

const leavesItsBridge = (decision: TapDecision): boolean =>
  decision.kind === 'unwire' || decision.kind === 'wire';

/** Deleting a bridge without taps counts as no removed tap; it is still held when the answer is suspect. */
const deletionOf = (bridge: Bridge): Removal => ({
  key: `bridge ${bridge.name} ${bridge.index}`,
  taps: 0,
  cause: 'network-gone',
  device: bridge.name,
  text: `delete ${bridge.name}, whose network is gone`,
});

function isGone(world: World, bridge: Bridge): boolean {
  const labelled = networkOfLabel(bridge.alias);
  if (labelled !== null) return !world.knowledge.networks.has(labelled);
  const suffix = bridge.name.slice(3);
  return (
    networkOfBridge(world, bridge) === null &&
    ![...world.knowledge.networks.keys()].some((id) => id.slice(0, ID_PREFIX_LENGTH) === suffix)
  );
}

/** What keeps a gone network's bridge: a device or addresses that are not the agent's to take away. */
function obstacleTo(world: World, bridge: Bridge): Warning | null {
  if (world.knowledge.presentBefore === null) return null;
  const [stranger] = foreignMembers(world.view, bridge);
  const addresses = ownAddresses(bridge);
  const hasFlatUplink = uplinksOf(world.view, bridge).some(({ detail }) => detail.kind !== 'vlan');
  const what =
    stranger !== undefined
      ? `it holds ${stranger.name}, which is not the agent's`
      : addresses.length > 0 && !hasFlatUplink
        ? `it carries ${addresses[0]?.address ?? 'addresses'}, and no uplink to give it back to`
        : null;
  if (what === null) return null;
  const id = networkOfLabel(bridge.alias);
  return {
    code: 'BRIDGE_NOT_DELETED',
    message: `the network of bridge ${bridge.name} is gone, but ${what}: the bridge stays`,
    device: bridge.name,
    ...(id === null ? {} : { network: id }),
  };
}

/** Subinterfaces with the agent's label that stand alone: left by a kill between two operations. */
function orphanSubinterfaces(
  world: World,
  networks: ReadonlyMap<NetworkId, DesiredNetwork>,
  removals: Removals,
): Link[] {
  const before = world.knowledge.presentBefore;
  if (before === null || removals === 'held') return [];
  const wanted = new Set(
    [...networks.values()].flatMap(({ realisation }) =>
      realisation.ok ? [presentUplink(realisation.uplink)?.index] : [],
    ),
  );
  return [...world.view.subinterfaces.values()].filter(
    (link) =>
      link.master === null &&
      networkOfLabel(link.alias) !== null &&
      !wanted.has(link.index) &&
      before.has(link.index) &&
      ownAddresses(link).length === 0,
  );
}

/** One warning per port that is not wired; a network without such ports speaks for itself. */
function warningsOf(
  taps: readonly DesiredTap[],
  networks: ReadonlyMap<NetworkId, DesiredNetwork>,
  world: World,
): Warning[] {
  const ofTaps = taps.flatMap(({ decision }) => {
    if (decision.kind === 'blocked') return [decision.warning];
    return decision.kind === 'leave' && decision.warning !== null ? [decision.warning] : [];
  });
  const told = new Set(ofTaps.map(({ network }) => network));
  const ofNetworks = [...networks.values()]
    .filter(({ id, place, realisation }) => !told.has(id) && (place.kind === 'blocked' || !realisation.ok))
    .map(reasonOf);
  return [...ofTaps, ...ofNetworks, ...taggedFramesWarning(world)];
}

function taggedFramesWarning({ view, settings }: World): Warning[] {
  if (!settings.dropTaggedFrames) return [];
  const [bridge] = [...view.agentBridges.values()].filter(({ detail }) => detail.vlanFiltering === null);
  return bridge === undefined
    ? []
    : [
        {
          code: 'TAGGED_FRAMES_PASS',
          message: `this kernel cannot drop guests' tagged frames on ${bridge.name} and the agent's other bridges`,
          device: bridge.name,
        },
      ];
}
