import {
  type Answer,
  deviceOf,
  type HostState,
  type IfIndex,
  type Link,
  type LinkName,
  type Network,
  type NetworkId,
  type Port,
  tapName,
  type WentBack,
  withChanges,
} from '../../model/index.js';
import type { Knowledge } from '../decide/desired.js';
import type { InPlaces } from '../decide/in-place.js';
import { indexPorts, matchTap, type PortIndex } from '../decide/match.js';
import { EMPTY_GUARD } from '../guard/guard-memory.js';
import type { GuardPart } from '../guard/pass-guard.js';
import type { Repairs } from '../plan/repairs.js';
import type { TapChanges } from '../see/changes.js';
import { isTap, type View } from '../see/view.js';
import { type ActiveLately, stillLately, TAKE_BACK_MS } from './active-lately.js';

/** At most this many ports are remembered; those without a tap here go first. */
export const KNOWN_PORTS_MAX = 4096;
/** A tap whose name had no row is asked for again at most this often. */
export const ABSENT_RETRY_MS = 10_000;

/** A port whose tap was here lately and that the last good poll still found. */
export interface KnownPort {
  readonly port: Port;
  /** Whether its tap was here in the last pass. */
  readonly here: boolean;
  /** When it was found to have gone; while it is here, some time since it came. */
  readonly lastHereMs: number;
  /** The tap went away, and the row may still say that it is wired. */
  readonly owesDown: boolean;
}

/** All that one pass hands to the next. A value: a pass takes one and gives another. */
export interface Memory extends GuardPart {
  readonly known: ReadonlyMap<LinkName, KnownPort>;
  readonly networks: ReadonlyMap<NetworkId, Network>;
  /** When a tap's name was last asked for in vain. */
  readonly absent: ReadonlyMap<LinkName, number>;
  /** Taps with rows that cannot be used: asked for in every poll, and no reason for an extra one. */
  readonly disputed: ReadonlySet<LinkName>;
  /** Taps in mapped bridges whose ports this agent has known: any other one there is somebody else's. */
  readonly plugged: ReadonlySet<IfIndex>;
  /** By what each network was last served here. */
  readonly inPlace: InPlaces;
  readonly firstSeenMs: ReadonlyMap<IfIndex, number>;
  readonly activeLately: ActiveLately;
  /** The last answer's generation knows hosts. */
  readonly hasHosts: boolean;
  readonly repairs: Repairs;
}

export const EMPTY_MEMORY: Memory = {
  known: new Map(),
  networks: new Map(),
  absent: new Map(),
  disputed: new Set(),
  plugged: new Set(),
  inPlace: new Map(),
  firstSeenMs: new Map(),
  guard: EMPTY_GUARD,
  activeLately: new Map(),
  accepted: new Set(),
  server: null,
  hasHosts: false,
  repairs: new Map(),
};

/** What is remembered, as knowledge to wire from while the database has not answered. Ports are listed when asked for. */
export function recall({ known, networks }: Pick<Memory, 'known' | 'networks'>): Knowledge {
  let ports: readonly Port[] | null = null;
  return {
    get ports() {
      ports ??= [...known.values()].map(({ port }) => port);
      return ports;
    },
    networks,
    presentBefore: null,
    unusable: new Set(),
    hasGatewayDevices: false,
  };
}

/** An answer as knowledge. */
export const learn = ({
  answer,
  presentBefore,
}: Pick<FreshAnswer, 'answer' | 'presentBefore'>): Knowledge => ({
  ports: answer.ports,
  networks: new Map(answer.networks.map((network) => [network.id, network])),
  presentBefore,
  unusable: unusableTaps(answer),
  hasGatewayDevices: answer.generation === 'essex',
});

/** Taps whose port row is there but could not be understood. */
const unusableTaps = ({ warnings }: Answer): Set<LinkName> =>
  new Set(
    warnings.flatMap(({ code, port, device }) => {
      if (code !== 'PORT_BAD_ROW') return [];
      return device === undefined ? (port === undefined ? [] : [tapName(port)]) : [device];
    }),
  );

/**
 * Notes which taps are here: called once per pass, before anything is decided. `changes`: the only taps that may have
 * come, gone or changed since the last time, where that is known.
 */
export function noteSightings(
  memory: Memory,
  view: View,
  nowMs: number,
  changes: TapChanges | null = null,
): Memory {
  return {
    ...memory,
    firstSeenMs: firstSightings(memory, view, nowMs, changes),
    known: sightedPorts(memory.known, view, nowMs, changes),
    plugged: pluggedTaps(memory, view, changes),
  };
}

/** Of the taps that are in no bridge; others than those that were in none or have changed are not looked at. */
function firstSightings(
  { firstSeenMs }: Memory,
  { taps }: View,
  nowMs: number,
  changes: TapChanges | null,
): Memory['firstSeenMs'] {
  const concerned = changes === null ? taps.keys() : [...firstSeenMs.keys(), ...changes.indexes];
  const sightings = new Map<IfIndex, number>();
  for (const index of concerned)
    if (taps.get(index)?.master === null) sightings.set(index, firstSeenMs.get(index) ?? nowMs);
  return sightings;
}

/** The same set when none of the taps that have changed is of it, before or after. */
function pluggedTaps(memory: Memory, view: View, changes: TapChanges | null): Memory['plugged'] {
  const isPlugged = ({ index, name, master }: Link): boolean =>
    master !== null &&
    view.mappedBridges.has(master) &&
    (memory.plugged.has(index) || memory.known.has(name));
  if (changes === null) {
    return new Set([...view.taps.values()].filter(isPlugged).map(({ index }) => index));
  }
  const came = changes.here.filter(isPlugged);
  const left = [...changes.indexes].filter((index) => memory.plugged.has(index));
  if (came.length + left.length === 0) return memory.plugged;
  const plugged = new Set(memory.plugged);
  for (const index of left) plugged.delete(index);
  for (const { index } of came) plugged.add(index);
  return plugged;
}

/** The same map when none of these known taps has come or gone. */
function sightedPorts(
  known: Memory['known'],
  { observed }: View,
  nowMs: number,
  changes: TapChanges | null,
): Memory['known'] {
  const came = changes === null ? null : new Set(changes.here.map(({ name }) => name));
  const isHere = (name: LinkName): boolean => {
    if (came !== null) return came.has(name);
    const link = observed.byName.get(name);
    return link !== undefined && isTap(link);
  };
  const changed: [LinkName, KnownPort][] = [];
  for (const name of changes?.names ?? known.keys()) {
    const entry = known.get(name);
    if (entry === undefined) continue;
    const here = isHere(name);
    if (here && (!entry.here || entry.owesDown)) changed.push([name, { ...entry, here, owesDown: false }]);
    // It was here until now, as far as anybody can tell.
    else if (!here && entry.here) changed.push([name, { ...entry, here, lastHereMs: nowMs, owesDown: true }]);
  }
  return withChanges(known, changed);
}

/** An answer of the database, and what has to be known of its question. */
export interface FreshAnswer {
  readonly answer: Answer;
  /** The host as it was when the database was asked. */
  readonly asked: HostState;
  /** The links that the answer may speak about, see `presentWhenAsked`. */
  readonly presentBefore: ReadonlySet<IfIndex>;
  /** A sign that the database is older than it was, noticed by now; null: there is none. */
  readonly wentBack: WentBack | null;
}

/** Takes a good answer in: what is known from now on, and which names had no row. */
export function remember(
  memory: Memory,
  view: View,
  { answer, presentBefore }: Pick<FreshAnswer, 'answer' | 'presentBefore'>,
  retentionMs: number,
  nowMs: number,
): Memory {
  const index = indexPorts(answer.ports);
  const known = new Map<LinkName, KnownPort>();
  const absent = new Map<LinkName, number>();
  const unusable = unusableTaps(answer);
  const disputed = new Set<LinkName>();
  for (const tap of view.taps.values()) {
    const match = matchTap(index, tap);
    if (match.kind === 'one') {
      known.set(tap.name, { port: match.port, here: true, lastHereMs: nowMs, owesDown: false });
    } else if (match.kind === 'ambiguous' || unusable.has(tap.name)) {
      disputed.add(tap.name);
    } else {
      const askedMs = isStillAbsent(memory, tap.name, nowMs) ?? (presentBefore.has(tap.index) ? nowMs : null);
      if (askedMs !== null) absent.set(tap.name, askedMs);
    }
  }
  const byId = new Map(answer.ports.map((port) => [port.id, port]));
  const away = [...memory.known]
    .filter(([name, entry]) => !known.has(name) && !entry.here && nowMs - entry.lastHereMs < retentionMs)
    .flatMap(([name, entry]): [LinkName, KnownPort][] => {
      const port = byId.get(entry.port.id);
      return port === undefined ? [] : [[name, { ...entry, port }]];
    })
    .concat(goneUnseen(memory, view, answer, index, nowMs))
    .sort(([, a], [, b]) => Number(b.owesDown) - Number(a.owesDown) || b.lastHereMs - a.lastHereMs);
  for (const [name, entry] of away.slice(0, Math.max(0, KNOWN_PORTS_MAX - known.size)))
    known.set(name, entry);
  return {
    ...memory,
    known,
    absent,
    disputed,
    activeLately: stillLately(memory.activeLately, nowMs),
    hasHosts: answer.hasHosts,
    networks: new Map(answer.networks.map((network) => [network.id, network])),
  };
}

/**
 * Ports that were asked for because their taps were here, and whose taps are gone before any pass has known them: their
 * rows may say that they are wired all the same.
 */
function goneUnseen(
  { known }: Memory,
  { observed }: View,
  { ports }: Answer,
  index: PortIndex,
  nowMs: number,
): [LinkName, KnownPort][] {
  const seen = new Set([...known.values()].map(({ port }) => port.id));
  return ports.flatMap((port): [LinkName, KnownPort][] => {
    const name = deviceOf(port);
    if (seen.has(port.id) || observed.byName.has(name)) return [];
    const match = matchTap(index, { name });
    const isMeant = match.kind === 'one' && match.port === port;
    return isMeant ? [[name, { port, here: false, lastHereMs: nowMs, owesDown: true }]] : [];
  });
}

/** Whether the tap of a known port went away or came back between these two: the database is owed the port's status. */
export const owesMore = ({ known: before }: Memory, { known: now }: Memory): boolean =>
  now !== before &&
  [...now].some(([name, { here, owesDown }]) => {
    const was = before.get(name);
    return here ? was?.here === false : owesDown && was?.owesDown !== true;
  });

/** When a name was last asked for, while that is recent enough not to ask again. */
export function isStillAbsent(memory: Memory, name: LinkName, nowMs: number): number | null {
  const askedMs = memory.absent.get(name);
  return askedMs !== undefined && nowMs - askedMs < ABSENT_RETRY_MS ? askedMs : null;
}

/**
 * When this memory says something else although nothing has happened: a name without a row is due to be asked for
 * again, a port whose tap is away is due to be forgotten, or a status was written long enough ago. Infinity: never.
 */
export function memoryChangesAtMs({ absent, known, activeLately }: Memory, retentionMs: number): number {
  let atMs = Number.POSITIVE_INFINITY;
  for (const writtenMs of activeLately.values()) atMs = Math.min(atMs, writtenMs + TAKE_BACK_MS);
  for (const askedMs of absent.values()) atMs = Math.min(atMs, askedMs + ABSENT_RETRY_MS);
  for (const { here, lastHereMs } of known.values()) {
    if (!here) atMs = Math.min(atMs, lastHereMs + retentionMs);
  }
  return atMs;
}
