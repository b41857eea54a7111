import { startAgent } from '../agent/agent.js';
import { realClock } from '../agent/clock.js';
import { startHeart } from '../agent/heartbeat.js';
import { inPatience } from '../agent/patience.js';
import { settleInterruptedMove } from '../agent/state-dir/journal.js';
import { openServerRecord } from '../agent/state-dir/server-record.js';
import type { LoadedSettings, LoadResult } from '../config/load.js';
import { describeProblem } from '../config/problem.js';
import { reloaded } from '../config/reload.js';
import { otherAgents } from '../kernel/facts.js';
import type { ExitCode, HeartbeatWriter, SelfSeen, Settings } from '../model/index.js';
import { openLog } from '../monitoring/log.js';
import { alone } from './alone.js';
import { catchStray } from './end-process.js';
import type { Invocation } from './invocation.js';
import { openOutside } from './open-monitoring.js';
import { heartbeatsFor, kernelToChange, observedDatabaseFor, storeFor } from './open-parts.js';
import { otherAgentResults } from './preflight.js';
import { version } from './version.js';

/** `run`: the daemon. Ends by a signal (0), out of retries (75), or when it may not start (69, 77, 78). */
export const run = ({ loaded, output }: Invocation, loadAgain: () => LoadResult): Promise<ExitCode> =>
  alone(output, () => serve(loaded, loadAgain));

async function serve(loaded: LoadedSettings, loadAgain: () => LoadResult): Promise<ExitCode> {
  let { settings } = loaded;
  const log = await openLog(settings, realClock);
  const outside = await openOutside(settings, log);
  const { observer } = outside;
  const seen = (): SelfSeen => agent.seen();
  const store = storeFor(settings, observer);
  const servers = openServerRecord(store, realClock);
  const { watermark } = servers;
  const openHeartbeats = (now: Settings): HeartbeatWriter => heartbeatsFor(now, watermark);
  const onFault = (thrown: unknown): void => agent.fault('heartbeat', thrown);
  const heart = startHeart({ openHeartbeats, clock: realClock, observer, seen, onFault }, settings);
  const stop = (signal: string): void => {
    observer({ kind: 'stopping', signal });
    void agent.stop();
  };
  const reload = (): void => {
    observer({ kind: 'reloading' });
    const result = loadAgain();
    if (!result.ok) {
      observer({ kind: 'reload-refused', problems: result.problems.map(describeProblem) });
      return;
    }
    const next = reloaded(settings, result.loaded.settings);
    settings = next.settings;
    log.logger.level = settings.logLevel;
    agent.reload(settings);
    heart.reload(settings);
    if (next.waiting.length > 0) observer({ kind: 'restart-needed', settings: next.waiting });
    observer({ kind: 'reloaded', warnings: result.loaded.warnings });
  };
  // Until here a signal ends the process as it ends any other. None is handled before the next await, when there is an agent.
  const releaseSignals = onSignals(stop, reload);
  observer({ kind: 'started', host: settings.host.host, version });
  for (const { code, message } of [...loaded.warnings, ...otherAgentResults(otherAgents())])
    log.logger.warn({ code, detail: message }, 'warning');
  settleInterruptedMove(store, observer);
  const kernel = kernelToChange(store);
  const agent = startAgent(
    {
      kernel,
      openDatabase: (now) => observedDatabaseFor(now, watermark, observer),
      clock: realClock,
      store,
      servers,
      observer: (event) => {
        observer(event);
        heart.note(event);
      },
      // biome-ignore lint/nursery/noJsRestrictedProperties: a command hands in the chance
      random: Math.random,
      version,
    },
    settings,
  );
  catchStray((thrown) => agent.fault('elsewhere', thrown));
  try {
    await outside.serve(agent);
    return await agent.ended;
  } finally {
    releaseSignals();
    await inPatience(realClock, Promise.all([heart.stop(), outside.close()]), PATIENCE_AT_END_MS);
    await log.flush(LOG_LIMIT_MS);
  }
}

/** How long the end waits for the last heartbeat and for clients that were asked to go. */
const PATIENCE_AT_END_MS = 1_500;
/** And for a reader of the log. */
const LOG_LIMIT_MS = 500;

/** SIGTERM and SIGINT end the agent, SIGHUP reads the settings again. Gives what takes the handlers off. */
function onSignals(stop: (signal: string) => void, reload: () => void): () => void {
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', reload);
  return () => {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
    process.off('SIGHUP', reload);
  };
}
