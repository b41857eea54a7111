import { type LinkName, linkName, type PhysicalNetwork, physicalNetwork } from '../model/ids.js';
import { ESSEX_PHYSICAL_NETWORK } from '../model/names.js';
import type { DatabaseServer, Settings } from '../model/settings.js';
import type { Warning } from '../model/warning.js';
import type { DatabaseUrl } from './database-url.js';
import type { Mapping } from './formats.js';
import type { HostDefaults } from './host-defaults.js';
import { passwordFileWins, readPasswordFile } from './password.js';
import { describeOrigin, type Origin, type Written } from './problem.js';
import type { Readings } from './readings.js';
import type { SettingName, Values } from './schema.js';
import { tunnelSettings, tunnelWarnings } from './tunnels.js';

/** The settings as the agent takes them, and the values that stand in for unwritten ones. */
export interface Translated {
  readonly settings: Settings;
  /** Settings whose default is no fixed text, with the value they got. */
  readonly defaults: Partial<Record<SettingName, Written>>;
  readonly warnings: readonly Warning[];
}

const DEFAULT: Origin = { kind: 'default' };

/** Turns checked values into the settings of the model. `readings` tell where each came from. */
export function toSettings(values: Values, readings: Readings, host: HostDefaults): Translated {
  const urls = values.sql_connection ?? [];
  const urlOrigin = readings.sql_connection.origin;
  const passwordFile = passwordFileWins(readings.sql_password_file.origin, urlOrigin)
    ? values.sql_password_file
    : null;
  const [first, ...others] = urls.flatMap((url) => serversOf(url, passwordFile));
  if (first === undefined) throw new TypeError('toSettings needs at least one database URL');

  const hostName = values.host ?? host.host;
  const stateDir = values.state_dir ?? host.stateDir;
  const runDir = values.run_dir ?? host.runDir;
  // The URL's own limit counts where nobody wrote the setting.
  const urlTimeoutMs =
    readings.connect_timeout.origin.kind === 'default'
      ? (urls.find((url) => url.connectTimeoutMs !== null)?.connectTimeoutMs ?? null)
      : null;
  const tunnels = tunnelSettings(values);
  const settings: Settings = {
    host: {
      host: hostName,
      physicalInterfaces: physicalInterfaces(values),
      bridgeMappings: mapOf(values.bridge_mappings),
      dropTaggedFrames: values.drop_tagged_frames,
      dropSwitchFrames: values.drop_switch_frames,
      flatAddressMove: values.flat_address_move,
      plugGraceMs: values.plug_grace,
      tunnels,
    },
    guard: {
      maxRemovals: values.max_removals,
      windowMs: values.guard_window,
      release: values.guard_release,
    },
    database: {
      servers: [first, ...others],
      connectTimeoutMs: urlTimeoutMs ?? values.connect_timeout,
      queryTimeoutMs: values.query_timeout,
      readOnly: values.read_only,
      tunnels: tunnels !== null && tunnels.local !== null,
      host: hostName,
    },
    firewallDriver: values.firewall_driver,
    pollingIntervalMs: values.polling_interval,
    reconnectIntervalMs: values.reconnect_interval,
    sqlMaxRetries: values.sql_max_retries,
    knownPortRetentionMs: values.known_port_retention,
    lastKnownGoodMaxAgeMs: values.last_known_good_max_age,
    stateDir,
    runDir,
    logLevel: values.log_level,
    logFormat: values.log_format,
    webListenAddress: values.web_listen_address,
    webHostNames: values.web_host_names,
    controlGroup: values.control_group,
  };
  const defaults: Translated['defaults'] = {
    ...(values.host === null ? { host: { text: hostName, origin: DEFAULT } } : {}),
    ...(values.state_dir === null ? { state_dir: { text: stateDir, origin: DEFAULT } } : {}),
    ...(values.run_dir === null ? { run_dir: { text: runDir, origin: DEFAULT } } : {}),
    ...(urlTimeoutMs === null ? {} : { connect_timeout: { text: `${urlTimeoutMs}ms`, origin: urlOrigin } }),
  };
  const warnings = urls.flatMap((url) => unknownOptions(url, urlOrigin));
  return { settings, defaults, warnings: [...warnings, ...tunnelWarnings(values, readings)] };
}

/** One server for each place the URL names. The password is read from its file each time, so that it can be rotated. */
function serversOf(url: DatabaseUrl, passwordFile: string | null): DatabaseServer[] {
  const password = passwordFile === null ? () => url.password : () => readPasswordFile(passwordFile);
  const { engine, user, database, tls, publicKeyFile } = url;
  return url.endpoints.map((endpoint) => ({
    engine,
    ...endpoint,
    user,
    password,
    database,
    tls,
    publicKeyFile,
  }));
}

function physicalInterfaces(values: Values): ReadonlyMap<PhysicalNetwork, LinkName> {
  const mapped = mapOf(values.physical_interface_mappings);
  if (values.physical_interface !== null && !mapped.has(ESSEX_PHYSICAL_NETWORK))
    mapped.set(ESSEX_PHYSICAL_NETWORK, linkName(values.physical_interface));
  return mapped;
}

const mapOf = (mappings: readonly Mapping[]): Map<PhysicalNetwork, LinkName> =>
  new Map(mappings.map(({ physicalNetwork: name, device }) => [physicalNetwork(name), linkName(device)]));

const unknownOptions = (url: DatabaseUrl, origin: Origin): Warning[] =>
  url.unknownOptions.map((option) => ({
    code: 'SETTING_UNKNOWN',
    message: `${describeOrigin(origin)}: the option ${option} in the URL of sql_connection is not known and has no effect.`,
  }));
