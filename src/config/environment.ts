// biome-ignore-all lint/nursery/noJsRestrictedProperties: settings are read here and handed on as values
/** The process environment. The only place that reads it; everything else is handed a value. */
export const processEnvironment = (): Readonly<Record<string, string | undefined>> => process.env;

/**
 * Takes away what is meant for psql and its like, which PostgreSQL's driver would obey: PGOPTIONS leads to another schema. All
 * that a connection needs is in the settings.
 */
export function forgetVariablesOfDrivers(): void {
  for (const name of Object.keys(process.env)) if (/^(NODE_)?PG/.test(name)) delete process.env[name];
}
