import {
  type Answer,
  type GuardSettings,
  type HostSettings,
  type HostState,
  isSame,
  type LinkName,
  type NetworkId,
  withChanges,
} from '../model/index.js';
import { type Assignment, assignTaps } from './decide/assign.js';
import { byIndex, decideTaps, withoutPort } from './decide/desire.js';
import { type Desired, type DesiredNetwork, NO_REMOVALS, type World } from './decide/desired.js';
import { chooseSegment } from './decide/resolve-segment.js';
import { tapWarnings } from './decide/warnings.js';
import { type KnownPort, type Memory, recall } from './remember/memory.js';
import { type TapChanges, tapChanges } from './see/changes.js';
import type { View } from './see/view.js';

/** What of the settings a pass depends on. */
export interface PassSettings {
  readonly host: HostSettings;
  readonly guard: GuardSettings;
  readonly knownPortRetentionMs: number;
}

/** A host on which a pass has left nothing to do, nothing held and nothing to wait for, and what that rests on. */
export interface Settled {
  readonly view: View;
  readonly settings: PassSettings;
  readonly memory: Memory;
  readonly desired: Desired;
  /** The answer that was asked for in this very state; null: the pass worked from memory, or the host has changed since. */
  readonly answer: Answer | null;
  /** When the memory says something else by itself, see `memoryChangesAtMs`. */
  readonly untilMs: number;
}

/**
 * True when a pass with this answer could only come to the same end. Rests on two promises: an unchanged host is the same
 * state (`Kernel.observe`), an unchanged answer the same object (`Database.read`).
 */
export const nothingHasChanged = (
  settled: Settled,
  now: Pick<Settled, 'settings' | 'memory' | 'answer'> & { readonly state: HostState },
  nowMs: number,
): boolean =>
  now.answer !== null &&
  now.answer === settled.answer &&
  now.state === settled.view.observed &&
  now.settings === settled.settings &&
  now.memory === settled.memory &&
  nowMs < settled.untilMs;

/** What is desired, all of it, and the part that is not as it was: nothing else can need an operation. */
export interface Narrowed {
  readonly world: World;
  readonly all: Desired;
  readonly changed: Desired;
}

/** What has changed since the host was settled; null when that is more than taps, or what is known is not what it was. */
export const changesSince = (
  settled: Settled,
  state: HostState,
  settings: PassSettings,
  memory: Memory,
): TapChanges | null =>
  settings === settled.settings && memory.networks === settled.memory.networks
    ? tapChanges(settled.view.observed, state, settings.host)
    : null;

/**
 * Decides from memory about the taps alone that have changed since the host was settled, each in a network that is
 * served as it was then. null when one is not: then all has to be decided. Nothing is removed on the word of memory, so
 * that no other tap and no other network is concerned.
 */
export function desireChanged(
  outline: Omit<World, 'knowledge'>,
  memory: Memory,
  settled: Settled,
  changes: TapChanges,
): Narrowed | null {
  const { view } = outline;
  const known = new Map<LinkName, KnownPort>();
  for (const name of changes.names) {
    const entry = memory.known.get(name);
    if (entry !== undefined) known.set(name, entry);
  }
  const world = {
    ...outline,
    view: { ...view, taps: new Map(changes.here.map((tap) => [tap.index, tap])) },
    knowledge: recall({ ...memory, known }),
  };
  const assignments = assignTaps(world);
  const networks = servedNetworks(assignments, world, settled.desired);
  if (networks === null) return null;
  const taps = decideTaps({ world, networks, removals: NO_REMOVALS }, assignments);
  const changed = {
    ...NOTHING,
    networks,
    taps: byIndex(taps),
    withoutPort: withoutPort(taps),
    warnings: tapWarnings(taps),
  };
  const { desired } = settled;
  const all = {
    ...desired,
    taps: withChanges(
      desired.taps,
      [...changes.indexes].map((index) => [index, changed.taps.get(index)] as const),
    ),
    withoutPort: [
      ...desired.withoutPort.filter(({ index }) => !changes.indexes.has(index)),
      ...changed.withoutPort,
    ],
    warnings: [
      ...desired.warnings.filter(({ device }) => device === undefined || !changes.names.has(device)),
      ...changed.warnings,
    ],
  };
  return { world, all, changed };
}

const NOTHING: Desired = {
  networks: new Map(),
  taps: new Map(),
  withoutPort: [],
  gone: [],
  orphans: [],
  removals: [],
  warnings: [],
};

/** The networks of these taps as they were decided; null when one was not served, or is by another segment now. */
function servedNetworks(
  assignments: readonly Assignment[],
  { knowledge, settings }: World,
  desired: Desired,
): Map<NetworkId, DesiredNetwork> | null {
  const networks = new Map<NetworkId, DesiredNetwork>();
  for (const assignment of assignments) {
    if (assignment.kind !== 'network') continue;
    const network = desired.networks.get(assignment.network);
    const row = knowledge.networks.get(assignment.network);
    if (network === undefined || network.serves === null || row === undefined) return null;
    if (!isSame(chooseSegment(row, assignment.port, settings), network.segment)) return null;
    networks.set(network.id, network);
  }
  return networks;
}
