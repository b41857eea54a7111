import { type HostState, networkOfLabel, type Settings } from '../../src/model/index.js';
import type { Telling } from './database.js';
import { type Ledger, makeLedger } from './judge-losses.js';
import { knowledgeOf } from './knowledge.js';
import { silentInAgentBridges, silentTaps } from './silence.js';

/** Whether the silence of an answer may be believed. The server is remembered for one agent's life, as by the agent itself; how often something was asked for, for all of them. */
export interface Trust {
  /** Another agent has started, and knows nothing of this. */
  forget(): void;
  hears(telling: Telling): void;
  /** `about` as in `tap 12` or `network <id>`. */
  believes(telling: Telling | null, about: string): boolean;
  /** What was lost, whether it was believed or not. */
  readonly ledger: Ledger;
  accept(): void;
  isAccepted(): boolean;
  /** A pass has worked from the answer. */
  passEnds(telling: Telling): void;
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

const CONFIRMING_POLLS = 5;
const CONFIRMING_MS = 600_000;

export function makeTrust(edges: TrustEdges): Trust {
  let server: { readonly id: string; readonly doubted: boolean } | null = null;
  let silences = new Map<string, Silence>();
  let isAccepted = false;
  const isOtherServer = ({ answer }: Telling): boolean =>
    server !== null && (server.doubted || server.id !== answer.server);
  const isDoubted = (telling: Telling): boolean => telling.answer.suspect !== null || isOtherServer(telling);
  const ledger = makeLedger(edges);
  const isConfirmed = (about: string): boolean => {
    const silence = silences.get(about);
    return (
      edges.settings().guard.release === 'auto' &&
      silence !== undefined &&
      silence.polls >= CONFIRMING_POLLS &&
      edges.nowMs() - silence.sinceMs >= CONFIRMING_MS
    );
  };
  return {
    ledger,
    forget: () => {
      ledger.agentStarted();
      server = null;
      isAccepted = false;
    },
    hears: (telling) => {
      silences = nextSilences(silences, telling, edges);
      ledger.tells(telling, !isDoubted(telling));
    },
    believes: (telling, about) => {
      if (isAccepted || telling === null) return isAccepted;
      if (telling.emptyTables.length > 0) return false;
      return isConfirmed(about) || !isDoubted(telling);
    },
    accept: () => {
      ledger.accept();
      isAccepted = true;
    },
    isAccepted: () => isAccepted,
    passEnds: (telling) => {
      const state = edges.now();
      const isSilent = silentInAgentBridges(telling, state, edges.settings().host).length > 0;
      server = { id: telling.answer.server, doubted: isSilent && isOtherServer(telling) && !isAccepted };
      isAccepted = false;
      ledger.passEnds();
    },
  };
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
  const taps = silentTaps(telling, now(), settings().host).map(({ index }) => `tap ${index}`);
  return new Map(
    [...taps, ...gone].map((about) => {
      const silence = before.get(about);
      return [about, { polls: (silence?.polls ?? 0) + 1, sinceMs: silence?.sinceMs ?? nowMs() }];
    }),
  );
}
