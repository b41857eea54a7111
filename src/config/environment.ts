/** The process environment. The only place that reads it; everything else is handed a value. */
export const processEnvironment = (): Readonly<Record<string, string | undefined>> => process.env;
