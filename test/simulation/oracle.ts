import {
  type AgentEvent,
  type HostState,
  type IfIndex,
  networkOfLabel,
  type OperationOutcome,
  type PassReport,
  type Settings,
  type StatusChange,
} from '../../src/model/index.js';
import type { Telling } from './database.js';
import { judgeOperation, type Loss } from './judge-operation.js';
import { judgeStatuses } from './judge-statuses.js';
import {
  isAgentBridge,
  isPlugged,
  isServedHere,
  isTapName,
  type Knowledge,
  knowledgeOf,
  membersOf,
  NOTHING_KNOWN,
  rowOfTap,
} from './knowledge.js';

/** Watches everything the agent does, and says what the contract forbids. */
export interface Oracle {
  readonly faults: readonly string[];
  /** The last answer that a pass has worked from. */
  lastTelling(): Telling | null;
  fault(text: string): void;
  agentStarted(): void;
  tells(telling: Telling): void;
  worked(before: HostState, after: HostState): void;
  ended(outcome: OperationOutcome): void;
  heard(event: AgentEvent): void;
  /** The last known good answer has reached the disk. */
  kept(): void;
  writes(changes: readonly StatusChange[]): void;
  accepted(): void;
  /** Everything that one event led to has happened. */
  eventOver(): void;
}

export interface OracleEdges {
  readonly settings: () => Settings;
  readonly now: () => HostState;
  readonly nowMs: () => number;
  readonly foreign: ReadonlySet<IfIndex>;
}

/** How often and how long the answers of one agent's life have been silent about something. */
interface Silence {
  readonly polls: number;
  readonly sinceMs: number;
}

/** What is only known for the length of one pass. */
interface Pass {
  readonly wiredBefore: number;
  readonly losses: Loss[];
  readonly refused: Set<string>;
  /** Taps that should have left a bridge before another one came. */
  readonly overdue: { readonly device: string; readonly text: string }[];
}

const CONFIRMING_POLLS = 5;
const CONFIRMING_MS = 600_000;

export function makeOracle(edges: OracleEdges): Oracle {
  const faults: string[] = [];
  /** What the agent works from between two answers, and what it would start from. */
  let remembered: { telling: Telling | null; knowledge: Knowledge } = FORGOTTEN;
  let stored = remembered;
  let telling: Telling | null = null;
  let server: { readonly id: string; readonly doubted: boolean } | null = null;
  let silences = new Map<string, Silence>();
  let isAccepted = false;
  let pass: Pass | null = null;
  const knowledge = (): Knowledge => (telling === null ? remembered.knowledge : knowledgeOf(telling.answer));

  const isOtherServer = (): boolean =>
    server !== null && (server.doubted || server.id !== telling?.answer.server);
  const trusts = (about: string): boolean => {
    if (isAccepted || telling === null) return isAccepted;
    if (telling.emptyTables.length > 0) return false;
    const silence = silences.get(about);
    const isConfirmed =
      edges.settings().guard.release === 'auto' &&
      silence !== undefined &&
      silence.polls >= CONFIRMING_POLLS &&
      edges.nowMs() - silence.sinceMs >= CONFIRMING_MS;
    return isConfirmed || (telling.answer.suspect === null && !isOtherServer());
  };
  const endPass = (report: PassReport | null): void => {
    if (pass !== null) faults.push(...judgePass(pass, report, isAccepted, edges.settings().guard));
    pass = null;
    if (telling === null || report === null || report.generation === null) return;
    const isSilent = silentAbout(telling, edges.now(), edges.settings().host).length > 0;
    server = { id: telling.answer.server, doubted: isSilent && isOtherServer() && !isAccepted };
    remembered = { telling, knowledge: knowledgeOf(telling.answer) };
    isAccepted = false;
  };

  return {
    faults,
    lastTelling: () => remembered.telling,
    fault: (text) => void faults.push(text),
    agentStarted: () => {
      remembered = stored;
      telling = null;
      server = null;
      silences = new Map();
      isAccepted = false;
      pass = null;
    },
    tells: (next) => {
      telling = next;
      silences = nextSilences(silences, next, edges);
    },
    worked: (before, after) => {
      pass ??= startPass(before, edges.settings());
      if (before === after) return;
      const settings = edges.settings().host;
      const theCase = { settings, knowledge: knowledge(), telling, foreign: edges.foreign, trusts };
      const judgement = judgeOperation(before, after, theCase);
      faults.push(...judgement.faults);
      pass.losses.push(...judgement.losses);
      if (telling !== null) pass.overdue.push(...overdueTaps(before, after, knowledge(), telling));
    },
    ended: (outcome) => {
      if (!outcome.ok) pass?.refused.add(outcome.operation.device);
    },
    heard: (event) => {
      if (event.kind === 'pass') endPass(event.report);
    },
    kept: () => {
      stored = { telling: null, knowledge: remembered.knowledge };
    },
    writes: (changes) => {
      const told = telling ?? remembered.telling;
      if (told === null) faults.push('statuses were written before the database had answered');
      else faults.push(...judgeStatuses(changes, edges.now(), told, edges.settings().host));
    },
    accepted: () => {
      isAccepted = true;
    },
    eventOver: () => {
      // A pass whose end the kernel cut short by an error.
      if (pass !== null) endPass(null);
      telling = null;
    },
  };
}

const FORGOTTEN = { telling: null, knowledge: NOTHING_KNOWN };

const startPass = (before: HostState, { host }: Settings): Pass => ({
  wiredBefore: [...before.links.values()].filter(
    (link) => isTapName(link.name) && isPlugged(before, link, host),
  ).length,
  losses: [],
  refused: new Set(),
  overdue: [],
});

/** The guard's numbers, and what should have left a bridge first. */
function judgePass(
  { wiredBefore, losses, refused, overdue }: Pass,
  report: PassReport | null,
  isAccepted: boolean,
  { maxRemovals, release }: Settings['guard'],
): string[] {
  const late = report !== null && report.held.length === 0 ? overdue : [];
  const faults = late.filter(({ device }) => !refused.has(device)).map(({ text }) => text);
  if (isAccepted || release === 'auto') return faults;
  const lost = new Set(losses.flatMap(({ taps }) => taps)).size;
  const free = maxRemovals ?? Math.max(1, Math.floor(wiredBefore / 5));
  if (lost > free) faults.push(`one pass took the wire of ${lost} of ${wiredBefore} taps; ${free} are free`);
  const isByMissingRow = losses.some(({ taps, byMissingRow }) => byMissingRow && taps.length > 0);
  if (isByMissingRow && lost >= wiredBefore) {
    faults.push(`the last of ${wiredBefore} taps lost its wire because rows were missing`);
  }
  return faults;
}

/** Something came into a bridge while a tap was still in it whose row is on another network. */
function overdueTaps(
  before: HostState,
  after: HostState,
  knowledge: Knowledge,
  { present }: Telling,
): Pass['overdue'] {
  const joined = [...after.links.values()].filter(
    ({ index, master }) => master !== null && before.links.get(index)?.master !== master,
  );
  return joined.flatMap((link) => {
    const bridge = link.master === null ? undefined : after.links.get(link.master);
    if (bridge === undefined || !isAgentBridge(bridge)) return [];
    return membersOf(after, bridge)
      .filter(({ index, name }) => index !== link.index && isTapName(name) && present.has(index))
      .flatMap((tap) => {
        const row = rowOfTap(knowledge, tap.name);
        const isOther = row.kind === 'one' && isServedHere(row.port) && row.port.adminUp;
        return isOther && row.port.networkId !== networkOfLabel(bridge.alias)
          ? [
              {
                device: tap.name,
                text: `${link.name} came into ${bridge.name} while ${tap.name} of another network was in it`,
              },
            ]
          : [];
      });
  });
}

/** What is plugged on this host and has no row in the answer. */
function silentAbout(
  { answer, presentWhenAsked }: Telling,
  state: HostState,
  settings: Settings['host'],
): string[] {
  const knowledge = knowledgeOf(answer);
  const links = [...state.links.values()].filter(({ index }) => presentWhenAsked.has(index));
  const taps = links.filter((link) => {
    const bridge = link.master === null ? undefined : state.links.get(link.master);
    if (!isTapName(link.name) || bridge === undefined || !isPlugged(state, link, settings)) return false;
    return isAgentBridge(bridge) && rowOfTap(knowledge, link.name).kind === 'none';
  });
  return taps.map(({ index }) => `tap ${index}`);
}

function nextSilences(
  before: ReadonlyMap<string, Silence>,
  telling: Telling,
  { now, nowMs, settings }: OracleEdges,
): Map<string, Silence> {
  const { ports, networks } = knowledgeOf(telling.answer);
  const named = [
    ...ports.map(({ networkId }) => networkId),
    ...[...now().links.values()].flatMap(({ alias }) => networkOfLabel(alias) ?? []),
  ];
  const gone = [...new Set(named)].filter((id) => !networks.has(id)).map((id) => `network ${id}`);
  return new Map(
    [...silentAbout(telling, now(), settings().host), ...gone].map((about) => {
      const silence = before.get(about);
      return [about, { polls: (silence?.polls ?? 0) + 1, sinceMs: silence?.sinceMs ?? nowMs() }];
    }),
  );
}
