import {
  type Answer,
  deviceOf,
  type ForwardingAnswer,
  type HostState,
  type IfIndex,
  isSame,
  type LinkName,
  type Network,
  type NetworkId,
  onceFor,
  type Port,
  tapName,
  type WentBack,
} from '../../model/index.js';
import type { InPlaces, Knowledge } from '../decide/desired.js';
import { indexPorts, matchTap } from '../decide/match.js';
import { EMPTY_GUARD } from '../guard/guard-memory.js';
import type { GuardPart } from '../guard/pass-guard.js';
import type { Repairs } from '../plan/repairs.js';
import { allTaps, isTap, tapNames, tapsIn, type View } from '../see/view.js';
import { type ActiveLately, stillLately, TAKE_BACK_MS } from './active-lately.js';

/** At most this many ports are remembered; those without a tap here go first. */
export const KNOWN_PORTS_MAX = 4096;
/** A tap whose name had no row is asked for again at most this often. */
export const ABSENT_RETRY_MS = 10_000;

/** Of a known port whose tap is not here. */
export interface Away {
  /** When it was found to have gone. */
  readonly sinceMs: number;
  /** The row may still say that it is wired. */
  readonly owesDown: boolean;
}

/** All that one pass hands to the next. A value: a pass takes one and gives another. */
export interface Memory extends GuardPart {
  /** By tap: ports that the last good poll found, and whose taps were here lately. The same map as long as they are wired alike. */
  readonly known: ReadonlyMap<LinkName, Port>;
  /** Those of them whose taps are not here. */
  readonly away: ReadonlyMap<LinkName, Away>;
  readonly networks: ReadonlyMap<NetworkId, Network>;
  /** Who is behind their tunnels, by the last answer; null: nobody has been asked about. */
  readonly forwarding: ForwardingAnswer | null;
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
  away: new Map(),
  networks: new Map(),
  forwarding: null,
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

/** What was made of the known ports is kept as long as they are. */
const recalled = new WeakMap<Memory['known'], Knowledge>();

/** What is remembered, as knowledge to wire from while the database has not answered. */
export function recall({
  known,
  networks,
  forwarding,
}: Pick<Memory, 'known' | 'networks' | 'forwarding'>): Knowledge {
  const made = recalled.get(known);
  if (made?.networks === networks && made.forwarding === forwarding) return made;
  const knowledge: Knowledge = {
    ports: indexPorts([...known.values()]),
    networks,
    forwarding,
    presentBefore: null,
    unusable: new Set(),
    hasGatewayDevices: false,
  };
  recalled.set(known, knowledge);
  return knowledge;
}

/** An answer as knowledge. */
export const learn = ({
  answer,
  presentBefore,
}: Pick<FreshAnswer, 'answer' | 'presentBefore'>): Knowledge => ({
  ports: indexPorts(answer.ports),
  networks: networksById(answer.networks),
  forwarding: answer.forwarding ?? null,
  presentBefore,
  unusable: unusableTaps(answer),
  hasGatewayDevices: answer.generation === 'essex',
});

/** The same map for the same networks, so that what rests on it is known to be the same. */
const networksById = onceFor(
  (networks: Answer['networks']): Memory['networks'] =>
    new Map(networks.map((network) => [network.id, network])),
);

/** Taps whose port row is there but could not be understood. */
const unusableTaps = ({ warnings }: Answer): Set<LinkName> =>
  new Set(
    warnings.flatMap(({ code, port, device }) => {
      if (code !== 'PORT_BAD_ROW') return [];
      return device === undefined ? (port === undefined ? [] : [tapName(port)]) : [device];
    }),
  );

/** Notes what has to be known of the taps that are here before anything is decided. */
export const noteSightings = (memory: Memory, view: View, nowMs: number): Memory => ({
  ...memory,
  firstSeenMs: new Map(
    tapsIn(view, null).map(({ index }) => [index, memory.firstSeenMs.get(index) ?? nowMs]),
  ),
  plugged: pluggedTaps(memory, view),
});

const pluggedTaps = ({ plugged, known }: Memory, view: View): Memory['plugged'] =>
  new Set(
    [...view.mappedBridges.keys()]
      .flatMap((bridge) => tapsIn(view, bridge))
      .filter(({ index, name }) => plugged.has(index) || known.has(name))
      .map(({ index }) => index),
  );

/** Notes which taps of known ports have gone, as it is at the end of a pass: those are owed DOWN. */
export function noteAway(memory: Memory, view: View, nowMs: number): Memory {
  const here = tapNames(view);
  // A mapped interface is no tap, whatever it is called; but it is here.
  for (const link of view.mapped.values()) if (isTap(link)) here.add(link.name);
  const away = new Map<LinkName, Away>();
  for (const name of memory.known.keys())
    if (!here.has(name)) away.set(name, memory.away.get(name) ?? { sinceMs: nowMs, owesDown: true });
  return { ...memory, away };
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
  const known = new Map<LinkName, Port>();
  const absent = new Map<LinkName, number>();
  const unusable = unusableTaps(answer);
  const disputed = new Set<LinkName>();
  for (const tap of allTaps(view)) {
    const match = matchTap(index, tap);
    if (match.kind === 'one') known.set(tap.name, match.port);
    else if (match.kind === 'ambiguous' || unusable.has(tap.name)) disputed.add(tap.name);
    else {
      const askedMs = isStillAbsent(memory, tap.name, nowMs) ?? (presentBefore.has(tap.index) ? nowMs : null);
      if (askedMs !== null) absent.set(tap.name, askedMs);
    }
  }
  const away = [...stillAway(memory, answer, retentionMs, nowMs), ...goneUnseen(memory, view, answer, nowMs)]
    .filter(({ name }) => !known.has(name))
    .sort((a, b) => Number(b.owesDown) - Number(a.owesDown) || b.sinceMs - a.sinceMs)
    .slice(0, Math.max(0, KNOWN_PORTS_MAX - known.size));
  for (const { name, port } of away) known.set(name, port);
  return {
    ...memory,
    known: areWiredAlike(memory.known, known) ? memory.known : known,
    away: new Map(away.map(({ name, sinceMs, owesDown }) => [name, { sinceMs, owesDown }])),
    absent,
    disputed,
    activeLately: stillLately(memory.activeLately, nowMs),
    hasHosts: answer.hasHosts,
    networks: networksById(answer.networks),
    forwarding: answer.forwarding ?? null,
  };
}

/** A status changes often, and wires nothing. */
const areWiredAlike = (before: Memory['known'], now: Memory['known']): boolean =>
  before.size === now.size &&
  [...now].every(([name, port]) => {
    const old = before.get(name);
    return old === port || (old !== undefined && isSame({ ...old, status: null }, { ...port, status: null }));
  });

interface AwayPort extends Away {
  readonly name: LinkName;
  readonly port: Port;
}

/** Those that are known on, with their newest rows. */
function stillAway(
  { known, away }: Memory,
  { ports }: Answer,
  retentionMs: number,
  nowMs: number,
): AwayPort[] {
  const recent = [...away].filter(([, { sinceMs }]) => nowMs - sinceMs < retentionMs);
  if (recent.length === 0) return [];
  const byId = new Map(ports.map((port) => [port.id, port]));
  return recent.flatMap(([name, one]): AwayPort[] => {
    const old = known.get(name);
    const port = old === undefined ? undefined : byId.get(old.id);
    return port === undefined ? [] : [{ ...one, name, port }];
  });
}

/**
 * Ports that were asked for because their taps were here, and whose taps are gone before any pass has known them: their
 * rows may say that they are wired all the same.
 */
function goneUnseen({ known }: Memory, { observed }: View, { ports }: Answer, nowMs: number): AwayPort[] {
  const seen = new Set([...known.values()].map(({ id }) => id));
  return ports.flatMap((port): AwayPort[] => {
    const name = deviceOf(port);
    if (seen.has(port.id) || observed.byName.has(name)) return [];
    const match = matchTap(indexPorts(ports), { name });
    const isMeant = match.kind === 'one' && match.port === port;
    return isMeant ? [{ name, port, sinceMs: nowMs, owesDown: true }] : [];
  });
}

/** Whether the tap of a known port went away or came back between these two: the database is owed the port's status. */
export const owesMore = ({ away: before }: Memory, { away: now, known }: Memory): boolean =>
  [...now].some(([name, { owesDown }]) => owesDown && before.get(name)?.owesDown !== true) ||
  [...before.keys()].some((name) => known.has(name) && !now.has(name));

/** When a name was last asked for, while that is recent enough not to ask again. */
export function isStillAbsent(memory: Memory, name: LinkName, nowMs: number): number | null {
  const askedMs = memory.absent.get(name);
  return askedMs !== undefined && nowMs - askedMs < ABSENT_RETRY_MS ? askedMs : null;
}

/**
 * When this memory says something else although nothing has happened: a name without a row is due to be asked for
 * again, a port whose tap is away is due to be forgotten, or a status was written long enough ago. Infinity: never.
 */
export const memoryChangesAtMs = ({ absent, away, activeLately }: Memory, retentionMs: number): number =>
  Math.min(
    ...[...activeLately.values()].map((writtenMs) => writtenMs + TAKE_BACK_MS),
    ...[...absent.values()].map((askedMs) => askedMs + ABSENT_RETRY_MS),
    ...[...away.values()].map(({ sinceMs }) => sinceMs + retentionMs),
  );
