import { Gauge, Registry } from 'prom-client';
import { readRegularFile } from '../files/read-file.js';
import { replaceFile } from '../files/replace-file.js';
import { errorCodeOf } from '../model/index.js';
import { NAME, type Standing, standingGauges } from './gauges.js';

/** One run of `once`. */
export interface OnceRun {
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly exitCode: number;
  /** null: the run ended before anything was known of the host; the gauges about it are left out, rather than at 0. */
  readonly standing: Standing | null;
}

/** What a run writes is a hundredth of it. */
const FILE_BYTES_MAX = 1024 * 1024;

const LAST_SUCCESS = `${NAME}once_last_success_timestamp_seconds`;

/**
 * Writes the run as metrics for node_exporter's textfile collector, the file as a whole or not at all. The time of the
 * last success is carried over from the file before. Throws what the file system says.
 */
export async function writeTextfile(path: string, run: OnceRun): Promise<void> {
  // The collector reads *.prom: a draft of another name is never read.
  replaceFile(path, await render(run, lastSuccessIn(path)), 0o644);
}

function lastSuccessIn(path: string): number {
  try {
    const text = readRegularFile(path, FILE_BYTES_MAX, 'refused').toString('utf8');
    const found = new RegExp(`^${LAST_SUCCESS} (\\S+)$`, 'm').exec(text);
    const seconds = Number(found?.[1] ?? 0);
    return Number.isFinite(seconds) ? seconds : 0;
  } catch (error) {
    // A link is not read, and not replaced either: the writer says so.
    if (['ENOENT', 'ELOOP'].includes(errorCodeOf(error) ?? '')) return 0;
    throw error;
  }
}

/** The exposition. Held removals and failed operations are told by gauges of their own: success is exit code 0. */
function render(run: OnceRun, lastSuccessS: number): Promise<string> {
  const registry = new Registry();
  const set = (name: string, help: string, value: number): void =>
    new Gauge({ name, help, registers: [registry] }).set(value);
  const endS = (run.startedAtMs + run.durationMs) / 1000;
  set(`${NAME}once_last_run_timestamp_seconds`, 'When once ended last, since the epoch.', endS);
  set(
    LAST_SUCCESS,
    'When once ended last with exit code 0, since the epoch; 0: never.',
    run.exitCode === 0 ? endS : lastSuccessS,
  );
  set(`${NAME}once_duration_seconds`, 'How long the last run of once took.', run.durationMs / 1000);
  set(`${NAME}once_exit_code`, 'Exit code of the last run of once.', run.exitCode);
  if (run.standing !== null) standingGauges(registry)(run.standing);
  return registry.metrics();
}
