import type { Agent } from '../agent/agent.js';
import { realClock } from '../agent/clock.js';
import { serveControl } from '../agent/control.js';
import { processEnvironment } from '../config/environment.js';
import { serviceManagerOf } from '../config/service-manager.js';
import { datagramsTo } from '../kernel/netlink/datagram.js';
import { messageOf, type Observer, type Settings } from '../model/index.js';
import { type Log, logObserver } from '../monitoring/log.js';
import { type Notify, startWatchdog, systemdObserver } from '../monitoring/systemd.js';
import { tellEach } from '../monitoring/tell.js';
import { version } from './version.js';

/** Everything through which the running agent is seen: log, systemd, control socket, web server. */
export interface Outside {
  /** Tells all of them. */
  readonly observer: Observer;
  /** Answers questions about the agent. What cannot be opened is told as an event and tried again: the agent works without it. */
  serve(agent: Agent): Promise<void>;
  close(): Promise<void>;
}

/** Opens what listens to the agent's events; nothing is loaded or opened that the settings do not ask for. */
export async function openOutside(settings: Settings, log: Log): Promise<Outside> {
  const { watchdogMs, notify } = serviceManager();
  const listeners = new Set<() => void>();
  const web = await prepareWeb(settings, log.dropped);
  const observer = tellEach([
    logObserver(log.logger),
    systemdObserver(notify, realClock),
    ...(web === null ? [] : [web.observer]),
    () => {
      for (const listener of listeners) listener();
    },
  ]);
  const releasers: (() => Promise<void> | void)[] = [];
  return {
    observer,
    serve: async (agent) => {
      if (watchdogMs !== null) {
        releasers.push(startWatchdog(notify, realClock, watchdogMs, () => agent.lateMs()));
      }
      const { runDir, controlGroup } = settings;
      const handlers = { accept: agent.accept, status: () => agent.status() };
      const failed = (error: unknown): void => observer({ kind: 'control-failed', error: messageOf(error) });
      releasers.push((await serveControl(runDir, controlGroup, handlers, failed)).release);
      if (web === null) return;
      const onChange = (listener: () => void): (() => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      };
      const start = () => web.start(agent, onChange, observer);
      releasers.push(
        await startAtLast(start, (error) => observer({ kind: 'web-failed', error: messageOf(error) })),
      );
    },
    close: async () => {
      for (const release of releasers.toReversed()) await release();
    },
  };
}

/** Whatever keeps a server from its address (an interface that has it later, another program) may pass. */
const TRY_AGAIN_MS = 2_000;

/** Starts a server, if need be after many tries, of which only the first failure is told. Gives what ends it, or the tries. */
async function startAtLast(
  start: () => Promise<() => Promise<void>>,
  onFailure: (error: unknown) => void,
): Promise<() => Promise<void>> {
  let end: (() => Promise<void>) | null = null;
  let cancel = (): void => {};
  let isTold = false;
  const attempt = async (): Promise<void> => {
    try {
      end = await start();
    } catch (error) {
      if (!isTold) onFailure(error);
      isTold = true;
      cancel = realClock.after(TRY_AGAIN_MS, () => {
        tried = attempt();
      });
    }
  };
  let tried = attempt();
  await tried;
  return async () => {
    await tried;
    cancel();
    await end?.();
  };
}

/** What systemd asks for. A notification that nobody takes is lost, as sd_notify(3) wants it. */
function serviceManager(): { notify: Notify; watchdogMs: number | null } {
  const { notifySocket, watchdogMs } = serviceManagerOf(processEnvironment(), process.pid);
  const send = notifySocket === null ? null : datagramsTo(notifySocket);
  return send === null
    ? { notify: () => {}, watchdogMs: null }
    : { notify: (...lines) => void send(lines.join('\n')), watchdogMs };
}

interface PreparedWeb {
  readonly observer: Observer;
  start(
    agent: Agent,
    onChange: (listener: () => void) => () => void,
    observer: Observer,
  ): Promise<() => Promise<void>>;
}

/** Metrics count from the beginning; the server itself begins when there is an agent to show. null: none is asked for. */
async function prepareWeb(
  { webListenAddress, webHostNames, host }: Settings,
  droppedLines: () => number,
): Promise<PreparedWeb | null> {
  if (webListenAddress === null) return null;
  const [{ startWeb }, { startMetrics }, { healthRoutes }, { pageRoutes }] = await Promise.all([
    import('../monitoring/web.js'),
    import('../monitoring/metrics.js'),
    import('../monitoring/health.js'),
    import('../monitoring/page/routes.js'),
  ]);
  const metrics = startMetrics(version, realClock, droppedLines);
  return {
    observer: metrics.observer,
    start: async (agent, onChange, observer) => {
      const onError = (error: unknown): void => observer({ kind: 'web-failed', error: messageOf(error) });
      const routes = [...healthRoutes, metrics.route, ...pageRoutes(realClock)];
      const web = await startWeb({
        address: webListenAddress,
        hostNames: [host.host, ...webHostNames],
        routes,
        status: () => agent.status(),
        onChange,
        onError,
      });
      observer({ kind: 'web-listening', address: web.address });
      return web.close;
    },
  };
}
