import type { Settings } from '../model/settings.js';
import { messageOf } from '../model/thrown.js';
import type { Warning } from '../model/warning.js';
import { type FileSettings, readFiles } from './files.js';
import { hostDefaults } from './host-defaults.js';
import { nearest } from './nearest.js';
import { credential, readPasswordFile } from './password.js';
import type { SettingEntry, SettingProblem, Written } from './problem.js';
import { type Reading, readSettings } from './readings.js';
import {
  environmentName,
  flagOf,
  isSettingName,
  SETTING_NAMES,
  type SettingName,
  settingOf,
  type Values,
} from './schema.js';
import { toSettings } from './to-settings.js';
import { tunnelProblems } from './tunnels.js';

export type { SettingEntry, SettingProblem } from './problem.js';

export type LoadedSettings = {
  settings: Settings;
  /** One for each setting, in the order of the schema; no value holds a secret. */
  entries: readonly SettingEntry[];
  warnings: readonly Warning[];
  /** The files that were read, later ones win. */
  files: readonly string[];
};

/**
 * `problems` has every wrong value, line and file, not only the first one (exit code 78). The warnings come along,
 * since a misspelt setting is often why another one is missing.
 */
export type LoadResult =
  | { ok: true; loaded: LoadedSettings }
  | { ok: false; problems: readonly SettingProblem[]; warnings: readonly Warning[] };

export interface Sources {
  /** `--config-file`, in order; empty: the first of `conventional` that sets anything. */
  readonly files: readonly string[];
  /** Where a file is looked for that nobody has named. */
  readonly conventional: readonly string[];
  /** By name of setting, see `commandLineOptions`. */
  readonly commandLine: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The effective settings: defaults, files, credential, environment, command line, the later over the earlier. Reads
 * the files and, once, the password file (to say early that it cannot be read). Never throws for what users wrote.
 */
export const loadSettings = (sources: Sources): LoadResult => load(sources, unreadablePasswordFile);

/**
 * The effective settings for whoever asks the running agent alone: the password file is not opened, since the file is the
 * agent's, and those who may ask the agent need not be allowed to read it. A password that is asked for all the same throws DatabaseError.
 */
export const loadSettingsWithoutPassword = (sources: Sources): LoadResult => load(sources, () => []);

/** `passwordProblems` tells what is wrong with the password file that counts. */
function load(sources: Sources, passwordProblems: (file: Reading) => readonly SettingProblem[]): LoadResult {
  const fromFiles = readFiles(sources.files, sources.conventional);
  const passwordFile = credential(sources.environment);
  const files = new Map(fromFiles.written);
  if (passwordFile !== null) files.set('sql_password_file', passwordFile);
  const environment = ownVariables(sources.environment);
  const commandLine = fromCommandLine(sources.commandLine);

  const { readings, values } = readSettings({ files, environment, commandLine: commandLine.written });
  const problems = [
    ...fromFiles.problems,
    ...commandLine.problems,
    ...SETTING_NAMES.flatMap((name) => unreadable(name, readings[name])),
    ...missingDatabase(readings.sql_connection, fromFiles, sources.conventional),
    ...passwordProblems(readings.sql_password_file),
    ...(values === null ? [] : tunnelProblems(values, readings)),
  ];
  const warnings = [...fromFiles.warnings, ...unknownVariables(environment)];
  if (values === null || problems.length > 0) return { ok: false, problems, warnings };

  const translated = toSettings(values, readings, hostDefaults(sources.environment));
  return {
    ok: true,
    loaded: {
      settings: translated.settings,
      entries: SETTING_NAMES.map((name) =>
        entryOf(name, translated.defaults[name] ?? readings[name], values),
      ),
      warnings: [...warnings, ...translated.warnings],
      files: fromFiles.files,
    },
  };
}

/** An empty variable counts as unset: that is what unit files and compose files make of a missing value. */
const ownVariables = (environment: Sources['environment']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([variable, text]) =>
      variable.startsWith('QUANTUM_') && text ? [[variable, text]] : [],
    ),
  );

function unknownVariables(environment: Readonly<Record<string, string>>): Warning[] {
  const known = SETTING_NAMES.map(environmentName);
  return Object.keys(environment)
    .filter((variable) => !known.includes(variable))
    .map((variable) => ({
      code: 'SETTING_UNKNOWN',
      message: `environment ${variable} is not a known setting; the nearest one is ${nearest(variable, known)}.`,
    }));
}

function fromCommandLine(given: Sources['commandLine']): {
  written: Map<SettingName, Written>;
  problems: SettingProblem[];
} {
  const written = new Map<SettingName, Written>();
  const problems: SettingProblem[] = [];
  for (const [name, text] of Object.entries(given)) {
    const flag = `--${name.replaceAll('_', '-')}`;
    const origin = { kind: 'command-line', flag } as const;
    if (isSettingName(name)) written.set(name, { text, origin });
    else
      problems.push({
        setting: name,
        origin,
        wrong: 'is not a known setting',
        remedy: `Write ${nearest(flag, SETTING_NAMES.map(flagOf))} if that is meant`,
      });
  }
  return { written, problems };
}

/** The value is repeated where it is no secret. */
function unreadable(name: SettingName, { text, origin, parsed }: Reading): readonly SettingProblem[] {
  if (parsed.ok) return [];
  const { expects, shown } = settingOf(name).format;
  const wrong = text === '' || shown ? parsed.wrong : `${parsed.wrong}: value was ${JSON.stringify(text)}`;
  return [{ setting: name, origin, wrong, remedy: expects }];
}

/** What no format shows: that there is no database at all. Whoever has no file yet learns where one is looked for. */
function missingDatabase(
  { origin }: Reading,
  { problems: known, files }: FileSettings,
  conventional: readonly string[],
): readonly SettingProblem[] {
  // A file that cannot be read may name the database: its own problem is enough.
  const isKnown = known.some(
    (problem) => problem.setting === 'sql_connection' || problem.origin.kind === 'command-line',
  );
  if (origin.kind !== 'default' || isKnown) return [];
  const [wrong, remedy] =
    files.length > 0
      ? ['is not set: no database is named', settingOf('sql_connection').format.expects]
      : [
          `is not set, and no configuration file sets anything (looked for ${conventional.join(', ')})`,
          'Name one with --config-file, or write the first of these',
        ];
  return [{ setting: 'sql_connection', origin, wrong, remedy }];
}

/** What no format shows: that the password file cannot be read. */
function unreadablePasswordFile({ text, origin, parsed }: Reading): readonly SettingProblem[] {
  if (!parsed.ok || parsed.value === null) return [];
  try {
    readPasswordFile(text);
    return [];
  } catch (error) {
    const wrong = `is of no use: ${messageOf(error).replace(/\.$/, '')}`;
    const remedy = 'Make the file readable for the user of the agent, or name another one';
    return [{ setting: 'sql_password_file', origin, wrong, remedy }];
  }
}

function entryOf(name: SettingName, { text, origin }: Written, values: Values): SettingEntry {
  const value = values[name];
  const shown = value === null ? undefined : settingOf(name).format.shown?.(value);
  return { name, value: shown ?? text, origin };
}
