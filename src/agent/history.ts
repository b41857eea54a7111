import type {
  AgentEvent,
  Change,
  Clock,
  DatabaseStatus,
  Observer,
  PassReport,
  PassSummary,
} from '../model/index.js';

/** What is kept to be shown: enough for a screen, and a bound on memory. */
const PASSES_MAX = 100;
const CHANGES_MAX = 200;

/** What the agent has lived through, told by its own events. */
export interface History {
  readonly note: Observer;
  readonly startedAtMs: number;
  /** Without the server's identity, which no event tells. */
  database(): Omit<DatabaseStatus, 'server'>;
  generation(): string | null;
  lastPass(): PassSummary | null;
  /** The newest first: passes that changed something or failed, and the last one. */
  passes(): readonly PassSummary[];
  /** The newest first. */
  changes(): readonly Change[];
}

/** Starts with an empty history. An event costs no more than what it brings. */
export function startHistory(clock: Clock): History {
  const startedAtMs = clock.wallMs();
  let database: Omit<DatabaseStatus, 'server'> = {
    state: 'not-asked-yet',
    sinceMs: startedAtMs,
    lastGoodPollAtMs: null,
    error: null,
    failedPolls: 0,
  };
  let generation: string | null = null;
  let last: PassSummary | null = null;
  const eventful: PassSummary[] = [];
  const changes: Change[] = [];

  const notePass = (report: PassReport): void => {
    const atMs = clock.wallMs();
    last = summaryOf(report, atMs);
    if (last.operations + last.failed > 0) append(eventful, [last], PASSES_MAX - 1);
    append(changes, changesOf(report, atMs), CHANGES_MAX);
    if (report.generation === null) return;
    generation = report.generation;
    database = {
      ...database,
      state: 'up',
      sinceMs: database.state === 'up' ? database.sinceMs : atMs,
      lastGoodPollAtMs: atMs,
      error: null,
    };
  };
  const noteFailure = (error: string): void => {
    const sinceMs = database.state === 'down' ? database.sinceMs : clock.wallMs();
    database = { ...database, state: 'down', sinceMs, error, failedPolls: database.failedPolls + 1 };
  };
  const note = (event: AgentEvent): void => {
    if (event.kind === 'pass') notePass(event.report);
    else if (event.kind === 'database-lost' || event.kind === 'database-retry') noteFailure(event.error);
  };
  return {
    note,
    startedAtMs,
    database: () => database,
    generation: () => generation,
    lastPass: () => last,
    passes: () => {
      const newestFirst = eventful.toReversed();
      return last === null || newestFirst[0] === last ? newestFirst : [last, ...newestFirst];
    },
    changes: () => changes.toReversed(),
  };
}

function summaryOf(
  { pass, trigger, timings, operations, failed, held, pending, inSync }: PassReport,
  atMs: number,
): PassSummary {
  const durationMs = Object.values(timings).reduce((sum, ms) => sum + ms, 0);
  return {
    pass,
    trigger,
    atMs,
    durationMs,
    operations: operations.length,
    failed: failed.length,
    held: held.length,
    pending,
    inSync,
  };
}

/** One pass of a large host may bring more than is kept: only what is kept is made. */
function changesOf({ pass, operations, failed }: PassReport, atMs: number): Change[] {
  const done = operations.map((operation) => ({ operation, error: null }));
  const refused = failed.map(({ operation, failure }) => ({
    operation,
    error: `${failure.errno}: ${failure.message}`,
  }));
  return [...done, ...refused].slice(-CHANGES_MAX).map(({ operation, error }) => ({
    atMs,
    pass,
    op: operation.op,
    device: operation.device,
    network: operation.network,
    port: operation.port ?? null,
    reason: operation.reason,
    error,
  }));
}

/** Adds at the end and forgets at the beginning. */
function append<Item>(list: Item[], items: readonly Item[], max: number): void {
  if (items.length === 0) return;
  list.push(...items);
  if (list.length > max) list.splice(0, list.length - max);
}
