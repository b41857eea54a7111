import { isSame } from '../model/same.js';
import type { Settings } from '../model/settings.js';
import type { SettingName } from './schema.js';

/**
 * What is opened once, with the value of the start: the store, whose files are of one host, the control socket, the web
 * server, the log.
 */
const READ_AT_START = {
  host: ({ host }) => host.host,
  state_dir: ({ stateDir }) => stateDir,
  run_dir: ({ runDir }) => runDir,
  control_group: ({ controlGroup }) => controlGroup,
  web_listen_address: ({ webListenAddress }) => webListenAddress,
  web_host_names: ({ webHostNames }) => webHostNames,
  log_format: ({ logFormat }) => logFormat,
} as const satisfies Partial<Record<SettingName, (settings: Settings) => unknown>>;

export type NameReadAtStart = keyof typeof READ_AT_START;
export const NAMES_READ_AT_START = Object.keys(READ_AT_START) as readonly NameReadAtStart[];

/** What the running agent works with after its settings were read again. */
export interface Reloaded {
  readonly settings: Settings;
  /** Settings that were changed, and keep their old value until the agent is started again. */
  readonly waiting: readonly NameReadAtStart[];
}

/** The settings as they were read, but for what a running agent cannot change: that stays as it is. Pure. */
export function reloaded(running: Settings, read: Settings): Reloaded {
  const { stateDir, runDir, controlGroup, webListenAddress, webHostNames, logFormat } = running;
  const { host } = running.host;
  return {
    settings: {
      ...read,
      host: { ...read.host, host },
      database: { ...read.database, host },
      ...{ stateDir, runDir, controlGroup, webListenAddress, webHostNames, logFormat },
    },
    waiting: NAMES_READ_AT_START.filter(
      (name) => !isSame(READ_AT_START[name](running), READ_AT_START[name](read)),
    ),
  };
}
