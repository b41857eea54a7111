import {
  type AgentEvent,
  type HostState,
  type IfIndex,
  type OperationOutcome,
  type PassReport,
  type Port,
  type PortId,
  type StateName,
  type StatusChange,
  tapName,
} from '../../src/model/index.js';
import type { Telling } from './database.js';
import { type Case, judgeOperation } from './judge-operation.js';
import { judgePass, overdueTaps, type Pass, startPass } from './judge-pass.js';
import { judgeStatuses, noteActiveLately } from './judge-statuses.js';
import { type Knowledge, knowledgeOf, NOTHING_KNOWN, rowOfTap } from './knowledge.js';
import { makeRecord } from './record.js';
import { makeTrust, type Trust, type TrustEdges } from './trust.js';

/** Watches everything the agent does, and says what the contract forbids. */
export interface Oracle {
  readonly faults: readonly string[];
  /** The last answer that a pass has worked from. */
  lastTelling(): Telling | null;
  /** Ports that were asked for because their taps were here, and that every answer since has shown to the agent that runs now. */
  known(): ReadonlySet<PortId>;
  fault(text: string): void;
  agentStarted(): void;
  tells(telling: Telling): void;
  /** See `DatabaseEdges`. */
  shows(heartbeatMs: number): void;
  worked(before: HostState, after: HostState): void;
  ended(outcome: OperationOutcome): void;
  heard(event: AgentEvent): void;
  /** What the agent knows now is to be kept; the result is told whether it has reached the disk. */
  keeps(name: StateName): (isWritten: boolean) => void;
  /** Work with the answer of this event waits; the result is told when it begins. */
  putsOff(): () => void;
  /** See `Trust`. */
  beats(heartbeatMs: number, server: string): void;
  writes(changes: readonly StatusChange[]): void;
  accepted(): void;
  /** Everything that one event led to has happened. */
  eventOver(): void;
}

export interface OracleEdges extends TrustEdges {
  readonly foreign: ReadonlySet<IfIndex>;
}

export function makeOracle(edges: OracleEdges): Oracle {
  const faults: string[] = [];
  const trust = makeTrust(edges);
  /** What the agent works from between two answers, and what it would start from. */
  let remembered: { telling: Telling | null; knowledge: Knowledge } = FORGOTTEN;
  const stored = makeRecord(remembered);
  let telling: Telling | null = null;
  let known: ReadonlySet<PortId> = new Set();
  let pass: Pass | null = null;
  const judgeWrite = writeJudge(edges);
  const knowledge = (): Knowledge => (telling === null ? remembered.knowledge : knowledgeOf(telling.answer));
  const endPass = (report: PassReport | null): void => {
    if (pass !== null) faults.push(...judgePass(pass, report, trust.isAccepted(), edges.settings().guard));
    pass = null;
    if (telling === null || report === null || report.generation === null) return;
    trust.passEnds(telling, report);
    remembered = { telling, knowledge: knowledgeOf(telling.answer) };
    known = nextKnown(known, telling);
  };

  return {
    faults,
    lastTelling: () => remembered.telling,
    known: () => known,
    fault: (text) => void faults.push(text),
    agentStarted: () => {
      trust.restart();
      remembered = stored.read();
      telling = null;
      known = new Set();
      pass = null;
    },
    shows: trust.shows,
    tells: (next) => {
      telling = next;
      trust.hears(next);
    },
    worked: (before, after) => {
      pass ??= startPass(before, edges.settings());
      if (before === after) return;
      const judgement = judgeOperation(before, after, caseOf(edges, trust, knowledge(), telling));
      faults.push(...judgement.faults, ...trust.ledger.loses(judgement.losses));
      pass.losses.push(...judgement.losses);
      pass.joined.push(...trust.homes.joined(before, after, knowledge()));
      if (telling !== null) pass.overdue.push(...overdueTaps(before, after, knowledge(), telling));
    },
    ended: (outcome) => {
      if (!outcome.ok) pass?.refused.add(outcome.operation.device);
    },
    heard: (event) => {
      if (event.kind === 'pass') endPass(event.report);
    },
    keeps: (name) => trust.keeps(name) ?? stored.keeps({ telling: null, knowledge: remembered.knowledge }),
    putsOff: () => {
      const waiting = telling;
      return () => {
        telling = waiting;
        if (waiting !== null) trust.resumes(waiting);
      };
    },
    writes: (changes) => void faults.push(...judgeWrite(changes, telling ?? remembered.telling)),
    beats: trust.beats,
    accepted: trust.accept,
    eventOver: () => {
      // A pass whose end the kernel cut short by an error.
      if (pass !== null) endPass(null);
      telling = null;
    },
  };
}

function writeJudge({ now, nowMs, settings }: OracleEdges) {
  const lately = noteActiveLately(nowMs);
  return (changes: readonly StatusChange[], told: Telling | null): string[] =>
    told === null
      ? ['statuses were written before the database had answered']
      : judgeStatuses(changes, now(), told, settings().host, lately);
}

const caseOf = (
  { settings, foreign }: OracleEdges,
  { believes, isTimely, isDownSince }: Trust,
  knowledge: Knowledge,
  telling: Telling | null,
): Case => ({
  settings: settings().host,
  knowledge,
  telling,
  foreign,
  trusts: (about) => believes(telling, about),
  isTimely,
  isDownSince,
});

const FORGOTTEN = { telling: null, knowledge: NOTHING_KNOWN };

/** A port is asked for because its tap was here, also where that has gone by the time of the answer. */
function nextKnown(before: ReadonlySet<PortId>, { answer }: Telling): Set<PortId> {
  const knowledge = knowledgeOf(answer);
  const isMeant = (port: Port): boolean => {
    const row = rowOfTap(knowledge, tapName(port.interfaceId));
    return row.kind === 'one' && row.port.id === port.id;
  };
  return new Set(answer.ports.filter((port) => before.has(port.id) || isMeant(port)).map(({ id }) => id));
}
