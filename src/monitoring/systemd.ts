import { type AgentEvent, type Clock, type Observer, oneLine, type PassReport } from '../model/index.js';

/** Sends one notification, `KEY=value` lines; what becomes of it is systemd's business (sd_notify(3)). */
export type Notify = (...lines: readonly string[]) => void;

/**
 * Tells systemd what it wants to know of a service. READY comes after the first pass, or when the first poll has shown
 * that the database has to be waited for: the agent serves then what it knows. STATUS is one line, told when it changes.
 */
export function systemdObserver(notify: Notify, clock: Pick<Clock, 'monotonicMs'>): Observer {
  let isReady = false;
  let status = '';
  let database = '';
  const tell = (text: string): void => {
    const lines = [...(isReady ? [] : ['READY=1']), ...(text === status ? [] : [`STATUS=${text}`])];
    isReady = true;
    status = text;
    if (lines.length > 0) notify(...lines);
  };
  return (event: AgentEvent) => {
    switch (event.kind) {
      case 'pass':
        if (event.report.generation !== null) database = '';
        tell(`${standing(event.report)}${database}`);
        break;
      case 'database-lost':
        database = `; database down: ${onOneLine(event.error)}`;
        tell(`serving the ports it knows${database}`);
        break;
      case 'reloading':
        notify('RELOADING=1', `MONOTONIC_USEC=${Math.round(clock.monotonicMs() * 1000)}`);
        isReady = false;
        break;
      case 'reloaded':
      case 'reload-refused':
        tell(event.kind === 'reloaded' ? 'settings read again' : 'settings are wrong, the old ones stay');
        break;
      case 'stopping':
        notify('STOPPING=1', 'STATUS=stopping, the data plane stays as it is');
        break;
      case 'too-many-faults':
        notify('STOPPING=1', 'STATUS=too many faults of this program');
        break;
      case 'gave-up':
        notify('STOPPING=1', `STATUS=gave up: ${onOneLine(event.error)}`);
        break;
    }
  };
}

const standing = ({ inSync, held, failed, warnings }: PassReport): string =>
  [
    inSync ? 'in sync' : 'not in sync',
    ...(held.length > 0 ? [`${held.length} removal(s) held`] : []),
    ...(failed.length > 0 ? [`${failed.length} operation(s) failed`] : []),
    ...(warnings.length > 0 ? [`${warnings.length} warning(s)`] : []),
  ].join(', ');

const onOneLine = (text: string): string => oneLine(text.replace(/\s+/g, ' '));

/**
 * Tells systemd twice within its limit that the agent lives. What counts is the loop, not the timer here: when the loop
 * is behind its own schedule (`lateMs`), nothing is said and systemd starts the agent again. Gives what ends it.
 */
export function startWatchdog(
  notify: Notify,
  clock: Clock,
  watchdogMs: number,
  lateMs: () => number,
): () => void {
  const intervalMs = watchdogMs / 2;
  let cancel: () => void = () => {};
  const turn = (): void => {
    if (lateMs() < intervalMs) notify('WATCHDOG=1');
    cancel = clock.after(intervalMs, turn);
  };
  turn();
  return () => cancel();
}
