import { realClock } from '../agent/clock.js';
import { openStore } from '../agent/store.js';
import { openDatabase } from '../database/database.js';
import { hasNetAdmin, openKernel } from '../kernel/kernel.js';
import {
  type Database,
  DatabaseError,
  databaseFailure,
  EXIT,
  type ExitCode,
  type HostSettings,
  type Kernel,
  KernelError,
  type Settings,
  type Store,
} from '../model/index.js';
import { complain } from './complain.js';
import type { Output } from './invocation.js';

/** The kernel of this network namespace; routes are read for the interfaces that are mapped now. */
export const kernelFor = (host: () => HostSettings): Kernel =>
  openKernel({ routesOf: (name) => [...host().physicalInterfaces.values()].includes(name) });

/** The files in `state_dir`. */
export const storeFor = ({ stateDir, host }: Settings): Store => openStore(stateDir, host.host, realClock);

export const databaseFor = (settings: Settings): Database => openDatabase(settings.database);

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
