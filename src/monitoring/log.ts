import { type Logger, pino } from 'pino';
import {
  type AgentEvent,
  brief,
  type Clock,
  fingerprintOf,
  harmless,
  type Observer,
  type PassReport,
  type Settings,
  visible,
  type Warning,
} from '../model/index.js';
import { fieldsOf, lineOf } from './log-lines.js';
import { openSink } from './sink.js';

/** How many warnings of one pass are logged one by one; a flood is told by its number. */
const WARNINGS_LOGGED_MAX = 50;

/** The log of the running agent. */
export interface Log {
  readonly logger: Logger;
  /** Lines that were dropped so far because nobody took them. */
  dropped(): number;
  /** Waits, at most `limitMs`, until every line is written. */
  flush(limitMs: number): Promise<void>;
}

/** A pino logger on stderr: JSON, or readable on a terminal (or when `log_format` says so). It never blocks. */
export async function openLog(
  { logLevel, logFormat }: Pick<Settings, 'logLevel' | 'logFormat'>,
  clock: Clock,
): Promise<Log> {
  const sink = openSink(2, clock, (lines) => logger.warn({ lines }, 'lines of the log were dropped'));
  const isPretty = logFormat === 'pretty' || (logFormat === 'auto' && process.stderr.isTTY === true);
  const pretty = isPretty ? (await import('pino-pretty')).prettyFactory({ ignore: 'pid,hostname' }) : null;
  // What came from rows and devices must not steer the terminal, nor whatever shows the log of the service.
  const log = isPretty ? visible<Record<string, unknown>> : brief<Record<string, unknown>>;
  const options = {
    level: logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { log },
  };
  const write = (line: string): void => sink.write(pretty === null ? harmless(line) : pretty(line));
  const logger = pino(options, { write });
  return { logger, dropped: sink.dropped, flush: sink.flush };
}

/**
 * Writes what the agent tells as log lines: one line per pass that changed something; what lasts (a warning, a failure,
 * held removals) when it appears and when it is over; silence otherwise. Messages are constant, what varies is in the
 * fields.
 */
export function logObserver(log: Logger): Observer {
  let active = new Map<string, Warning>();
  let failing: ReadonlySet<string> = new Set();
  let held = '';
  let last: PassReport | null = null;
  const repeats = startRepeats();
  return (event) => {
    if (event.kind !== 'pass') {
      if (repeats.isRepeat(event)) return;
      const [level, message, code] = lineOf(event);
      const told = 'pass' in event ? log.child({ pass: event.pass }) : log;
      told[level]({ code, ...fieldsOf(event) }, message);
      return;
    }
    const { report } = event;
    repeats.notePass(report);
    // At rest: a child logger alone costs a tenth of such a pass.
    if (last !== null && isAsLast(report, last)) return;
    last = report.trigger === 'kernel' ? null : report;
    const ofPass = log.child({ pass: report.pass });
    logChanges(ofPass, report);
    failing = logFailures(ofPass, report, failing);
    // A pass that worked from memory knows of no row, and cures nothing.
    if (report.trigger === 'kernel') return;
    active = logWarnings(ofPass, report, active);
    held = logHeld(ofPass, report, held);
  };
}

/** What nothing has changed about is the same object, see `nothingHasChanged`. */
const isAsLast = (now: PassReport, last: PassReport): boolean =>
  now.operations.length === 0 &&
  now.failed === last.failed &&
  now.warnings === last.warnings &&
  now.held === last.held;

/** Tells the failures that come again with every poll from those that are news. */
function startRepeats(): { isRepeat(event: AgentEvent): boolean; notePass(report: PassReport): void } {
  let kernel: string | null = null;
  let statuses: string | null = null;
  return {
    isRepeat: (event) => {
      if (event.kind === 'kernel-failed') {
        const before = kernel;
        kernel = event.error;
        return before === event.error;
      }
      if (event.kind === 'statuses-written') statuses = null;
      if (event.kind !== 'statuses-failed') return false;
      const before = statuses;
      statuses = event.error;
      return before === event.error;
    },
    notePass: ({ trigger, statuses: wanted }) => {
      kernel = null;
      if (trigger !== 'kernel' && wanted.length === 0) statuses = null;
    },
  };
}

function logChanges(log: Logger, { trigger, operations, timings }: PassReport): void {
  if (operations.length > 0) {
    const counts: Record<string, number> = {};
    for (const { op } of operations) counts[op] = (counts[op] ?? 0) + 1;
    log.info({ trigger, operations: operations.length, counts, timings: rounded(timings) }, 'host changed');
  }
  for (const operation of operations) {
    const { op, device, reason, network, port } = operation;
    log.debug({ trigger, op, device, reason, network, port }, 'operation done');
  }
}

const rounded = (timings: PassReport['timings']): Record<string, number> =>
  Object.fromEntries(Object.entries(timings).map(([stage, ms]) => [stage, Math.round(ms * 1000) / 1000]));

/** Says each failure once, until a poll does without it. Gives the ones that last. */
function logFailures(
  log: Logger,
  { trigger, failed }: PassReport,
  before: ReadonlySet<string>,
): ReadonlySet<string> {
  const now = new Map(
    failed
      // What was not even tried only repeats the failure before it.
      .filter(({ failure }) => failure.errno !== 'SKIPPED')
      .map((one) => [`${one.operation.op} ${one.operation.device} ${one.failure.errno}`, one]),
  );
  const news = [...now].filter(([key]) => !before.has(key));
  for (const [, { operation, failure }] of news.slice(0, WARNINGS_LOGGED_MAX)) {
    const { op, device, reason, network, port } = operation;
    const { errno, message } = failure;
    log.error(
      { trigger, op, device, errno, error: message, reason, network, port },
      'operation failed, it is tried again',
    );
  }
  if (news.length > WARNINGS_LOGGED_MAX)
    log.error({ failures: news.length - WARNINGS_LOGGED_MAX }, 'more operations failed, see plan');
  if (trigger === 'kernel') return new Set([...before, ...now.keys()]);
  const over = [...before].filter((key) => !now.has(key)).length;
  if (over > 0) log.info({ failures: over, left: now.size }, 'operations no longer fail');
  return new Set(now.keys());
}

const keyOf = ({ code, port, network, device }: Warning): string =>
  [code, port ?? '', network ?? '', device ?? ''].join(' ');

function logWarnings(
  log: Logger,
  { warnings }: PassReport,
  active: Map<string, Warning>,
): Map<string, Warning> {
  const now = new Map(
    warnings.filter(({ code }) => code !== 'REMOVALS_HELD').map((one) => [keyOf(one), one]),
  );
  const appeared = [...now].filter(([key]) => !active.has(key));
  for (const [, { code, message, port, network, device }] of appeared.slice(0, WARNINGS_LOGGED_MAX)) {
    log.warn({ code, detail: message, port, network, device }, 'warning');
  }
  if (appeared.length > WARNINGS_LOGGED_MAX) {
    log.warn({ warnings: appeared.length - WARNINGS_LOGGED_MAX }, 'more warnings, see plan');
  }
  const cured = [...active].filter(([key]) => !now.has(key)).slice(0, WARNINGS_LOGGED_MAX);
  for (const [, { code, port, network, device }] of cured) {
    log.info({ code, port, network, device }, 'warning cured');
  }
  return now;
}

function logHeld(log: Logger, { held }: PassReport, before: string): string {
  const now = held.map(({ key }) => key).join('\n');
  if (now === before) return now;
  if (held.length === 0) log.info('no removals are held any more');
  else {
    const devices = [...new Set(held.map(({ device }) => device))].slice(0, WARNINGS_LOGGED_MAX);
    const fingerprint = fingerprintOf(held);
    log.warn(
      { held: held.length, devices, reason: held[0]?.reason, fingerprint },
      'removals held, see accept',
    );
  }
  return now;
}
