import { isDeepStrictEqual } from 'node:util';
import type {
  Answer,
  GuardSettings,
  HostSettings,
  HostState,
  IfIndex,
  Link,
  LinkName,
  NetworkId,
} from '../model/index.js';
import { type Assignment, assignTaps } from './assign.js';
import { decideTaps } from './desire.js';
import type { Desired, DesiredNetwork, World } from './desired.js';
import { type KnownPort, type Memory, recall } from './memory.js';
import { chooseSegment } from './realise.js';
import { isTap, type View } from './view.js';
import { tapWarnings } from './warnings.js';

/** What of the settings a pass depends on. */
export interface PassSettings {
  readonly host: HostSettings;
  readonly guard: GuardSettings;
  readonly knownPortRetentionMs: number;
}

/** A host on which a pass has left nothing to do, nothing held and nothing to wait for, and what that rests on. */
export interface Settled {
  readonly state: HostState;
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
  now: Pick<Settled, 'state' | 'settings' | 'memory' | 'answer'>,
  nowMs: number,
): boolean =>
  now.answer !== null &&
  now.answer === settled.answer &&
  now.state === settled.state &&
  now.settings === settled.settings &&
  now.memory === settled.memory &&
  nowMs < settled.untilMs;

/** What is desired, all of it, and the part that is not as it was: nothing else can need an operation. */
export interface Narrowed {
  readonly world: World;
  readonly all: Desired;
  readonly changed: Desired;
}

/**
 * Decides from memory about the taps alone that came, went or changed since the host was settled, each in a network
 * that is served as it was then. null when something else may have to change, too: then all has to be decided. Nothing
 * is removed on the word of memory, so that no other tap and no other network is concerned.
 */
export function desireChanged(
  outline: Omit<World, 'knowledge'>,
  memory: Memory,
  settled: Settled,
): Narrowed | null {
  const { view, settings } = outline;
  if (settings !== settled.settings.host || memory.networks !== settled.memory.networks) return null;
  const changes = changedTaps(settled.state, view, settings);
  if (changes === null) return null;
  const known = new Map<LinkName, KnownPort>();
  for (const name of changes.names) {
    const entry = memory.known.get(name);
    if (entry !== undefined) known.set(name, entry);
  }
  const world = {
    ...outline,
    view: { ...view, taps: changes.taps },
    knowledge: recall({ ...memory, known }),
  };
  const assignments = assignTaps(world);
  const networks = servedNetworks(assignments, world, settled.desired);
  if (networks === null) return null;
  const taps = decideTaps({ world, networks, removals: 'held', found: [] }, assignments);
  const changed = { ...NOTHING, networks, taps, warnings: tapWarnings(taps) };
  const { desired } = settled;
  const all = {
    ...desired,
    taps: [...desired.taps.filter(({ tap }) => !changes.indexes.has(tap.index)), ...taps],
    warnings: [
      ...desired.warnings.filter(({ device }) => device === undefined || !changes.names.has(device)),
      ...changed.warnings,
    ],
  };
  return { world, all, changed };
}

const NOTHING: Desired = {
  networks: new Map(),
  taps: [],
  gone: [],
  orphans: [],
  removals: [],
  warnings: [],
};

interface ChangedTaps {
  /** Those that are here. */
  readonly taps: readonly Link[];
  readonly names: ReadonlySet<LinkName>;
  /** Also of those that went. */
  readonly indexes: ReadonlySet<IfIndex>;
}

/** The taps that differ between two states; null when any other link does. */
function changedTaps(before: HostState, view: View, settings: HostSettings): ChangedTaps | null {
  const physical = new Set<string>(settings.physicalInterfaces.values());
  // A tap may be mapped, or carry VLANs, as any device: then it is somebody's uplink.
  const isOnlyTap = (link: Link): boolean =>
    isTap(link) && link.detail.kind === 'other' && !physical.has(link.name);
  const { links } = view.observed;
  const taps: Link[] = [];
  const changed: Link[] = [];
  for (const [index, link] of links) {
    const old = before.links.get(index);
    if (old === link) continue;
    taps.push(link);
    changed.push(link, ...(old === undefined ? [] : [old]));
  }
  for (const [index, old] of before.links) if (!links.has(index)) changed.push(old);
  if (!changed.every(isOnlyTap)) return null;
  return {
    taps,
    names: new Set(changed.map(({ name }) => name)),
    indexes: new Set(changed.map(({ index }) => index)),
  };
}

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
    if (!isDeepStrictEqual(chooseSegment(row, assignment.port, settings), network.segment)) return null;
    networks.set(network.id, network);
  }
  return networks;
}
