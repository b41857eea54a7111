import { CONNECT_TIMEOUT, databaseUrls } from './database-url.js';
import {
  absolutePath,
  automaticOr,
  boolean,
  duration,
  firewallDriver,
  groupName,
  hostName,
  hostNames,
  integer,
  interfaceName,
  listenAddress,
  mappings,
  oneOf,
} from './formats.js';
import { optional, type Setting, setting } from './setting.js';
import { TUNNEL_SETTINGS, TUNNEL_TRAFFIC_SETTINGS } from './tunnel-settings.js';

export { SECTIONS, type Section, type Setting } from './setting.js';

/** A timer of Node overflows after 24 days and then fires at once; a week is far from that. */
const WEEK_MS = 7 * 24 * 3_600_000;
const interval = duration(10, WEEK_MS);
const waiting = duration(0, WEEK_MS);

/**
 * Every setting, in the order in which people read them. Its name is the key in the files; `QUANTUM_` and the name
 * in capitals is its environment variable; `--` and the name with dashes its flag. To add one, add its line here
 * and in the example configuration, and read it in `toSettings`.
 */
export const SETTINGS = {
  sql_connection: optional(
    'DATABASE',
    databaseUrls,
    'SQLAlchemy URL of the shared database; several are tried in order.',
  ),
  sql_password_file: optional(
    'DATABASE',
    absolutePath,
    'File that holds the password of the database; read again at each connection.',
  ),
  sql_max_retries: setting(
    'DATABASE',
    '-1',
    integer(-1, 1_000_000_000),
    'How often to try again when the database cannot be reached; -1: for ever.',
  ),
  reconnect_interval: setting('DATABASE', '2', interval, 'Pause between two attempts to reach the database.'),
  connect_timeout: setting(
    'DATABASE',
    '5',
    CONNECT_TIMEOUT,
    'Longest wait for a connection to the database.',
  ),
  query_timeout: setting('DATABASE', '5', CONNECT_TIMEOUT, 'Longest wait for an answer of the database.'),
  read_only: setting(
    'DATABASE',
    'false',
    boolean,
    'Never write to the database: no port status, no heartbeat.',
  ),
  physical_interface_mappings: setting(
    'LINUX_BRIDGE',
    '',
    mappings('interface'),
    'Physical network to network interface, by its name or an altname, as physical_network:interface.',
  ),
  bridge_mappings: setting(
    'LINUX_BRIDGE',
    '',
    mappings('bridge'),
    'Physical network to a bridge of your own that its flat networks use, as physical_network:bridge.',
  ),
  physical_interface: optional(
    'LINUX_BRIDGE',
    interfaceName,
    'The one network interface of an Essex database, whose networks name no physical network.',
  ),
  ...TUNNEL_SETTINGS,
  firewall_driver: setting(
    'SECURITYGROUP',
    'noop',
    firewallDriver,
    'What Neutron’s agent filtered guests with. This agent filters nothing, and config check says so unless it is noop.',
  ),
  ...TUNNEL_TRAFFIC_SETTINGS,
  host: optional('AGENT', hostName, 'Name of this host as the database has it; default: the host name.'),
  polling_interval: setting('AGENT', '2', interval, 'Pause between two polls of the database.'),
  known_port_retention: setting(
    'AGENT',
    '1h',
    waiting,
    'How long a port whose tap left is remembered, so that its tap is wired at once when it returns.',
  ),
  last_known_good_max_age: setting(
    'AGENT',
    '24h',
    waiting,
    'Oldest answer of the database, kept on disk, that taps are wired from when the agent starts and no server answers.',
  ),
  plug_grace: setting(
    'AGENT',
    '2s',
    waiting,
    'How long libvirt is given to plug the tap of an instance itself.',
  ),
  max_removals: setting(
    'AGENT',
    'auto',
    automaticOr(integer(0, 1_000_000)),
    'Most removals within guard_window before the rest is held; auto: the larger of 1 and 20 % of the wired taps.',
  ),
  guard_window: setting(
    'AGENT',
    '10m',
    duration(10_000, 24 * 3_600_000),
    'Removals of this time are judged together, whether they came at once or one by one.',
  ),
  guard_release: setting(
    'AGENT',
    'operator',
    oneOf(['operator', 'auto']),
    'Who lets held removals go ahead: the operator, or auto after 5 consistent polls over 10 minutes.',
  ),
  flat_address_move: setting(
    'AGENT',
    'move',
    oneOf(['move', 'refuse']),
    "Whether the addresses of a flat network's interface move to its bridge, or such ports are not wired.",
  ),
  drop_tagged_frames: setting(
    'AGENT',
    'true',
    boolean,
    'Drop VLAN-tagged frames of guests on the bridges the agent makes, however often and by whatever type they are tagged.',
  ),
  drop_switch_frames: setting(
    'AGENT',
    'true',
    boolean,
    'Drop frames of guests that speak to the switch (STP, PVST, LACP, LLDP, CDP, GVRP) on the bridges the agent makes.',
  ),
  state_dir: optional(
    'AGENT',
    absolutePath,
    'Folder for what must survive a restart; default: /var/lib/quantum-linuxbridge-agent, for others than root below ~/.local/state.',
  ),
  run_dir: optional(
    'AGENT',
    absolutePath,
    'Folder for the control socket; default: /run/quantum-linuxbridge-agent, for others than root below $XDG_RUNTIME_DIR.',
  ),
  control_group: optional(
    'AGENT',
    groupName,
    "Group that may use the control socket (status, accept) besides root; default: the agent's own group.",
  ),
  web_listen_address: optional(
    'AGENT',
    listenAddress,
    'Address of the status page, metrics and health endpoints; read at the start only; default: none.',
  ),
  web_host_names: setting(
    'AGENT',
    '',
    hostNames,
    'Names under which the web server is reached, besides its addresses, localhost and host; read at the start only.',
  ),
  log_level: setting(
    'AGENT',
    'info',
    oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
    'Least serious log lines that are written.',
  ),
  log_format: setting(
    'AGENT',
    'auto',
    oneOf(['auto', 'json', 'pretty']),
    'Form of the log lines; auto: pretty on a terminal, JSON elsewhere.',
  ),
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

export type SettingName = keyof typeof SETTINGS;
/** The effective value of every setting, read by its format. */
export type Values = {
  -readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer Value> ? Value : never;
};

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];
/** Something for each setting, by its name. */
export const forEachSetting = <Value>(make: (name: SettingName) => Value): Record<SettingName, Value> =>
  // Object.fromEntries forgets which names it was given.
  Object.fromEntries(SETTING_NAMES.map((name) => [name, make(name)])) as Record<SettingName, Value>;
export const isSettingName = (name: string): name is SettingName => Object.hasOwn(SETTINGS, name);
export const settingOf = (name: SettingName): Setting<unknown> => SETTINGS[name];
export const environmentName = (name: SettingName): string => `QUANTUM_${name.toUpperCase()}`;
export const flagOf = (name: SettingName): string => `--${name.replaceAll('_', '-')}`;

/** What the command line needs to offer a setting. */
export interface CommandLineOption {
  readonly name: SettingName;
  /** `--polling-interval` */
  readonly flag: string;
  /** Under which commander keeps the value: `pollingInterval`. */
  readonly attribute: string;
  /** `SECONDS` */
  readonly valueName: string;
  readonly doc: string;
}

/** One option for each setting. What the user gave goes to `loadSettings` as `commandLine`, by `name`. */
export const commandLineOptions = (): readonly CommandLineOption[] =>
  SETTING_NAMES.map((name) => ({
    name,
    flag: flagOf(name),
    attribute: name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    valueName: settingOf(name).format.placeholder,
    doc: settingOf(name).doc,
  }));
