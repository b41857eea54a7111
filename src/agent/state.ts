import type {
  Clock,
  Database,
  ExitCode,
  HostState,
  IfIndex,
  Kernel,
  Observer,
  Question,
  Settings,
  Store,
  Stored,
} from '../model/index.js';
import { tellEach } from '../monitoring/tell.js';
import type { GuardMemory } from '../reconcile/guard/guard-memory.js';
import type { PassResult } from '../reconcile/pass.js';
import { EMPTY_MEMORY, type Memory } from '../reconcile/remember/memory.js';
import type { View } from '../reconcile/see/view.js';
import { type Faults, startFaults } from './faults.js';
import { type History, startHistory } from './history.js';
import type { Poller } from './poller.js';
import { type Restraint, startRestraint } from './restraint.js';
import { recallGuard } from './state-dir/keep-guard.js';
import type { LastKnownGood } from './state-dir/last-known-good.js';
import type { ServerRecord } from './state-dir/server-record.js';
import { startTally, type Tally } from './tally.js';

/** The edges the agent works on; the real ones, or simulated ones. */
export interface Surroundings {
  readonly kernel: Kernel;
  /** Opens the database that the settings name; called again when a reload changes them. */
  readonly openDatabase: (settings: Settings) => Database;
  readonly clock: Clock;
  readonly store: Store;
  /** What is known of the servers; whatever else speaks to the database shares its watermark. */
  readonly servers: ServerRecord;
  readonly observer: Observer;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Of this program. */
  readonly version: string;
}

/** A question with what it rests on. */
export interface Asked {
  readonly view: View;
  readonly memory: Memory;
  readonly question: Question;
  /** What was here before the database was asked: only this may be removed because of its answer. */
  readonly presentBefore: ReadonlySet<IfIndex>;
  /** When the memory asks something else by itself. */
  readonly untilMs: number;
}

/** What the running agent holds; all of its functions work on this one value. */
export interface AgentState {
  readonly edges: Surroundings;
  readonly tally: Tally;
  readonly history: History;
  readonly faults: Faults;
  readonly restraint: Restraint;
  settings: Settings;
  database: Database;
  memory: Memory;
  poller: Poller | null;
  passes: number;
  /** The latest pass; with its view, the host as it was last read. */
  latest: PassResult | null;
  /** The latest pass that had an answer of the database. */
  answered: PassResult | null;
  /** The host before the first pass. */
  seenAtStart: HostState | null;
  asked: Asked | null;
  everAnswered: boolean;
  /** What the agent before has left, as it was read at the start: the loop reads no disk, which may not answer. Empty once there was an answer. */
  runBefore: Stored<LastKnownGood>;
  /** What was known when the last known good answer was last read or kept, as passes from memory change it too. */
  kept: Memory;
  /** What the guard remembered when it was last read or kept. */
  keptGuard: GuardMemory;
  /** A pass from memory has something to write ahead, and waits for its turn. */
  awaitsTurn: boolean;
  outage: { readonly sinceMs: number; readonly tries: number } | null;
  stopping: boolean;
  /** Timers to cancel at the end. */
  cancelWake: () => void;
  cancelLook: () => void;
  cancelSummary: () => void;
  /** Gives up the call to the database in hand. */
  abandon: () => void;
  readonly end: (code: ExitCode) => void;
}

export function makeState(
  edges: Surroundings,
  settings: Settings,
  end: (code: ExitCode) => void,
): AgentState {
  const history = startHistory(edges.clock);
  const guard = recallGuard(edges.store, edges.clock.monotonicMs());
  const observer = tellEach([history.note, edges.observer]);
  return {
    edges: { ...edges, observer },
    settings,
    end,
    history,
    faults: startFaults(edges.clock),
    restraint: startRestraint(edges.clock),
    database: edges.openDatabase(settings),
    tally: startTally(),
    memory: { ...EMPTY_MEMORY, guard, server: edges.servers.trust },
    poller: null,
    passes: 0,
    latest: null,
    answered: null,
    seenAtStart: null,
    asked: null,
    everAnswered: false,
    runBefore: { kind: 'none' },
    kept: EMPTY_MEMORY,
    keptGuard: guard,
    awaitsTurn: false,
    outage: null,
    stopping: false,
    cancelWake: () => {},
    cancelLook: () => {},
    cancelSummary: () => {},
    abandon: () => {},
  };
}
