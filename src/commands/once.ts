import { realClock } from '../agent/clock.js';
import { type Deadline, startDeadline, withDeadline } from '../agent/deadline.js';
import { beatOnce } from '../agent/heartbeat.js';
import { applyOnce, type OnceResult } from '../agent/single.js';
import { type MoveEvent, settleInterruptedMove } from '../agent/state-dir/journal.js';
import { openServerRecord } from '../agent/state-dir/server-record.js';
import type { StateEvent } from '../agent/state-dir/store.js';
import {
  DatabaseError,
  EXIT,
  type ExitCode,
  FAILURES,
  messageOf,
  type SelfSeen,
  type Settings,
  type Watermark,
} from '../model/index.js';
import type { Standing } from '../monitoring/gauges.js';
import { viewOf } from '../reconcile/see/view.js';
import { overviewOf } from '../reconcile/tell/overview.js';
import { seenOf } from '../reconcile/tell/seen.js';
import { alone } from './alone.js';
import { complain } from './complain.js';
import type { Invocation, Output } from './invocation.js';
import { databaseFor, exitCodeOf, heartbeatsFor, kernelToChange, storeFor } from './open-parts.js';
import { reportAsJson, reportAsText } from './report.js';

/** How long the end waits for the disk, which has nothing to do with the host any more. */
const FLUSH_LIMIT_MS = 3_000;

export interface OnceOptions {
  /** Removals that the guard would hold go ahead. */
  readonly acceptRemovals: boolean;
  /** Where metrics of the run are written for node_exporter; null: nowhere. */
  readonly textfile: string | null;
  /** The database is waited for no longer; null: until its own limits. */
  readonly timeoutMs: number | null;
}

/** `once`: one poll, one apply. Prints nothing when nothing changed and nothing is wrong, as cron likes it. */
export async function once(invocation: Invocation, options: OnceOptions): Promise<ExitCode> {
  let standing: Standing | null = null;
  const startedAtMs = realClock.wallMs();
  const startedMs = realClock.monotonicMs();
  const note = (found: Standing): void => {
    standing = found;
  };
  const exitCode = await alone(invocation.output, () => applyAndTell(invocation, options, note));
  if (options.textfile === null) return exitCode;
  const durationMs = realClock.monotonicMs() - startedMs;
  const { writeTextfile } = await import('../monitoring/textfile.js');
  try {
    await writeTextfile(options.textfile, { startedAtMs, durationMs, exitCode, standing });
    return exitCode;
  } catch (error) {
    const why = messageOf(error);
    const failed = complain(
      invocation.output,
      'TEXTFILE_NOT_WRITTEN',
      `${options.textfile} was not written: ${why}`,
    );
    return exitCode === EXIT.ok || exitCode === EXIT.held ? failed : exitCode;
  }
}

async function applyAndTell(
  { loaded, json, output }: Invocation,
  { acceptRemovals, timeoutMs }: OnceOptions,
  note: (standing: Standing) => void,
): Promise<ExitCode> {
  const settings = timeoutMs === null ? loaded.settings : within(loaded.settings, timeoutMs);
  const tell = (event: MoveEvent | StateEvent): void => {
    if (event.kind !== 'state-kept') output.complain(sentenceOf(event));
  };
  const store = storeFor(settings, tell);
  settleInterruptedMove(store, tell);
  const kernel = kernelToChange(store);
  const servers = openServerRecord(store, realClock);
  const opened = databaseFor(settings, servers.watermark);
  const deadline = timeoutMs === null ? null : startDeadline(realClock, timeoutMs);
  const database = deadline === null ? opened : withDeadline(opened, deadline);
  try {
    const edges = { kernel, database, clock: realClock, store, servers };
    const result = await applyOnce(edges, settings, acceptRemovals);
    const { host } = settings.host;
    const { report } = result;
    const lastPass = { pending: report.pending, failed: report.failed.length, inSync: report.inSync };
    const view = viewOf(kernel.observe(), settings.host);
    const overview = overviewOf(view, result);
    note({ ...overview, held: report.held, warnings: report.warnings, lastPass });
    if (json) output.print(reportAsJson(host, report));
    else if (!isUneventful(result)) output.print(reportAsText(host, report, 'done'));
    if (result.statusError !== null) {
      const why = result.statusError.message;
      complain(output, 'STATUSES_NOT_WRITTEN', `the host is wired, but statuses were not written: ${why}`);
    } else await beat({ settings, deadline, output, watermark: servers.watermark }, seenOf(view));
    return onceExitCode(result);
  } finally {
    await store.flush(FLUSH_LIMIT_MS);
    await database.close();
    await kernel.close();
  }
}

interface Beat {
  readonly settings: Settings;
  readonly deadline: Deadline | null;
  readonly output: Output;
  readonly watermark: Watermark;
}

/** Tells the servers that this host is served; they take it for dead after 75 s, so that cron has to run every minute. */
async function beat({ settings, deadline, output, watermark }: Beat, seen: SelfSeen): Promise<void> {
  const writer = heartbeatsFor(settings, watermark);
  const work = (): Promise<void> => beatOnce(writer, settings, seen);
  try {
    await (deadline === null ? work() : deadline.inTime(work));
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    complain(
      output,
      'HEARTBEAT_NOT_WRITTEN',
      `the host is wired, but its heartbeat was not written: ${error.message}`,
    );
  } finally {
    await writer.close();
  }
}

/** libvirt's time to plug a tap is waited for too, and must end in time. */
const within = (settings: Settings, timeoutMs: number): Settings => ({
  ...settings,
  host: { ...settings.host, plugGraceMs: Math.min(settings.host.plugGraceMs, timeoutMs) },
});

function sentenceOf(event: MoveEvent | Exclude<StateEvent, { kind: 'state-kept' }>): string {
  switch (event.kind) {
    case 'state-unusable':
      return [
        `STATE_UNUSABLE: ${event.why}`,
        ...(event.putAsideAs === null ? [] : [`put aside as ${event.putAsideAs}`]),
        FAILURES.STATE_UNUSABLE.remedy,
      ].join('\n  ');
    case 'state-failed':
      return `STATE_NOT_KEPT: what is known could not be kept in state_dir: ${event.error}\n  ${FAILURES.STATE_NOT_KEPT.remedy}`;
    case 'move-not-settled':
      return `a move of addresses that was cut short could not be ended: ${event.why}`;
    case 'move-settled':
      return event.how === 'completed'
        ? 'a move of addresses that was cut short has been completed'
        : 'a move of addresses that was cut short has been taken back';
  }
}

/** Lasting warnings alone are not news: `plan` and the log of the daemon tell them. */
const isUneventful = ({ report }: OnceResult): boolean =>
  report.inSync && report.operations.length + report.failed.length + report.statuses.length === 0;

function onceExitCode({ report, statusError }: OnceResult): ExitCode {
  if (statusError !== null) return statusError.kind === 'unreachable' ? exitCodeOf(statusError) : EXIT.failed;
  if (report.failed.length > 0) return EXIT.failed;
  return report.held.length > 0 ? EXIT.held : EXIT.ok;
}
