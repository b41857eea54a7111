import {
  FILTERED_GROUP,
  type IfIndex,
  isSame,
  type Link,
  type NetworkId,
  type Port,
  type Warning,
} from '../../model/index.js';
import { hasSameDevices, isPlugged, tapsIn } from '../see/view.js';
import { askedBy, assignTaps } from './assign.js';
import {
  type AssignedTaps,
  type Assignment,
  type Desired,
  type DesiredGroup,
  type DesiredNetwork,
  type DesiredTap,
  type Knowledge,
  mayGo,
  type Removal,
  type Removals,
  type TapDecision,
  UNWIRE_REASONS,
  type UnwireCause,
  type World,
} from './desired.js';
import { isFiltered } from './filtered.js';
import { orphanUplinks, unusedBridges } from './gone.js';
import { areIndependent, changesNothing, decideNetworks } from './networks.js';
import { type Deciding, detachKey, moveKey, uplinkKey, wasHere } from './removals.js';
import { reasonOf } from './warnings.js';

/**
 * What the host should look like, decided from rows and links alone. Whatever would take a wire away and is
 * none of `removals` stays as it is, and the rest is decided around it. Pure; O(links + ports). What was decided last from memory,
 * or from an answer with the same networks, is taken over where it rests on the same values: the result is the same, and sooner.
 */
export function desire(world: World, removals: Removals): Desired {
  const { knowledge } = world;
  const key = knowledge.presentBefore === null ? knowledge : knowledge.networks;
  const last = decidedLast.get(key);
  const before = last !== undefined && isComparable(last, world, removals) ? last : null;
  const decided = (before && decideChanged(world, removals, before)) ?? decideAll(world, removals);
  const { networks, groups, notable } = decided;
  const deciding: Deciding = { world, networks, removals };
  const { gone, refused, removals: deletions } = unusedBridges(deciding, groups);
  const desired: Desired = {
    world,
    allowed: removals,
    ...decided,
    gone,
    orphans: orphanUplinks(deciding),
    removals: [...notable.flatMap(({ removal }) => removal ?? []), ...segmentChanges(deciding), ...deletions],
    refused,
  };
  decidedLast.set(key, desired);
  return desired;
}

const decidedLast = new WeakMap<Knowledge | Knowledge['networks'], Desired>();

/** Whether taps alone are what may be decided otherwise now. */
const isComparable = ({ world, allowed }: Desired, now: World, removals: Removals): boolean =>
  allowed === removals &&
  world.settings === now.settings &&
  world.inPlace === now.inPlace &&
  hasSameDevices(world.view, now.view);

type Decided = Pick<Desired, 'networks' | 'groups' | 'asked' | 'notable' | 'isIndependent'>;

function decideAll(world: World, removals: Removals): Decided {
  const assigned = new Map([...world.view.taps].map(([master, taps]) => [master, assignTaps(world, taps)]));
  const asked = askedBy(assigned.values());
  const networks = decideNetworks(world, asked, assigned, removals);
  const deciding: Deciding = { world, networks, removals };
  const groups = new Map([...assigned].map(([master, one]) => [master, decideGroup(deciding, one)]));
  const notable = inOrder([...groups.values()].flatMap((group) => group.notable));
  return { networks, groups, asked, notable, isIndependent: areIndependent(networks, world.view) };
}

/** Decides about the taps in lists that are not the same as before, or that rows may say otherwise about; null: they may concern the networks. */
function decideChanged(world: World, removals: Removals, before: Desired): Decided | null {
  const { taps } = world.view;
  const old = before.world.view.taps;
  const isSameKnowledge = before.world.knowledge === world.knowledge;
  // What becomes of a tap in no bridge depends on the time, too.
  const isChanged = (master: IfIndex | null): boolean =>
    master === null || !isSameKnowledge || taps.get(master) !== old.get(master);
  const changed = new Set([...taps.keys(), ...old.keys()].filter(isChanged));
  const assigned = [...changed].map(
    (master) => [master, assignTaps(world, tapsIn(world.view, master))] as const,
  );
  const asks = [
    ...[...changed].flatMap((master) => before.groups.get(master)?.assigned.asked ?? []),
    ...assigned.map(([, { asked }]) => asked),
  ];
  if (!before.isIndependent || !asks.every((asked) => changesNothing(asked, before))) return null;
  const deciding: Deciding = { world, networks: before.networks, removals };
  const groups = new Map(before.groups);
  const notable = before.notable.filter(({ tap }) => !changed.has(tap.master));
  for (const [master, one] of assigned) {
    const group = decideGroup(deciding, one);
    if (taps.has(master)) groups.set(master, group);
    else groups.delete(master);
    notable.push(...group.notable);
  }
  const { networks, asked, isIndependent } = before;
  return { networks, groups, asked, notable: inOrder(notable), isIndependent };
}

const inOrder = (taps: DesiredTap[]): DesiredTap[] => taps.sort((a, b) => a.tap.index - b.tap.index);

function decideGroup(deciding: Deciding, assigned: AssignedTaps): DesiredGroup {
  const taps = assigned.assignments.map((assignment) => decide(deciding, assignment));
  return { assigned, taps, notable: taps.filter((one) => !isAtRest(deciding, one)) };
}

/** Wired in its bridge as a tap has to be, behind the segment that its port names: nothing is to be done, and nothing to be said. */
function isAtRest({ networks, world }: Deciding, { tap, decision }: DesiredTap): boolean {
  if (decision.kind !== 'wire') return false;
  const network = networks.get(decision.network);
  const { segment } = decision.port;
  return (
    network !== undefined &&
    bridgeOf(network)?.index === tap.master &&
    (segment === null || isSame(segment, network.segment)) &&
    tap.up &&
    tap.ipv6?.disabled !== false &&
    (network.mtu === null || network.mtu === tap.mtu) &&
    (tap.group === FILTERED_GROUP || !isFiltered(world, network))
  );
}

function decide(deciding: Deciding, assignment: Assignment): DesiredTap {
  switch (assignment.kind) {
    case 'unknown':
      return staying(assignment.tap, { kind: 'unknown' });
    case 'leave':
      return staying(assignment.tap, {
        kind: 'leave',
        port: assignment.port,
        warnings: assignment.warnings,
      });
    case 'unwire':
      return unwire(deciding, assignment);
    case 'network':
      return wire(deciding, assignment);
  }
}

/** A decision that takes no wire. */
const staying = (tap: Link, decision: TapDecision): DesiredTap => ({ tap, decision, removal: null });

interface Unwire {
  readonly tap: Link;
  readonly port: Port | null;
  readonly cause: UnwireCause;
  readonly warnings: readonly Warning[];
}

function unwire({ world, removals }: Deciding, { tap, port, cause, warnings }: Unwire): DesiredTap {
  const decision: TapDecision = { kind: 'unwire', port, cause, warnings };
  if (!isPlugged(world.view, tap)) return staying(tap, decision);
  const left: TapDecision = { kind: 'leave', port, warnings };
  if (!wasHere(world, tap)) return staying(tap, left);
  const removal: Removal = {
    key: detachKey(tap),
    taps: [tap.index],
    leaves: [tap.index],
    cause,
    device: tap.name,
    text: `take ${tap.name} out of its bridge: ${UNWIRE_REASONS[cause]}`,
  };
  return { tap, removal, decision: mayGo(removals, removal.key) ? decision : left };
}

function wire(deciding: Deciding, assignment: Extract<Assignment, { kind: 'network' }>): DesiredTap {
  const { world, networks, removals } = deciding;
  const { tap, port, network: id } = assignment;
  const network = networks.get(id);
  if (network === undefined) return staying(tap, { kind: 'unknown' });
  const inPlace = tap.master !== null && tap.master === bridgeOf(network)?.index;
  if (network.serves === null) return blocked(deciding, tap, port, network, inPlace);
  if (tap.master === null) return staying(tap, whenItIsTime(world, tap, port, id));
  const decision: TapDecision = { kind: 'wire', port, network: id };
  if (inPlace) return staying(tap, decision);
  if (!isPlugged(world.view, tap)) return staying(tap, inForeignBridge(world, tap, port));
  const left: TapDecision = { kind: 'leave', port, warnings: [] };
  if (!wasHere(world, tap)) return staying(tap, left);
  const removal = moveOf(tap, id);
  return { tap, removal, decision: mayGo(removals, removal.key) ? decision : left };
}

const bridgeOf = ({ place }: DesiredNetwork): Link | null =>
  place.kind === 'present' || place.kind === 'joined' ? place.bridge : null;

/** libvirt plugs some taps itself, and is given time for it. */
function whenItIsTime(
  { firstSeenMs, nowMs, settings }: World,
  tap: Link,
  port: Port,
  network: NetworkId,
): TapDecision {
  const untilMs = (firstSeenMs.get(tap.index) ?? nowMs) + settings.plugGraceMs;
  return port.pluggedByHypervisor && nowMs < untilMs
    ? { kind: 'wait', port, network, untilMs }
    : { kind: 'wire', port, network };
}

const moveOf = (tap: Link, id: NetworkId): Removal => ({
  key: moveKey(tap, id),
  taps: [tap.index],
  leaves: [tap.index],
  cause: 'network-changed',
  device: tap.name,
  text: `move ${tap.name} to network ${id}`,
});

function blocked(
  deciding: Deciding,
  tap: Link,
  port: Port,
  network: DesiredNetwork,
  inPlace: boolean,
): DesiredTap {
  const held = network.realisation.ok && network.place.kind !== 'blocked';
  const stays = tap.master !== null && network.staysIn.has(tap.master);
  if ((held && inPlace) || stays) return staying(tap, { kind: 'leave', port, warnings: [] });
  const warning: Warning = { ...reasonOf(network), port: port.id, device: tap.name };
  return inPlace || !isPlugged(deciding.world.view, tap)
    ? staying(tap, { kind: 'blocked', port, warning })
    : unwire(deciding, { tap, port, cause: 'network-changed', warnings: [warning] });
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

/** A changed uplink cuts every tap behind it, for a moment or for good. */
function segmentChanges({ world, networks }: Deciding): Removal[] {
  if (world.knowledge.presentBefore === null) return [];
  return [...networks.values()].flatMap(({ place, leaving }): Removal[] => {
    const [first] = leaving;
    if (place.kind !== 'present' || first === undefined || !wasHere(world, place.bridge)) return [];
    const { bridge } = place;
    return [
      {
        key: uplinkKey(bridge, leaving),
        taps: tapsIn(world.view, bridge.index).map(({ index }) => index),
        leaves: leaving.map(({ index }) => index),
        cause: 'segment-changed',
        device: first.name,
        text: `take ${first.name} out of ${bridge.name}, whose network has another segment now`,
      },
    ];
  });
}
