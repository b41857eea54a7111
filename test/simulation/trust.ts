import {
  type HostState,
  networkOfLabel,
  type Operation,
  type PassReport,
  type PortId,
  type Settings,
  type StateName,
  tapName,
} from '../../src/model/index.js';
import type { Telling } from './database.js';
import { type Homes, makeHomes } from './judge-joined.js';
import { type Ledger, makeLedger } from './judge-losses.js';
import { isPlugged, knowledgeOf, rowOfTap } from './knowledge.js';
import { makeRecord } from './record.js';
import { silentInAgentBridges, silentTaps, tapsWithoutNetwork } from './silence.js';

/** Whether an answer may be believed. Kept from one agent's life to the next, as the agent itself has to. */
export interface Trust {
  /** Another agent has started, and knows what has reached the disk. */
  restart(): void;
  /** See `Oracle`; null: nothing that it knows of. */
  keeps(name: StateName): ((isWritten: boolean) => void) | null;
  hears(telling: Telling): void;
  /** See `DatabaseEdges`. */
  shows(heartbeatMs: number): void;
  /** Work with an answer that was heard before begins now. */
  resumes(telling: Telling): void;
  /** This agent's heartbeat is about to be written over the one of `heartbeatMs`. */
  beats(heartbeatMs: number, server: string): void;
  /** Whether a row that is missing is believed to be. `about` as in `tap 12` or `network <id>`. */
  believes(telling: Telling | null, about: string): boolean;
  /** What was lost, whether it was believed or not. */
  readonly ledger: Ledger;
  readonly homes: Homes;
  /** Whether anything at all may be removed because of this answer. */
  isTimely(): boolean;
  accept(): void;
  isAccepted(): boolean;
  /** Whether the port was set down by an answer that a replica, which speaks now, has not caught up with. */
  isDownSince(port: PortId): boolean;
  /** A pass has worked from the answer. */
  passEnds(telling: Telling, report: Pick<PassReport, 'held' | 'operations'>): void;
}

export interface TrustEdges {
  readonly settings: () => Settings;
  readonly now: () => HostState;
  readonly nowMs: () => number;
}

/** How often and how long the answers have been silent about something; the agent keeps its count on disk. */
interface Silence {
  readonly polls: number;
  readonly sinceMs: number;
}

/** What outlives the agent. */
interface Servers {
  readonly last: string | null;
  /** The last that was believed; null: none, or it has gone back. */
  readonly believed: string | null;
  /** `rows`: about missing rows; `all`: about everything. */
  readonly doubt: 'none' | 'rows' | 'all';
  /** The newest heartbeat of this agent that was shown since a server was believed last; 0: none. */
  readonly newestMs: number;
  /** The one that the last answer showed, where that was an older one. */
  readonly olderMs: number | null;
  /** It was a read-only server's: what it says now is not the last that it has to say. */
  readonly isCatchingUp: boolean;
  /** When a heartbeat found an older one than that, and where; null: not since an answer from there that was asked for later. */
  readonly foundOlder: { readonly atMs: number; readonly server: string } | null;
}

const NO_SERVERS: Servers = {
  last: null,
  believed: null,
  doubt: 'none',
  newestMs: 0,
  olderMs: null,
  isCatchingUp: false,
  foundOlder: null,
};

/** Operations of which a removal is made; most are something else, which matters little here. */
const TAKES_AWAY: ReadonlySet<Operation['op']> = new Set(['detach', 'move-addresses', 'delete-bridge']);

/** With guard_release = auto a server is believed when something went ahead that it asked for, and not before. */
const takesAway = (operations: readonly Operation[]): boolean =>
  operations.some(({ op }) => TAKES_AWAY.has(op));

/** Every reason that has to do with the server names it. */
const isHeldForServer = (held: PassReport['held']): boolean =>
  held.some(({ reason }) => reason.includes('server'));

const CONFIRMING_POLLS = 5;
const CONFIRMING_MS = 600_000;

export function makeTrust(edges: TrustEdges): Trust {
  let servers = NO_SERVERS;
  const stored = makeRecord(servers);
  let down: ReadonlySet<PortId> = new Set();
  let silences = new Map<string, Silence>();
  let isAccepted = false;
  const isDoubted = ({ answer }: Telling): boolean => answer.suspect !== null || servers.doubt !== 'none';
  const ledger = makeLedger(edges);
  const homes = makeHomes(() => edges.settings().host);
  const resumes = (telling: Telling): void => ledger.tells(telling, !isDoubted(telling));
  const isAuto = (): boolean => edges.settings().guard.release === 'auto';
  const isConfirmed = (about: string): boolean => {
    const silence = silences.get(about);
    return (
      isAuto() &&
      silence !== undefined &&
      silence.polls >= CONFIRMING_POLLS &&
      edges.nowMs() - silence.sinceMs >= CONFIRMING_MS
    );
  };
  return {
    ledger,
    homes,
    restart: () => {
      ledger.agentStarted();
      homes.agentStarted();
      servers = stored.read();
      down = new Set();
      isAccepted = false;
    },
    keeps: (name) => (name === 'guard' ? ledger.kept : name === 'server' ? stored.keeps(servers) : null),
    hears: (telling) => {
      silences = nextSilences(silences, telling, edges);
      servers = afterAnswer(servers, telling);
      resumes(telling);
    },
    shows: (heartbeatMs) => {
      servers = { ...servers, newestMs: Math.max(servers.newestMs, heartbeatMs) };
    },
    resumes,
    beats: (heartbeatMs, server) => {
      if (heartbeatMs > 0 && heartbeatMs < servers.newestMs)
        servers = { ...servers, foundOlder: { atMs: edges.nowMs(), server } };
      else servers = { ...servers, newestMs: Math.max(heartbeatMs, servers.newestMs) };
    },
    believes: (telling, about) => {
      if (isAccepted || telling === null) return isAccepted;
      if (telling.emptyTables.length > 0) return false;
      return isConfirmed(about) || !isDoubted(telling);
    },
    isTimely: () => isAccepted || isAuto() || servers.doubt !== 'all',
    accept: () => {
      ledger.accept();
      isAccepted = true;
    },
    isAccepted: () => isAccepted,
    isDownSince: (port) => servers.isCatchingUp && down.has(port),
    passEnds: (telling, { held, operations }) => {
      const state = edges.now();
      if (!servers.isCatchingUp) down = portsDown(telling, state, edges.settings().host);
      const isSilent = silentInAgentBridges(telling, state, edges.settings().host).length > 0;
      const agrees = servers.doubt === 'all' ? held.length === 0 : !isSilent && !isHeldForServer(held);
      const isReleased = held.length === 0 && (isAccepted || (isAuto() && takesAway(operations)));
      if (isReleased || (agrees && !servers.isCatchingUp)) servers = believing(servers);
      isAccepted = false;
      ledger.passEnds();
      homes.told(state, knowledgeOf(telling.answer));
    },
  };
}

/** Those whose taps are in no bridge; without those of a name that stands for several. */
function portsDown({ answer }: Telling, state: HostState, settings: Settings['host']): Set<PortId> {
  const knowledge = knowledgeOf(answer);
  return new Set(
    answer.ports.flatMap(({ interfaceId }) => {
      const row = rowOfTap(knowledge, tapName(interfaceId));
      const tap = state.byName.get(tapName(interfaceId));
      const isIn = tap !== undefined && isPlugged(state, tap, settings);
      return row.kind === 'one' && !row.port.adminUp && !isIn ? [row.port.id] : [];
    }),
  );
}

/** Of a server that is believed, even the older heartbeat is the last that is known. */
const believing = (servers: Servers): Servers => ({
  ...servers,
  believed: servers.last,
  doubt: 'none',
  newestMs: servers.olderMs ?? servers.newestMs,
  olderMs: null,
});

/** The rule of the contract: which server is doubted, and how far, when it has answered. */
function afterAnswer(before: Servers, { answer, heartbeatMs, askedAtMs }: Telling): Servers {
  const { server: last, suspect } = answer;
  const isOlder = heartbeatMs !== 0 && heartbeatMs < before.newestMs;
  const isFoundHere = before.foundOlder?.server === last;
  const isSettled = isFoundHere && askedAtMs >= (before.foundOlder?.atMs ?? 0);
  const now = {
    ...before,
    last,
    newestMs: Math.max(before.newestMs, heartbeatMs),
    olderMs: isOlder ? heartbeatMs : null,
    isCatchingUp: isOlder && suspect !== null,
    foundOlder: isSettled ? null : before.foundOlder,
  };
  if (isOlder || isSettled) {
    return { ...now, doubt: 'all', believed: before.believed === last ? null : before.believed };
  }
  if (before.last === null || before.believed === last) return { ...now, believed: last, doubt: 'none' };
  const isReplica = suspect !== null && before.last !== last;
  return { ...now, doubt: before.doubt === 'all' || isReplica ? 'all' : 'rows' };
}

function nextSilences(
  before: ReadonlyMap<string, Silence>,
  telling: Telling,
  { now, nowMs, settings }: TrustEdges,
): Map<string, Silence> {
  const { ports, networks } = knowledgeOf(telling.answer);
  const named = [
    ...ports.map(({ networkId }) => networkId),
    ...[...now().links.values()].flatMap(({ alias }) => networkOfLabel(alias) ?? []),
  ];
  const gone = [...new Set(named)].filter((id) => !networks.has(id)).map((id) => `network ${id}`);
  const silent = silentTaps(telling, now(), settings().host);
  // It is one removal, whether the row of the port is missing or that of its network.
  const taps = [...silent, ...tapsWithoutNetwork(telling, now(), settings().host)].map(
    ({ index }) => `tap ${index}`,
  );
  return new Map(
    [...taps, ...gone].map((about) => {
      const silence = before.get(about);
      return [about, { polls: (silence?.polls ?? 0) + 1, sinceMs: silence?.sinceMs ?? nowMs() }];
    }),
  );
}
