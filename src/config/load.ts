import type { Settings } from '../model/settings.js';
import { messageOf } from '../model/thrown.js';
import type { Warning } from '../model/warning.js';
import { type FileSettings, readFiles } from './files.js';
import { absolutePath } from './formats.js';
import { hostDefaults } from './host-defaults.js';
import { nearest } from './nearest.js';
import { credential, readPasswordFile } from './password.js';
import type { SettingEntry, SettingProblem, Written } from './problem.js';
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
import { type Texts, validate } from './validate.js';

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
  /** `--config-file`, in order; empty: the first of `conventional` that exists. */
  readonly files: readonly string[];
  /** Where a file is looked for that nobody has named. */
  readonly conventional: readonly string[];
  /** By name of setting, see `commandLineOptions`. */
  readonly commandLine: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

type WrittenSettings = ReadonlyMap<SettingName, Written>;

/**
 * The effective settings: defaults, files, credential, environment, command line, the later over the earlier. Reads
 * the files and, once, the password file (to say early that it cannot be read). Never throws for what users wrote.
 */
export const loadSettings = (sources: Sources): LoadResult => load(sources, unreadablePasswordFile);

/**
 * The same for whoever asks the running agent alone: the password file is not opened, since it is the agent's and those
 * who may ask it need not be allowed to read it. A password that is asked for all the same throws DatabaseError.
 */
export const loadSettingsWithoutPassword = (sources: Sources): LoadResult => load(sources, () => []);

/** `passwordProblems` tells what is wrong with the password file that was written. */
function load(
  sources: Sources,
  passwordProblems: (written: WrittenSettings) => readonly SettingProblem[],
): LoadResult {
  const fromFiles = readFiles(sources.files, sources.conventional);
  const passwordFile = credential(sources.environment);
  const files = new Map(fromFiles.written);
  if (passwordFile !== null) files.set('sql_password_file', passwordFile);
  const environment = fromEnvironment(sources.environment);
  const commandLine = fromCommandLine(sources.commandLine);
  const written = new Map([...files, ...environment.written, ...commandLine.written]);

  const read = validate(textsOf(files, environment.written, commandLine.written));
  const problems = [
    ...fromFiles.problems,
    ...commandLine.problems,
    ...(read.ok ? [] : read.wrong.map(([name, wrong]) => problemOf(name, written, wrong))),
    ...missingDatabase(written, fromFiles, sources.conventional),
    ...passwordProblems(written),
  ];
  const warnings = [...fromFiles.warnings, ...environment.warnings];
  if (!read.ok || problems.length > 0) return { ok: false, problems, warnings };

  const translated = toSettings(read.values, written, hostDefaults(sources.environment));
  return {
    ok: true,
    loaded: {
      settings: translated.settings,
      entries: SETTING_NAMES.map((name) => entryOf(name, read.values, written, translated.defaults)),
      warnings: [...warnings, ...translated.warnings],
      files: fromFiles.files,
    },
  };
}

/** An empty variable counts as unset: that is what unit files and compose files make of a missing value. */
function fromEnvironment(environment: Sources['environment']): {
  written: WrittenSettings;
  warnings: Warning[];
} {
  const written = new Map<SettingName, Written>();
  const warnings: Warning[] = [];
  const names = new Map(SETTING_NAMES.map((name) => [environmentName(name), name]));
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('QUANTUM_') || !text) continue;
    const name = names.get(variable);
    if (name !== undefined) written.set(name, { text, origin: { kind: 'environment', variable } });
    else
      warnings.push({
        code: 'SETTING_UNKNOWN',
        message: `environment ${variable} is not a known setting; the nearest one is ${nearest(variable, [...names.keys()])}.`,
      });
  }
  return { written, warnings };
}

function fromCommandLine(given: Sources['commandLine']): {
  written: WrittenSettings;
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

function textsOf(files: WrittenSettings, environment: WrittenSettings, commandLine: WrittenSettings): Texts {
  const texts = (written: WrittenSettings, key: (name: SettingName) => string): Record<string, string> =>
    Object.fromEntries([...written].map(([name, { text }]) => [key(name), text]));
  return {
    files: texts(files, (name) => name),
    environment: texts(environment, environmentName),
    commandLine: texts(commandLine, (name) => name),
  };
}

function problemOf(name: SettingName, written: WrittenSettings, wrong: string): SettingProblem {
  const origin = written.get(name)?.origin ?? { kind: 'default' };
  return { setting: name, origin, wrong, remedy: settingOf(name).format.expects };
}

/** What no format shows: that there is no database at all. */
function missingDatabase(
  written: WrittenSettings,
  { problems: known, files }: FileSettings,
  conventional: readonly string[],
): readonly SettingProblem[] {
  // A file that cannot be read may name the database: its own problem is enough.
  const isKnown = known.some(
    ({ setting, origin }) => setting === 'sql_connection' || origin.kind === 'command-line',
  );
  return written.has('sql_connection') || isKnown ? [] : [noDatabase(files, conventional)];
}

/** Nor that the password file cannot be read. */
function unreadablePasswordFile(written: WrittenSettings): readonly SettingProblem[] {
  const passwordFile = absolutePath.parse(written.get('sql_password_file')?.text ?? '');
  if (!passwordFile.ok) return [];
  try {
    readPasswordFile(passwordFile.value);
    return [];
  } catch (error) {
    const reason = messageOf(error).replace(/\.$/, '');
    return [
      {
        ...problemOf('sql_password_file', written, `is of no use: ${reason}`),
        remedy: 'Make the file readable for the user of the agent, or name another one',
      },
    ];
  }
}

/** Whoever has no file yet learns where one is looked for. */
const noDatabase = (files: readonly string[], conventional: readonly string[]): SettingProblem => {
  const problem = problemOf('sql_connection', new Map(), 'is not set: no database is named');
  return files.length > 0
    ? problem
    : {
        ...problem,
        wrong: `is not set, and no configuration file is there (looked for ${conventional.join(', ')})`,
        remedy: 'Name one with --config-file, or write the first of these',
      };
};

function entryOf(
  name: SettingName,
  values: Values,
  written: WrittenSettings,
  defaults: Partial<Record<SettingName, Written>>,
): SettingEntry {
  const known = written.get(name) ?? defaults[name];
  const origin = known?.origin ?? { kind: 'default' };
  if (name === 'sql_connection')
    return { name, value: (values.sql_connection ?? []).map((url) => url.display).join(', '), origin };
  return { name, value: known?.text ?? settingOf(name).default ?? '', origin };
}
