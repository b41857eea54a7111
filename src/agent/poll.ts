import { endpointOf } from '../database/errors.js';
import {
  type Answer,
  DatabaseError,
  EXIT,
  type ExitCode,
  type PassReport,
  type Sign,
} from '../model/index.js';
import { type FreshAnswer, memoryChangesAtMs } from '../reconcile/remember/memory.js';
import { presentWhenAsked, questionFor } from '../reconcile/remember/question.js';
import { noteWriting, settleStatuses } from '../reconcile/remember/settle-statuses.js';
import { guarded, noteFault } from './guarded.js';
import { askWhereNeeded, passAtOnce, passInTurn, viewCaughtUp } from './kernel-pass.js';
import type { PollOutcome } from './poller.js';
import { shutDown } from './shut-down.js';
import type { AgentState, Asked } from './state.js';
import { keepLastKnownGood, wireFromLastKnownGood } from './state-dir/last-known-good-file.js';
import { settleServers, signAgainst } from './state-dir/server-record.js';

/** One poll: the kernel first, then the database, then a pass with its answer, then the statuses. Never throws. */
export async function poll(self: AgentState): Promise<PollOutcome> {
  try {
    return await pollOnce(self);
  } catch (error) {
    noteFault(self, 'poll', error);
    return self.stopping ? 'give-up' : 'retry';
  }
}

async function pollOnce(self: AgentState): Promise<PollOutcome> {
  const asked = guarded(self, () => ask(self));
  if (asked === null) return 'retry';
  const { database } = self;
  const { wentBack } = self.edges.servers.watermark.seen();
  const answer = await inHand(self, database.read(asked.question));
  if (self.stopping) return 'give-up';
  // A reload has taken the connection away under this poll; the next one asks with the new settings.
  if (answer === null || database !== self.database) return 'good';
  return answer instanceof DatabaseError
    ? noteFailure(self, answer)
    : workWith(self, asked, wentBack, answer);
}

/** The question for the host as it is now, after what memory can wire: the same one as long as nothing changes it. */
function ask(self: AgentState): Asked {
  self.edges.kernel.askAgain();
  const view = viewCaughtUp(self);
  const { asked, memory, settings } = self;
  const nowMs = self.edges.clock.monotonicMs();
  if (asked?.view === view && asked.memory === memory && nowMs < asked.untilMs) return asked;
  const next = {
    view,
    memory,
    presentBefore: presentWhenAsked(view, memory, nowMs),
    question: questionFor(view, memory, nowMs),
    untilMs: memoryChangesAtMs(memory, settings.knownPortRetentionMs),
  };
  self.asked = next;
  return next;
}

/** The pass with an answer. null: the kernel could not be read, or the answer has become void while it waited for its turn. */
async function passWhenPossible(self: AgentState, fresh: FreshAnswer): Promise<PassReport | null> {
  const { database } = self;
  const report = guarded(self, () => passAtOnce(self, 'poll', fresh));
  if (report !== 'put-off') return report;
  return self.edges.store.inTurn(() =>
    self.stopping || database !== self.database ? null : guarded(self, () => passInTurn(self, 'poll', fresh)),
  );
}

async function workWith(
  self: AgentState,
  { view, presentBefore }: Asked,
  sign: Sign | null,
  answer: Answer,
): Promise<PollOutcome> {
  noteAnswered(self);
  const { servers } = self.edges;
  const wentBack = signAgainst(servers.watermark, answer);
  const fresh = { answer, presentBefore, wentBack, asked: view.observed };
  const { database } = self;
  const report = await passWhenPossible(self, fresh);
  if (report === null) return database === self.database ? 'retry' : 'good';
  settleServers(servers, { trust: self.memory.server, answer, sign });
  await writeStatuses(self, report);
  // After the statuses, which somebody waits for: a disk may take its time.
  keepLastKnownGood(self, answer);
  askWhereNeeded(self, self.memory);
  return 'good';
}

/** The database's failures as values: every other error is a fault of this program and is not caught. */
async function orFailure<Value>(promise: Promise<Value>): Promise<Value | DatabaseError> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof DatabaseError) return error;
    throw error;
  }
}

/** What the call in hand came to, its failure as a value; null when a reload did not wait for it. */
function inHand<Value>(self: AgentState, work: Promise<Value>): Promise<Value | DatabaseError | null> {
  const abandoned = new Promise<null>((settle) => {
    self.abandon = () => settle(null);
  });
  return Promise.race([orFailure(work), abandoned]);
}

function noteAnswered(self: AgentState): void {
  self.everAnswered = true;
  self.runBefore = { kind: 'none' };
  if (self.outage === null) return;
  const { sinceMs, tries } = self.outage;
  self.outage = null;
  self.edges.observer({ kind: 'database-back', downMs: self.edges.clock.monotonicMs() - sinceMs, tries });
}

/** Says it once, counts it, and tells whether to try again (`sql_max_retries`; a schema wrong from the start). */
function noteFailure(self: AgentState, error: DatabaseError): PollOutcome {
  const { observer, clock } = self.edges;
  self.tally.noteFailedPoll();
  if (error.kind === 'schema' && !hasEverServed(self)) return giveUp(self, error, EXIT.misconfigured);
  const tries = (self.outage?.tries ?? 0) + 1;
  observer(
    self.outage === null
      ? { kind: 'database-lost', error: error.message, errorKind: error.kind }
      : { kind: 'database-retry', tries, error: error.message },
  );
  self.outage = { sinceMs: self.outage?.sinceMs ?? clock.monotonicMs(), tries };
  if (tries === 1 && !self.everAnswered) wireFromLastKnownGood(self);
  const { sqlMaxRetries } = self.settings;
  return sqlMaxRetries >= 0 && tries > sqlMaxRetries ? giveUp(self, error, EXIT.unreachable) : 'retry';
}

/** Tables that have served this host, now or before a restart, are restored or upgraded by somebody: an outage like any other. */
const hasEverServed = ({ everAnswered, settings, edges }: AgentState): boolean =>
  everAnswered ||
  settings.database.servers.some((server) => endpointOf(server) === edges.servers.watermark.seen().endpoint);

function giveUp(self: AgentState, error: DatabaseError, code: ExitCode): PollOutcome {
  self.edges.observer({ kind: 'gave-up', error: error.message, tries: self.outage?.tries ?? 1 });
  void shutDown(self, code);
  return 'give-up';
}

async function writeStatuses(self: AgentState, { pass: id, statuses }: PassReport): Promise<void> {
  if (statuses.length === 0 || self.settings.database.readOnly) return;
  self.memory = noteWriting(self.memory, statuses, self.edges.clock.monotonicMs());
  const rows = await inHand(self, self.database.writeStatuses(statuses));
  if (rows === null) return;
  if (rows instanceof DatabaseError) {
    if (!self.stopping) self.edges.observer({ kind: 'statuses-failed', pass: id, error: rows.message });
    return;
  }
  self.memory = settleStatuses(self.memory, statuses);
  self.edges.observer({ kind: 'statuses-written', pass: id, changes: statuses, rows });
}
