import { realClock } from '../agent/clock.js';
import { takeLock } from '../agent/lock.js';
import { applyOnce, type OnceResult } from '../agent/single.js';
import { EXIT, type ExitCode } from '../model/index.js';
import {
  databaseFor,
  exitCodeOf,
  kernelFor,
  refuseWithoutNetAdmin,
  storeFor,
  withFailures,
} from './edges.js';
import type { Invocation } from './invocation.js';
import { reportAsJson, reportAsText } from './report.js';

export interface OnceOptions {
  /** Removals that the guard would hold go ahead. */
  readonly acceptRemovals: boolean;
}

/** `once`: one poll, one apply. Prints nothing when nothing changed and nothing is wrong, as cron likes it. */
export async function once(invocation: Invocation, options: OnceOptions): Promise<ExitCode> {
  const { output } = invocation;
  const refused = refuseWithoutNetAdmin(output);
  if (refused !== null) return refused;
  const lock = await takeLock();
  if (lock === null) {
    output.complain('another agent serves this host (network namespace); it does what once would do');
    return EXIT.alreadyRunning;
  }
  try {
    return await withFailures(output, () => applyAndTell(invocation, options));
  } finally {
    await lock.release();
  }
}

async function applyAndTell({ loaded, json, output }: Invocation, options: OnceOptions): Promise<ExitCode> {
  const { settings } = loaded;
  const kernel = kernelFor(() => settings.host);
  const database = databaseFor(settings);
  try {
    const result = await applyOnce(
      { kernel, database, clock: realClock, store: storeFor(settings) },
      settings,
      options.acceptRemovals,
    );
    const { host } = settings.host;
    if (json) output.print(reportAsJson(host, result.report));
    else if (!isUneventful(result)) output.print(reportAsText(host, result.report, 'done'));
    if (result.statusError !== null) {
      output.complain(`the host is wired, but statuses were not written: ${result.statusError.message}`);
    }
    if (result.stateError !== null)
      output.complain(`the host is wired, but state_dir cannot be written: ${result.stateError}`);
    return onceExitCode(result);
  } finally {
    await database.close();
    await kernel.close();
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
