import { realClock } from '../agent/clock.js';
import { serverEvents } from '../agent/server-events.js';
import type { PlanEdges } from '../agent/single.js';
import { openJournal } from '../agent/state-dir/journal.js';
import { openServerRecord } from '../agent/state-dir/server-record.js';
import { lookIntoStore, openStore, type StateEvent } from '../agent/state-dir/store.js';
import { openDatabase } from '../database/database.js';
import { endpointOf } from '../database/errors.js';
import { openHeartbeats } from '../database/heartbeat.js';
import { hasNetAdmin, openKernel } from '../kernel/kernel.js';
import {
  type Database,
  DatabaseError,
  databaseFailure,
  EXIT,
  type ExitCode,
  type HeartbeatWriter,
  type Kernel,
  KernelError,
  type Observer,
  type Settings,
  type Store,
  type Watermark,
} from '../model/index.js';
import { complain } from './complain.js';
import type { Output } from './invocation.js';

/** The kernel of this network namespace, to look at. */
export const kernelToSee = (): Kernel => openKernel();

/** The kernel of this network namespace, to change: moves of addresses are written down in `store` while they are under way. */
export const kernelToChange = (store: Store): Kernel => openKernel(openJournal(store));

/** The files in `state_dir`, to keep. `tell` hears of files that cannot be used. */
export const storeFor = ({ stateDir, host }: Settings, tell: (event: StateEvent) => void): Store =>
  openStore(stateDir, host.host, realClock, tell);

export const databaseFor = (settings: Settings, watermark?: Watermark): Database =>
  openDatabase(settings.database, {}, watermark);

/**
 * What a plan is made from, for as long as `work` takes: the kernel and the files in `state_dir` are only looked at, and
 * nothing is kept. `within` may put a limit around the database.
 */
export async function withEdgesToSee<Result>(
  settings: Settings,
  work: (edges: PlanEdges) => Promise<Result>,
  within = (database: Database): Database => database,
): Promise<Result> {
  const kernel = kernelToSee();
  const store = lookIntoStore(settings.stateDir, settings.host.host, realClock);
  const servers = openServerRecord({ ...store, keep: () => {} }, realClock);
  const database = within(databaseFor(settings, servers.watermark));
  try {
    return await work({ kernel, database, clock: realClock, store, servers });
  } finally {
    await database.close();
    await kernel.close();
  }
}

/** A database that tells what happens to its connection. */
export const observedDatabaseFor = (
  { database }: Settings,
  watermark: Watermark,
  observer: Observer,
): Database => openDatabase(database, serverEvents(endpointOf(database.servers[0]), observer), watermark);

export const heartbeatsFor = ({ database }: Settings, watermark: Watermark): HeartbeatWriter =>
  openHeartbeats(database, watermark);

/** Says so and gives the exit code when CAP_NET_ADMIN is missing; null when it is there. */
export function refuseWithoutNetAdmin(output: Output): ExitCode | null {
  if (hasNetAdmin()) return null;
  return complain(output, 'NET_ADMIN_MISSING', 'not permitted: this command needs CAP_NET_ADMIN');
}

/**
 * Runs a command's work and turns the failures of its edges into one sentence and the exit code that belongs to
 * them. Anything else is a fault of this program and is thrown on.
 */
export async function withFailures(output: Output, work: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DatabaseError) return complain(output, databaseFailure(error.kind), error.message);
    if (error instanceof KernelError) {
      return complain(
        output,
        error.kind === 'permission' ? 'NET_ADMIN_MISSING' : 'KERNEL_UNREADABLE',
        error.message,
      );
    }
    throw error;
  }
}

/** A schema that cannot be served has to be changed by somebody; everything else may pass. */
export const exitCodeOf = ({ kind }: DatabaseError): ExitCode =>
  kind === 'schema' ? EXIT.misconfigured : EXIT.unreachable;
