import type { IfIndex, Link, NetworkId, Port, Warning } from '../../model/index.js';
import { isPlugged, tapsIn } from '../see/view.js';
import { type Assignment, assignTaps } from './assign.js';
import {
  type Desired,
  type DesiredNetwork,
  type DesiredTap,
  type Removal,
  type Removals,
  type TapDecision,
  UNWIRE_REASONS,
  type UnwireCause,
  type World,
} from './desired.js';
import { goneBridges, orphanSubinterfaces } from './gone.js';
import { desiredNetworks } from './networks.js';
import { type Deciding, detachKey, mayRemove, moveKey, uplinkKey } from './removals.js';
import { reasonOf, warningsOf } from './warnings.js';

/**
 * What the host should look like, decided from rows and links alone. Whatever would take a wire away and is
 * none of `removals` stays as it is, and the rest is decided around it. Pure; O(links + ports).
 */
export function desire(world: World, removals: Removals): Desired {
  const assignments = assignTaps(world);
  const networks = desiredNetworks(world, assignments, removals);
  const deciding: Deciding = { world, networks, removals, found: [] };
  const taps = decideTaps(deciding, assignments);
  noteChangedSegments(deciding);
  const { gone, refused } = goneBridges(deciding, taps);
  return {
    networks,
    taps: byIndex(taps),
    withoutPort: withoutPort(taps),
    gone,
    orphans: orphanSubinterfaces(deciding),
    removals: deciding.found,
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
  assignments.map((assignment) => ({ tap: assignment.tap, decision: decide(deciding, assignment) }));

function decide(deciding: Deciding, assignment: Assignment): TapDecision {
  switch (assignment.kind) {
    case 'unknown':
      return { kind: 'unknown' };
    case 'leave':
      return { kind: 'leave', port: assignment.port, warnings: assignment.warnings };
    case 'unwire':
      return unwire(deciding, assignment);
    case 'network':
      return wire(deciding, assignment);
  }
}

interface Unwire {
  readonly tap: Link;
  readonly port: Port | null;
  readonly cause: UnwireCause;
  readonly warnings: readonly Warning[];
}

function unwire(deciding: Deciding, { tap, port, cause, warnings }: Unwire): TapDecision {
  const removal: Removal = {
    key: detachKey(tap),
    taps: [tap.index],
    leaves: [tap.index],
    cause,
    device: tap.name,
    text: `take ${tap.name} out of its bridge: ${UNWIRE_REASONS[cause]}`,
  };
  return !isPlugged(deciding.world.view, tap) || mayRemove(deciding, tap, removal)
    ? { kind: 'unwire', port, cause, warnings }
    : { kind: 'leave', port, warnings };
}

function wire(deciding: Deciding, assignment: Extract<Assignment, { kind: 'network' }>): TapDecision {
  const { world, networks } = deciding;
  const { tap, port, network: id } = assignment;
  const network = networks.get(id);
  if (network === undefined) return { kind: 'unknown' };
  const target =
    network.place.kind === 'present' || network.place.kind === 'joined' ? network.place.bridge : null;
  const inPlace = target !== null && tap.master === target.index;
  if (network.serves === null) return blocked(deciding, tap, port, network, inPlace);
  if (tap.master !== null && !inPlace) {
    if (!isPlugged(world.view, tap)) return inForeignBridge(world, tap, port);
    if (!mayRemove(deciding, tap, moveOf(tap, id))) return { kind: 'leave', port, warnings: [] };
  }
  const untilMs = (world.firstSeenMs.get(tap.index) ?? world.nowMs) + world.settings.plugGraceMs;
  return port.pluggedByHypervisor && tap.master === null && world.nowMs < untilMs
    ? { kind: 'wait', port, network: id, untilMs }
    : { kind: 'wire', port, network: id };
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
): TapDecision {
  const held = network.realisation.ok && network.place.kind !== 'blocked';
  const stays = tap.master !== null && network.staysIn.has(tap.master);
  if ((held && inPlace) || stays) return { kind: 'leave', port, warnings: [] };
  const warning: Warning = { ...reasonOf(network), port: port.id, device: tap.name };
  return inPlace || !isPlugged(deciding.world.view, tap)
    ? { kind: 'blocked', port, warning }
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
function noteChangedSegments(deciding: Deciding): void {
  for (const network of deciding.networks.values()) {
    const [first] = network.leaving;
    if (network.place.kind !== 'present' || first === undefined) continue;
    const bridge = network.place.bridge;
    mayRemove(deciding, bridge, {
      key: uplinkKey(bridge, network.leaving),
      taps: tapsIn(deciding.world.view, bridge.index).map(({ index }) => index),
      leaves: network.leaving.map(({ index }) => index),
      cause: 'segment-changed',
      device: first.name,
      text: `take ${first.name} out of ${bridge.name}, whose network has another segment now`,
    });
  }
}
