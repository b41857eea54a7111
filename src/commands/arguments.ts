import { InvalidArgumentError } from 'commander';
import { duration, type Format } from '../config/formats.js';
import { oneLine } from '../model/index.js';

/** Reads an argument as a setting of that format is read. */
const inFormat =
  <Value>({ parse }: Format<Value>) =>
  (text: string): Value => {
    const parsed = parse(text);
    if (!parsed.ok) throw new InvalidArgumentError(`It ${parsed.wrong}.`);
    return parsed.value;
  };

const DAY_MS = 24 * 3_600_000;
/** Reads the value of a `--timeout`; its value is in milliseconds. */
export const parseLimit = inFormat(duration(100, DAY_MS));
/** Reads the pause of a `--watch`; its value is in milliseconds. */
export const parsePause = inFormat(duration(1_000, DAY_MS));

/** Reads the name or id of something; one that a person cannot read is a mistake, or a trick. */
export function parseName(text: string): string {
  if (oneLine(text) !== text)
    throw new InvalidArgumentError('It has a character that cannot be seen, or is far too long.');
  return text;
}
