/** What can be read from whatever was thrown: in this language that may be any value. */

/** What it says. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

/** The code that Node puts on errors of the system, `ENOENT` for one; null: it has none. */
export const errorCodeOf = (thrown: unknown): string | null =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;

/** Whether the system has refused a call, or to load a library (a file system without `exec`): that is no fault of this program. */
export const isRefusal = (thrown: unknown): boolean =>
  (thrown instanceof Error && 'syscall' in thrown) || errorCodeOf(thrown) === 'ERR_DLOPEN_FAILED';

/** The message and where it was thrown, a line each. */
export const stackOf = (thrown: unknown): string =>
  thrown instanceof Error && thrown.stack !== undefined ? thrown.stack : String(thrown);
