import {
  type Clock,
  type Database,
  DatabaseError,
  type Kernel,
  type Settings,
  type StatusChange,
} from '../model/index.js';
import type { Confirmation } from '../reconcile/guard.js';
import { EMPTY_MEMORY, type Memory } from '../reconcile/memory.js';
import { questionFor } from '../reconcile/question.js';
import { viewOf } from '../reconcile/view.js';
import { makeFolder, readState, statePath, writeState } from './folders.js';
import { type PassResult, runPass } from './pass.js';

/** The edges of a single pass. */
export interface SingleEdges {
  readonly kernel: Kernel;
  readonly database: Database;
  readonly clock: Clock;
}

export interface OnceResult extends PassResult {
  /** Why the statuses could not be written, although the host was brought in sync; null when they were. */
  readonly statusError: DatabaseError | null;
}

/**
 * What one poll and one apply would do, without doing it. libvirt's time to plug a tap counts as over. Throws
 * DatabaseError and KernelError.
 */
export async function planOnce(edges: SingleEdges, settings: Settings): Promise<PassResult> {
  const patient = { ...settings, host: { ...settings.host, plugGraceMs: 0 } };
  return single(edges, patient, readMemory(settings), { apply: false, acceptRemovals: false });
}

/**
 * One poll and one apply, then the statuses. When libvirt may still plug a tap itself, waits that long and looks again.
 * The guard's confirmations are kept in `state_dir` between runs. Throws DatabaseError and KernelError.
 */
export async function applyOnce(
  edges: SingleEdges,
  settings: Settings,
  acceptRemovals: boolean,
): Promise<OnceResult> {
  let result = await single(edges, settings, readMemory(settings), { apply: true, acceptRemovals });
  if (result.wakeAtMs !== null) {
    const delayMs = result.wakeAtMs - edges.clock.monotonicMs();
    await new Promise<void>((settle) => edges.clock.after(delayMs, settle));
    const again = await single(edges, settings, result.memory, { apply: true, acceptRemovals });
    result = {
      ...again,
      report: { ...again.report, operations: [...result.report.operations, ...again.report.operations] },
    };
  }
  keepConfirmation(settings, result.memory.confirmation);
  const statusError = await write(edges.database, settings, result.report.statuses);
  return { ...result, statusError };
}

interface Manner {
  readonly apply: boolean;
  readonly acceptRemovals: boolean;
}

async function single(
  { kernel, database, clock }: SingleEdges,
  settings: Settings,
  memory: Memory,
  { apply, acceptRemovals }: Manner,
): Promise<PassResult> {
  const view = viewOf(kernel.observe(), settings.host);
  const presentBefore = new Set(view.observed.links.keys());
  const answer = await database.read(questionFor(view, memory, clock.monotonicMs()));
  return runPass(kernel, clock, {
    pass: `${process.pid}-1`,
    trigger: 'command',
    settings,
    memory,
    fresh: { answer, presentBefore },
    accepted: acceptRemovals ? 'all' : 'remembered',
    apply,
  });
}

async function write(
  database: Database,
  settings: Settings,
  statuses: readonly StatusChange[],
): Promise<DatabaseError | null> {
  if (statuses.length === 0 || settings.database.readOnly) return null;
  try {
    await database.writeStatuses(statuses);
    return null;
  } catch (error) {
    if (error instanceof DatabaseError) return error;
    throw error;
  }
}

const confirmationPath = (settings: Settings): string => statePath(settings.stateDir, 'guard');

/** A single pass remembers only how often the same removals were asked for. */
function readMemory(settings: Settings): Memory {
  return { ...EMPTY_MEMORY, confirmation: asConfirmation(readState(confirmationPath(settings))) };
}

function asConfirmation(value: unknown): Confirmation | null {
  if (typeof value !== 'object' || value === null) return null;
  const { fingerprint, polls, sinceMs } = value as Partial<Record<keyof Confirmation, unknown>>;
  return typeof fingerprint === 'string' && typeof polls === 'number' && typeof sinceMs === 'number'
    ? { fingerprint, polls, sinceMs }
    : null;
}

function keepConfirmation(settings: Settings, confirmation: Confirmation | null): void {
  makeFolder(settings.stateDir);
  writeState(confirmationPath(settings), confirmation);
}
