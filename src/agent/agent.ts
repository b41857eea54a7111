import {
  type AgentStatus,
  EXIT,
  type ExitCode,
  type FaultPlace,
  fingerprintOf,
  type SelfSeen,
  type Settings,
} from '../model/index.js';
import type { View } from '../reconcile/see/view.js';
import { seenOf } from '../reconcile/tell/seen.js';
import { noteFault } from './guarded.js';
import { lastView, look } from './kernel-pass.js';
import { poll } from './poll.js';
import { startPoller } from './poller.js';
import { shutDown } from './shut-down.js';
import { type AgentState, makeState, type Surroundings } from './state.js';
import { recallAtStart } from './state-dir/last-known-good-file.js';
import { statusOf } from './status.js';
import { SUMMARY_INTERVAL_MS } from './tally.js';

export interface Agent {
  /** Lets the removals of that fingerprint go ahead with the next poll; gives how many. 0: what is held now is something else. */
  accept(fingerprint: string): number;
  /** Works with these settings from the next pass on. */
  reload(settings: Settings): void;
  /** Finishes what is in hand, leaves the data plane as it is. */
  stop(): Promise<void>;
  /** A fault of this program that was met beside the agent's own loop. */
  fault(during: FaultPlace, thrown: unknown): void;
  /** How the agent sees the host now, see `statusOf`. */
  status(): AgentStatus;
  /** What the heartbeat tells of the host, as it was last looked at. */
  seen(): SelfSeen;
  /** How far the loop is behind its own schedule; 0 while it turns as it should. */
  lateMs(): number;
  /** Settles when the agent has ended: stopped (0), too many faults (70), out of retries (75), a wrong schema (78). */
  readonly ended: Promise<ExitCode>;
}

/**
 * Starts the agent: polls by timer, looks when the kernel says that something changed, wires known ports at
 * once from memory, and asks the database at once about unknown ones. It never ends because of the database,
 * unless `sql_max_retries` says so or its very first answer shows a schema that no generation matches.
 */
export function startAgent(edges: Surroundings, settings: Settings): Agent {
  let end: (code: ExitCode) => void = () => {};
  const ended = new Promise<ExitCode>((settle) => {
    end = settle;
  });
  const self = makeState(edges, settings, end);
  recallAtStart(self);
  self.poller = startPoller(
    edges.clock,
    () => self.settings,
    edges.random,
    () => poll(self),
    () => self.faults.pauseMs(),
  );
  edges.kernel.watch(() => look(self));
  summariseHourly(self);
  return {
    accept: (fingerprint) => accept(self, fingerprint),
    reload: (next) => reload(self, next),
    stop: () => shutDown(self, EXIT.ok),
    fault: (during, thrown) => noteFault(self, during, thrown),
    status: () => statusOf(self),
    seen: () => seenLast(lastView(self)),
    lateMs: () => self.poller?.lateMs() ?? 0,
    ended,
  };
}

const seenLast = (view: View | null): SelfSeen =>
  view === null ? { devices: 0, tunnels: null } : seenOf(view);

function accept(self: AgentState, fingerprint: string): number {
  const held = self.answered?.report.held ?? [];
  if (fingerprintOf(held) !== fingerprint) return 0;
  self.memory = { ...self.memory, accepted: new Set(held.map(({ key }) => key)) };
  self.edges.observer({ kind: 'accepted', removals: held.length });
  self.poller?.pollSoon();
  return held.length;
}

function reload(self: AgentState, settings: Settings): void {
  const old = self.database;
  self.settings = settings;
  self.database = self.edges.openDatabase(settings);
  void old.close();
  self.abandon();
  self.poller?.pollAtOnce();
}

function summariseHourly(self: AgentState): void {
  self.cancelSummary = self.edges.clock.after(SUMMARY_INTERVAL_MS, () => {
    const summary = self.tally.take(
      self.memory.known.size,
      self.answered?.report ?? null,
      self.outage === null,
    );
    self.edges.observer({ kind: 'summary', summary });
    summariseHourly(self);
  });
}
