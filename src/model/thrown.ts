/** What can be read from whatever was thrown: in this language that may be any value. */

/** What it says. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

/** The code that Node puts on errors of the system, `ENOENT` for one; null: it has none. */
export const errorCodeOf = (thrown: unknown): string | null =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;
