import type { Knex } from 'knex';
import { ID_PREFIX_LENGTH } from '../model/names.js';
import type { DatabaseServer } from '../model/settings.js';

/** Rows to find by one indexed column: by whole values, or by how the value begins. */
export type Term =
  | { readonly column: string; readonly equal: string }
  | { readonly column: string; readonly prefix: string };

/**
 * How many terms one statement holds. MariaDB turns a list of 1,000 values or more into a temporary table
 * (in_predicate_conversion_threshold); to PostgreSQL a list is one value. A prefix costs several ranges.
 */
const EQUAL_MAX: Readonly<Record<Engine, number>> = { mysql: 900, postgresql: 5_000 };
const PREFIX_MAX = 100;

/**
 * How many rows a SELECT may find: far more than any cloud has of one port or one network (bindings, levels, segments),
 * and a few for each further term.
 */
const rowsMaxOf = (terms: number): number => 1_000 + 10 * (terms - 1);

/** Few steps lead from any lookup to a single term: in each the server goes through all that is too much. */
const PIECES = 16;

type Engine = DatabaseServer['engine'];

/** With its padding a range's end is as long as an id can be: 36 characters in every schema since Folsom. */
const END_LENGTH = 36;

/** What no continuation of a prefix sorts behind: in a language, in byte order, in Danish or Norwegian. */
const ENDS = ['z', '~', 'aa'];

/**
 * Half-open ranges on a text column that hold every UUID that begins with `prefix`, whatever the column's
 * collation; they may hold other values too, so the program must look again at what it gets.
 *
 * A range uses the primary key's index under any collation, `LIKE 'p%'` only under "C". Its end must sort
 * behind every continuation of the prefix, which no one text does: `z` does in most languages; byte order and
 * MySQL's `general_ci` have `_`, `{`, `|`, `}`, `~` behind it; in Danish and Norwegian `aa` is the letter å,
 * the last one. A doubled letter that is a letter of its own (there, and Welsh `dd` and `ff`) may also span
 * the end of the prefix: hence the same ranges once more with the prefix's last letter doubled. Where `-` is
 * ignored at first (glibc before 2.28, ICU's "shifted") both ends lose it alike: the range only grows.
 */
function prefixRanges(prefix: string): readonly { readonly from: string; readonly below: string }[] {
  const last = prefix.at(-1) ?? '';
  const starts = /[a-z]/i.test(last) ? [prefix, prefix + last] : [prefix];
  return starts.flatMap((from) => ENDS.map((end) => ({ from, below: from + padding(end) })));
}

const padding = (end: string): string => end.repeat(Math.ceil((END_LENGTH - ID_PREFIX_LENGTH) / end.length));

/** One SELECT by its terms, which ends after one row more than these may find. */
export interface Lookup {
  readonly statement: Knex.QueryBuilder;
  readonly rowsMax: number;
  /** This lookup as several smaller ones; empty: it has a single term. */
  pieces(): readonly Lookup[];
}

/** Makes the SELECTs for these terms, none where there are none; `select` makes that for some of them. */
export function lookupsOf(
  terms: readonly Term[],
  engine: Engine,
  select: (terms: readonly Term[]) => Knex.QueryBuilder,
): readonly Lookup[] {
  const lookup = (some: readonly Term[]): Lookup => ({
    // A limit of its own also overrides that of MySQL's session, which would cut rows off in silence.
    statement: select(some).limit(rowsMaxOf(some.length) + 1),
    rowsMax: rowsMaxOf(some.length),
    pieces: () => (some.length < 2 ? [] : chunks(some, Math.ceil(some.length / PIECES)).map(lookup)),
  });
  return statementsOf(terms, engine).map(lookup);
}

/** Splits terms into groups that fit one statement each; no terms, no groups. */
function statementsOf(terms: readonly Term[], engine: Engine): readonly (readonly Term[])[] {
  const equal = terms.filter((term) => 'equal' in term);
  const prefix = terms.filter((term) => 'prefix' in term);
  const equalMax = EQUAL_MAX[engine];
  if (equal.length <= equalMax && prefix.length > 0 && prefix.length <= PREFIX_MAX) return [terms];
  return [...chunks(equal, equalMax), ...chunks(prefix, PREFIX_MAX)];
}

/** Adds the condition that any of `terms` holds. `terms` must not be empty. */
export function matching(
  query: Knex.QueryBuilder,
  terms: readonly Term[],
  engine: Engine,
): Knex.QueryBuilder {
  const equal = new Map<string, string[]>();
  for (const term of terms) {
    if (!('equal' in term)) continue;
    const values = equal.get(term.column);
    if (values === undefined) equal.set(term.column, [term.equal]);
    else values.push(term.equal);
  }
  return query.where((either) => {
    for (const [column, values] of equal) {
      // One parameter instead of thousands: nothing of it is parsed or planned anew.
      if (engine === 'postgresql') either.orWhereRaw('?? = any(?)', [column, values]);
      else either.orWhereIn(column, values);
    }
    // One piece of SQL: knex takes 50 µs for a range of its own, and a host may have thousands.
    const ranges = terms.flatMap((term) =>
      'equal' in term ? [] : prefixRanges(term.prefix).map((range) => ({ ...range, column: term.column })),
    );
    if (ranges.length === 0) return;
    const sql = ranges.map(() => '(?? >= ? and ?? < ?)').join(' or ');
    either.orWhereRaw(
      sql,
      ranges.flatMap(({ column, from, below }) => [column, from, column, below]),
    );
  });
}

/** Consecutive pieces of at most `size`. */
export function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}
