import { readFileSync } from 'node:fs';

/** The version of this package, from the package.json it is installed with. */
export const version: string = String(
  (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version?: unknown })
    .version,
);
