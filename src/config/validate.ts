import convict from 'convict';
import {
  environmentName,
  isSettingName,
  SETTING_NAMES,
  type SettingName,
  settingOf,
  type Values,
} from './schema.js';

/**
 * The settings for convict. Its converters know a format only by name and see no bounds, so each setting is a format
 * of its own. A text that cannot be read stays a text, which the validation then refuses with the reason: in this
 * way one validation finds every wrong value.
 */
function convictSchema(): convict.Schema<Values> {
  const items = SETTING_NAMES.map((name) => {
    const { format, default: text, doc } = settingOf(name);
    convict.addFormat({
      name,
      coerce: (value: string) => {
        const parsed = format.parse(value);
        return parsed.ok ? parsed.value : value;
      },
      validate: (value: unknown) => {
        const parsed = typeof value === 'string' ? format.parse(value) : null;
        if (parsed?.ok === false) throw new Error(parsed.wrong);
      },
    });
    const sensitive = name === 'sql_connection';
    return [name, { doc, default: text, env: environmentName(name), format: name, sensitive }] as const;
  });
  return Object.fromEntries(items) as unknown as convict.Schema<Values>;
}

const SCHEMA = convictSchema();

/** The texts of each source, by name of setting; `environment` by name of variable. Later ones win. */
export interface Texts {
  readonly files: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly commandLine: Readonly<Record<string, string>>;
}

/** Values read, or what is wrong with each wrong one: a sentence that goes on after the setting's name. */
export type Validated =
  | { readonly ok: true; readonly values: Values }
  | { readonly ok: false; readonly wrong: readonly (readonly [SettingName, string])[] };

/** Lets convict put the sources over one another, read the texts and check the values. */
export function validate(texts: Texts): Validated {
  const config = convict<Values>(SCHEMA, { env: { ...texts.environment }, args: [] });
  config.load(texts.files);
  for (const [name, text] of Object.entries(texts.commandLine)) config.set(name, text);
  try {
    config.validate({ allowed: 'strict' });
    return { ok: true, values: config.getProperties() };
  } catch (error) {
    return { ok: false, wrong: wrongValues(error) };
  }
}

/** convict says all that is wrong in one message, `name: reason` a line. No reason of ours holds a line end. */
function wrongValues(error: unknown): (readonly [SettingName, string])[] {
  const lines = error instanceof Error ? error.message.split('\n') : [];
  const wrong = lines.flatMap((line) => {
    const [, name = '', reason = ''] = /^(\w+): (.*)$/s.exec(line) ?? [];
    return isSettingName(name) ? [[name, reason] as const] : [];
  });
  // Anything else convict complains of would be a mistake in the schema, which nobody may overlook.
  if (wrong.length === 0 || wrong.length < lines.length) throw error;
  return wrong;
}
