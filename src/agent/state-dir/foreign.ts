import { type GenericSchema, getDotPath, safeParse } from 'valibot';
import type { Checked, StateKind, StateName } from '../../model/index.js';

/** What foreign data has to look like to be taken for a `Value`. */
export type Shape<Value> = GenericSchema<unknown, Value>;

/**
 * Data that another version of this program may have written, or anybody: the value, less what this version does not
 * know of it, or the first thing that is wrong with it. What is wrong is told without the value, which may be of any size.
 */
export function check<Value>(shape: Shape<Value>, data: unknown): Checked<Value> {
  const found = safeParse(shape, data, { abortEarly: true });
  if (found.success) return { ok: true, value: found.output };
  const [issue] = found.issues;
  return { ok: false, wrong: `${getDotPath(issue) ?? 'it'} is not ${issue.expected ?? 'as it should be'}` };
}

/** One kind of state, whose values have this shape. */
export const stateKind = <Value>(name: StateName, shape: Shape<Value>): StateKind<Value> => ({
  name,
  check: (value) => check(shape, value),
});

/** As `check`, for JSON text. */
export function checkJson<Value>(shape: Shape<Value>, text: string): Checked<Value> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // The parser quotes the text, which helps nobody.
    return { ok: false, wrong: 'it is not JSON' };
  }
  return check(shape, data);
}
