import type { IfIndex, Link, NetworkId, Port, Warning } from '../../model/index.js';
import { isPlugged, tapsIn } from '../see/view.js';
import { type Assignment, assignTaps } from './assign.js';
import {
  type Desired,
  type DesiredNetwork,
  type DesiredTap,
  mayGo,
  type Removal,
  type Removals,
  type TapDecision,
  UNWIRE_REASONS,
  type UnwireCause,
  type World,
} from './desired.js';
import { orphanSubinterfaces, unusedBridges } from './gone.js';
import { desiredNetworks } from './networks.js';
import { type Deciding, detachKey, moveKey, uplinkKey, wasHere } from './removals.js';
import { reasonOf, warningsOf } from './warnings.js';

/**
 * What the host should look like, decided from rows and links alone. Whatever would take a wire away and is
 * none of `removals` stays as it is, and the rest is decided around it. Pure; O(links + ports).
 */
export function desire(world: World, removals: Removals): Desired {
  const assignments = assignTaps(world);
  const networks = desiredNetworks(world, assignments, removals);
  const deciding: Deciding = { world, networks, removals };
  const taps = decideTaps(deciding, assignments);
  const { gone, refused, removals: deletions } = unusedBridges(deciding, taps);
  return {
    networks,
    taps: byIndex(taps),
    withoutPort: withoutPort(taps),
    gone,
    orphans: orphanSubinterfaces(deciding),
    removals: [...taps.flatMap(({ removal }) => removal ?? []), ...segmentChanges(deciding), ...deletions],
    warnings: [...warningsOf(world, taps, networks), ...refused],
  };
}

/** The same by the tap's index: a tap is found again when others come and go. */
export const byIndex = (taps: readonly DesiredTap[]): Map<IfIndex, DesiredTap> =>
  new Map(taps.map((one) => [one.tap.index, one]));

/** The taps whose decision names no port: those that the database may have to be asked about. */
export const withoutPort = (taps: readonly DesiredTap[]): Link[] =>
  taps.filter(({ decision }) => decision.kind === 'unknown' || decision.port === null).map(({ tap }) => tap);

/** What is to become of each tap, as the networks are. */
export const decideTaps = (deciding: Deciding, assignments: readonly Assignment[]): DesiredTap[] =>
  assignments.map((assignment) => decide(deciding, assignment));

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
