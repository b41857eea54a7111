import { realClock } from '../agent/clock.js';
import { takeLock } from '../agent/lock.js';
import type { ExitCode } from '../model/index.js';
import { complain } from './complain.js';
import type { Output } from './invocation.js';
import { refuseWithoutNetAdmin, withFailures } from './open-parts.js';

/**
 * Runs the work of a command that changes the host, as the only one in this network namespace, and turns the failures of
 * its edges into sentences. Exit code 69 when an agent is there already, 77 without CAP_NET_ADMIN, else that of the work.
 */
export async function alone(output: Output, work: () => Promise<ExitCode>): Promise<ExitCode> {
  const refused = refuseWithoutNetAdmin(output);
  if (refused !== null) return refused;
  return withFailures(output, async () => {
    // biome-ignore lint/nursery/noJsRestrictedProperties: a command hands in the chance
    const lock = await takeLock(realClock, Math.random);
    if (lock.kind === 'taken') {
      const message = `another agent serves this host (network namespace): ${lock.by}`;
      return complain(output, 'AGENT_RUNS_ALREADY', message);
    }
    try {
      return await work();
    } finally {
      lock.release();
    }
  });
}
