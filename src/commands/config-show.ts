import { basename } from 'node:path';
import { describeOrigin, type SettingEntry } from '../config/problem.js';
import { EXIT, type ExitCode } from '../model/exit-codes.js';
import { jsonOf, oneLine, visible } from '../model/visible.js';
import type { Invocation } from './invocation.js';

/** Narrower than any terminal in use; longer values go on in their column on the next line. */
const VALUE_WIDTH = 25;
const ORIGIN_WIDTH = 24;

/**
 * Prints every setting with its effective value (secrets masked) and where it came from: a table of at most 80
 * columns, or with `--json` one object `{ settings: [{ name, value, from }], files, warnings }`. Always exit code 0.
 */
export function configShow({ loaded, json, output }: Invocation): ExitCode {
  if (json) {
    const settings = loaded.entries.map(({ name, value, origin }) => ({
      name,
      value,
      from: describeOrigin(origin),
    }));
    output.print(jsonOf({ settings, files: loaded.files, warnings: loaded.warnings }, 2));
    return EXIT.ok;
  }
  output.print(table(loaded.entries));
  output.print(
    loaded.files.length === 0
      ? 'No file was read.'
      : `Files read, later ones win: ${visible(loaded.files).join(', ')}`,
  );
  for (const { message } of loaded.warnings) output.complain(oneLine(message));
  return EXIT.ok;
}

function table(entries: readonly SettingEntry[]): string {
  const nameWidth = Math.max(...entries.map(({ name }) => name.length));
  const row = (name: string, value: string, from: string): string[] => {
    const values = folded(value, VALUE_WIDTH);
    const origins = folded(from, ORIGIN_WIDTH);
    return Array.from({ length: Math.max(values.length, origins.length) }, (_, line) =>
      [
        (line === 0 ? name : '').padEnd(nameWidth),
        (values[line] ?? '').padEnd(VALUE_WIDTH),
        origins[line] ?? '',
      ]
        .join('  ')
        .trimEnd(),
    );
  };
  return [
    row('SETTING', 'VALUE', 'FROM'),
    ...entries.map(({ name, value, origin }) => row(name, value, shortOrigin({ name, value, origin }))),
  ]
    .flat()
    .join('\n');
}

/** The last part of a file's path is enough in the table: the line below it has the whole paths. */
const shortOrigin = ({ origin }: SettingEntry): string =>
  origin.kind === 'file' ? `${basename(origin.file)}:${origin.line}` : describeOrigin(origin);

/** The text in pieces of at most `width` characters; line ends become spaces. At least one piece. */
function folded(text: string, width: number): readonly string[] {
  return oneLine(text.replace(/\s+/g, ' ')).match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''];
}
