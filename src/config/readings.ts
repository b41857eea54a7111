import convict from 'convict';
import { type Parsed, valid } from './formats.js';
import type { Written } from './problem.js';
import { environmentName, forEachSetting, type SettingName, settingOf, type Values } from './schema.js';

/** The text of a setting that counts, where it was written, and what it means. */
export interface Reading extends Written {
  readonly parsed: Parsed<unknown>;
}

export type Readings = Readonly<Record<SettingName, Reading>>;

/** A text that is not there means that the setting has no fixed default. */
const readingOf = (name: SettingName, text: string | null, origin: Written['origin']): Reading => ({
  text: text ?? '',
  origin,
  parsed: text === null ? valid(null) : settingOf(name).format.parse(text),
});

/**
 * The settings for convict, each of a format of its own, since convict's converters know a format only by its name. What
 * convict finds by itself are the texts of the environment; whatever else is set is a reading already.
 */
const SCHEMA = forEachSetting((name): convict.SchemaObj<Reading> => {
  const { doc, default: text, format } = settingOf(name);
  const env = environmentName(name);
  convict.addFormat({
    name,
    coerce: (found: string) => readingOf(name, found, { kind: 'environment', variable: env }),
    validate: ({ parsed }: Reading) => {
      if (!parsed.ok) throw new Error(parsed.wrong);
    },
  });
  const fixed = readingOf(name, text, { kind: 'default' });
  return {
    doc,
    default: fixed,
    env,
    format: name as convict.PredefinedFormat,
    sensitive: format.shown !== undefined,
  };
});

export interface WrittenTexts {
  readonly files: ReadonlyMap<SettingName, Written>;
  /** By name of variable. */
  readonly environment: Readonly<Record<string, string>>;
  readonly commandLine: ReadonlyMap<SettingName, Written>;
}

/** What counts of every setting, and the values of all where each can be read. */
export interface Read {
  readonly readings: Readings;
  readonly values: Values | null;
}

/** Lets convict put the sources over one another, files below environment below command line, and check what counts. */
export function readSettings({ files, environment, commandLine }: WrittenTexts): Read {
  const config = convict<Record<SettingName, Reading>>(SCHEMA, { env: { ...environment }, args: [] });
  for (const [name, { text, origin }] of files) config.set(name, readingOf(name, text, origin));
  // The environment once more, now over the files.
  config.load({});
  for (const [name, { text, origin }] of commandLine) config.set(name, readingOf(name, text, origin));
  const readings = config.getProperties();
  try {
    config.validate({ allowed: 'strict' });
  } catch (error) {
    // Anything else that convict complains of would be a mistake in the schema, which nobody may overlook.
    if (Object.values(readings).every(({ parsed }) => parsed.ok)) throw error;
    return { readings, values: null };
  }
  const values = forEachSetting((name) => {
    const { parsed } = readings[name];
    return parsed.ok ? parsed.value : null;
  });
  return { readings, values: values as Values };
}
