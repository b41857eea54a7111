/**
 * Reading single values of rows. A column's type differs between engines and between what a DBA restored
 * from where; what cannot be read is null, and the caller decides what that costs.
 */

const SHOWN_LENGTH_MAX = 80;
/** As long as the columns for hosts and physical networks are in every schema. */
const NAME_LENGTH_MAX = 255;

/** Text; null for NULL. Columns with a binary type arrive as bytes. */
export function text(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  return value === null || value === undefined ? null : String(value);
}

/** A whole number; null for NULL and for anything else. */
export function integer(value: unknown): number | null {
  const read = text(value);
  return read !== null && /^-?\d{1,15}$/.test(read) ? Number(read) : null;
}

/** `boolean` on PostgreSQL, `tinyint(1)` or `bit(1)` on MySQL; null for NULL and for anything else. */
export function boolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  const flag = Buffer.isBuffer(value) && value.length === 1 ? value[0] : integer(value);
  return flag === null || flag === undefined ? null : flag !== 0;
}

/**
 * A name that somebody reads in a message: as it stands when it is an ordinary one, else as `shown` gives it. No host
 * and no physical network of a configuration is called like that, so nothing else depends on it.
 */
export const readable = (name: string): string =>
  name.length <= NAME_LENGTH_MAX && !/[\p{C}\u2028\u2029]/u.test(name) ? name : shown(name);

/** A value from the database as a message may show it: one line, nothing invisible, at most 80 characters. */
export function shown(value: unknown): string {
  const read = text(value);
  if (read === null) return 'NULL';
  const cut = [...read.slice(0, SHOWN_LENGTH_MAX + 1)].slice(0, SHOWN_LENGTH_MAX).join('');
  const escaped = cut.replace(/[\p{C}\u2028\u2029"\\]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0x7f || code < 0x20 || code === 0x7f ? `\\u{${code.toString(16)}}` : `\\${character}`;
  });
  const short = escaped.length > SHOWN_LENGTH_MAX ? escaped.slice(0, SHOWN_LENGTH_MAX) : escaped;
  return `"${short}"${short.length < escaped.length || cut.length < read.length ? '…' : ''}`;
}
