import { type Logger, pino } from 'pino';
import type { AgentEvent, Observer, PassReport, Settings, Warning } from '../model/index.js';

/** How many warnings of one pass are logged one by one; a flood is told by its number. */
const WARNINGS_LOGGED_MAX = 50;

/** A pino logger on stderr: JSON, or readable on a terminal (or when `log_format` says so). */
export async function openLog({
  logLevel,
  logFormat,
}: Pick<Settings, 'logLevel' | 'logFormat'>): Promise<Logger> {
  const pretty = logFormat === 'pretty' || (logFormat === 'auto' && process.stderr.isTTY === true);
  const options = { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!pretty) return pino(options, pino.destination({ dest: 2, sync: true }));
  const { default: prettyStream } = await import('pino-pretty');
  return pino(options, prettyStream({ destination: 2, sync: true, ignore: 'pid,hostname' }));
}

/**
 * Writes what the agent tells as log lines: one line per pass that changed something, one per warning when it
 * appears and when it is cured, silence otherwise. Messages are constant, what varies is in the fields.
 */
export function logObserver(log: Logger): Observer {
  let active = new Map<string, Warning>();
  let held = '';
  return (event) => {
    if (event.kind !== 'pass') {
      const [level, fields, message] = lineOf(event);
      log[level](fields, message);
      return;
    }
    const { report } = event;
    logPass(log, report);
    if (report.trigger === 'kernel') return;
    active = logWarnings(log, report, active);
    held = logHeld(log, report, held);
  };
}

function logPass(log: Logger, { pass, trigger, operations, failed, timings }: PassReport): void {
  const fields = { pass, trigger };
  if (operations.length > 0) {
    const counts: Record<string, number> = {};
    for (const { op } of operations) counts[op] = (counts[op] ?? 0) + 1;
    log.info({ ...fields, operations: operations.length, counts, timings }, 'host changed');
  }
  for (const operation of operations) {
    const { op, device, reason, network, port } = operation;
    log.debug({ ...fields, op, device, reason, network, port }, 'operation done');
  }
  for (const { operation, failure } of failed.slice(0, WARNINGS_LOGGED_MAX)) {
    const { op, device, reason, network, port } = operation;
    const { errno, message } = failure;
    log.error({ ...fields, op, device, errno, error: message, reason, network, port }, 'operation failed');
  }
}

const keyOf = ({ code, port, network, device }: Warning): string =>
  [code, port ?? '', network ?? '', device ?? ''].join(' ');

function logWarnings(
  log: Logger,
  { pass, warnings }: PassReport,
  active: Map<string, Warning>,
): Map<string, Warning> {
  const now = new Map(
    warnings.filter(({ code }) => code !== 'REMOVALS_HELD').map((one) => [keyOf(one), one]),
  );
  const appeared = [...now].filter(([key]) => !active.has(key));
  for (const [, { code, message, port, network, device }] of appeared.slice(0, WARNINGS_LOGGED_MAX)) {
    log.warn({ pass, code, detail: message, port, network, device }, 'warning');
  }
  if (appeared.length > WARNINGS_LOGGED_MAX) {
    log.warn({ pass, warnings: appeared.length - WARNINGS_LOGGED_MAX }, 'more warnings, see plan');
  }
  const cured = [...active].filter(([key]) => !now.has(key)).slice(0, WARNINGS_LOGGED_MAX);
  for (const [, { code, port, network, device }] of cured) {
    log.info({ pass, code, port, network, device }, 'warning cured');
  }
  return now;
}

function logHeld(log: Logger, { pass, held }: PassReport, before: string): string {
  const now = held.map(({ key }) => key).join('\n');
  if (now === before) return now;
  if (held.length === 0) log.info({ pass }, 'no removals are held any more');
  else {
    const devices = held.slice(0, WARNINGS_LOGGED_MAX).map(({ device }) => device);
    log.warn({ pass, held: held.length, devices, reason: held[0]?.reason }, 'removals held, see accept');
  }
  return now;
}

type Line = readonly [level: 'debug' | 'info' | 'warn' | 'error' | 'fatal', fields: object, message: string];

function lineOf(event: Exclude<AgentEvent, { kind: 'pass' }>): Line {
  switch (event.kind) {
    case 'started':
      return ['info', { host: event.host, version: event.version }, 'agent started'];
    case 'database-lost':
      return [
        'error',
        { error: event.error, kind: event.errorKind },
        'database lost, the data plane stays as it is',
      ];
    case 'database-retry':
      return ['debug', { error: event.error, tries: event.tries }, 'database still down'];
    case 'database-back':
      return ['info', { downMs: Math.round(event.downMs), tries: event.tries }, 'database is back'];
    case 'gave-up':
      return ['fatal', { error: event.error, tries: event.tries }, 'gave up'];
    case 'statuses-written':
      return [
        'info',
        { pass: event.pass, changes: event.changes.length, rows: event.rows },
        'statuses written',
      ];
    case 'statuses-failed':
      return [
        'warn',
        { pass: event.pass, error: event.error },
        'statuses not written, they are written later',
      ];
    case 'kernel-failed':
      return ['error', { error: event.error }, 'the kernel could not be read, nothing was changed'];
    case 'recovered':
      return [
        'warn',
        { ports: event.ports, ageS: Math.round(event.ageMs / 1000) },
        'no database answers yet, wired from the last known good answer',
      ];
    case 'not-recovered':
      return [
        'warn',
        { reason: event.why },
        'no database answers yet, and the last known good answer is refused',
      ];
    case 'state-failed':
      return ['error', { error: event.error }, 'the last known good answer could not be kept in state_dir'];
    case 'control-failed':
      return [
        'error',
        { error: event.error },
        'no control socket, accept and status cannot reach this agent',
      ];
    case 'reloaded':
      return ['info', { warnings: event.warnings }, 'settings read again'];
    case 'reload-refused':
      return ['error', { problems: event.problems }, 'settings are wrong, the old ones stay'];
    case 'accepted':
      return ['warn', { removals: event.removals }, 'held removals accepted'];
    case 'summary':
      return ['info', { ...event.summary }, 'summary of the last hour'];
    case 'stopping':
      return ['info', { signal: event.signal }, 'stopping, the data plane stays as it is'];
  }
}
