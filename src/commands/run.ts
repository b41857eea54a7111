import { startAgent } from '../agent/agent.js';
import { realClock } from '../agent/clock.js';
import { serveControl } from '../agent/control.js';
import { type Lock, takeLock } from '../agent/lock.js';
import type { LoadedSettings, LoadResult } from '../config/load.js';
import { EXIT, type ExitCode, type Observer } from '../model/index.js';
import { logObserver, openLog } from '../monitoring/log.js';
import { databaseFor, kernelFor, refuseWithoutNetAdmin, storeFor, withFailures } from './edges.js';
import type { Invocation } from './invocation.js';
import { version } from './version.js';

/** `run`: the daemon. Ends by a signal (0), out of retries (75), or when it may not start (69, 77, 78). */
export async function run({ loaded, output }: Invocation, loadAgain: () => LoadResult): Promise<ExitCode> {
  const refused = refuseWithoutNetAdmin(output);
  if (refused !== null) return refused;
  const lock = await takeLock();
  if (lock === null) {
    output.complain('another agent serves this host (network namespace)');
    return EXIT.alreadyRunning;
  }
  try {
    return await withFailures(output, () => serve(loaded, loadAgain));
  } finally {
    await lock.release();
  }
}

async function serve(loaded: LoadedSettings, loadAgain: () => LoadResult): Promise<ExitCode> {
  let { settings } = loaded;
  const log = await openLog(settings);
  const observer = logObserver(log);
  for (const warning of loaded.warnings) log.warn({ code: warning.code, detail: warning.message }, 'warning');
  const kernel = kernelFor(() => settings.host);
  const agent = startAgent(
    {
      kernel,
      openDatabase: databaseFor,
      clock: realClock,
      store: storeFor(settings),
      observer,
      random: Math.random,
    },
    settings,
  );
  const control = await openControl(settings.runDir, { accept: () => agent.accept() }, observer);
  const releaseSignals = onSignals(
    (signal) => {
      observer({ kind: 'stopping', signal });
      void agent.stop();
    },
    () => {
      const result = loadAgain();
      if (!result.ok) {
        const problems = result.problems.map(({ setting, wrong }) => `${setting} ${wrong}`);
        observer({ kind: 'reload-refused', problems });
        return;
      }
      settings = result.loaded.settings;
      agent.reload(settings);
      observer({ kind: 'reloaded', warnings: result.loaded.warnings });
    },
  );
  observer({ kind: 'started', host: settings.host.host, version });
  try {
    return await agent.ended;
  } finally {
    releaseSignals();
    await control?.release();
  }
}

/** Without a socket the agent works all the same; only `accept` and `status` cannot reach it. */
async function openControl(
  runDir: string,
  handlers: Parameters<typeof serveControl>[1],
  observer: Observer,
): Promise<Lock | null> {
  try {
    return await serveControl(runDir, handlers);
  } catch (error) {
    observer({ kind: 'control-failed', error: error instanceof Error ? error.message : String(error) });
    return null;
  }
}

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
