/** What systemd tells a service of `Type=notify` in its environment (sd_notify(3), sd_watchdog_enabled(3)). */
export interface ServiceManager {
  /** Path of the socket for notifications, `@…` in the abstract namespace; null: nobody wants any. */
  readonly notifySocket: string | null;
  /** The service is killed when it is silent for longer; null: no watchdog, or one for another process. */
  readonly watchdogMs: number | null;
}

/** Reads the variables of systemd. `pid` is this process. */
export function serviceManagerOf(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): ServiceManager {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = environment;
  const isOurs = !WATCHDOG_PID || WATCHDOG_PID === String(pid);
  const watchdogMs = Number(WATCHDOG_USEC || Number.NaN) / 1000;
  return {
    notifySocket: NOTIFY_SOCKET || null,
    watchdogMs: isOurs && watchdogMs > 0 ? watchdogMs : null,
  };
}
