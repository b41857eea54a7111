import type { EssexPart } from './legacy.js';
import type { SettingProblem, Written } from './problem.js';

/** What Essex wrote in `[DATABASE]` instead of a URL, by key. */
export type EssexParts = ReadonlyMap<EssexPart, Written>;

/**
 * The SQLAlchemy URL that the Essex agent put together from `connection` (the kind of database), `name`, `user`,
 * `pass`, `host` and `port`; null when nothing of it is written. The parts are taken as they stand: nothing in them
 * is percent-encoded. Only `port` and `pass` may be left out (the password may come from a file).
 */
export function essexConnection(parts: EssexParts): Written | readonly SettingProblem[] | null {
  const [first] = parts.values();
  if (first === undefined) return null;
  const origin = (parts.get('connection') ?? first).origin;
  const text = (part: EssexPart): string => parts.get(part)?.text ?? '';
  const scheme = text('connection') || 'mysql';
  if (/^sqlite/i.test(scheme)) return { text: 'sqlite://', origin };

  const missing = (['name', 'user', 'host'] as const).filter((part) => text(part) === '');
  if (missing.length > 0)
    return missing.map((part) => ({
      setting: 'sql_connection',
      origin,
      wrong: `is written in the Essex form, but ${part} is missing in [DATABASE]`,
      remedy: `Write ${part}, or the whole as sql_connection = mysql://user:password@host/database`,
    }));
  const password = parts.has('pass') ? `:${encodeURIComponent(text('pass'))}` : '';
  const host = text('host').includes(':') ? `[${text('host')}]` : text('host');
  const port = text('port') === '' ? '' : `:${text('port')}`;
  const user = encodeURIComponent(text('user'));
  return {
    text: `${scheme}://${user}${password}@${host}${port}/${encodeURIComponent(text('name'))}`,
    origin,
  };
}
