/**
 * What steers a terminal, or hides in a text: control characters (ESC, BEL, C1), marks that turn or hide what follows,
 * separators of lines and paragraphs, lone halves of a surrogate pair.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** What steers a terminal, less what the program itself has written: line ends, tabs, its few colours and their ends, as Node writes them. */
const UNSEEN_IN_OUTPUT = new RegExp(`\\u001b\\[(?:2|22|31|32|33|39)m|[\\n\\t]|${UNSEEN.source}`, 'gu');
/** Longer than any text that somebody reads; the value of a row may have gigabytes. */
const TEXT_LENGTH_MAX = 4096;
/** What programs read is cut less soon. */
const VALUE_LENGTH_MAX = 64 * 1024;

/** A text of at most so many characters; of a longer one the beginning, and how long it was. */
export const cut = (text: string, lengthMax: number): string =>
  text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}… (${text.length} characters)`;

/** As JSON writes them, so that a text that is JSON means the same as before. */
const escaped = (character: string): string =>
  [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');

/** A text from outside on one line, not longer than anybody reads, with nothing in it that a terminal obeys or hides. */
export const oneLine = (text: string): string => cut(text, TEXT_LENGTH_MAX).replace(UNSEEN, escaped);

/** A text from outside whose line ends stay, with each line as `oneLine` has it. */
export const oneLineEach = (text: string): string => text.split('\n').map(oneLine).join('\n');

/** A whole output of this program for a terminal, or for whatever reads JSON: what came into it from outside is harmless. */
export const harmless = (text: string): string =>
  text.replace(UNSEEN_IN_OUTPUT, (found) => (/^[\n\t]$|m$/.test(found) ? found : escaped(found)));

/** A value of plain data in which every text, and every name of a field, is on one line. */
export const visible = <Value>(value: Value): Value => inEach(value, oneLine) as Value;

/** A value of plain data for a program to read: long texts are cut, and nothing else is changed. */
export const brief = <Value>(value: Value): Value =>
  inEach(value, (text) => cut(text, TEXT_LENGTH_MAX)) as Value;

/** A value of plain data as JSON, in which no text is so long that it would bury the others. */
export const jsonOf = (value: unknown, indent = 0): string =>
  JSON.stringify(value, (_, one) => (typeof one === 'string' ? cut(one, VALUE_LENGTH_MAX) : one), indent);

function inEach(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => inEach(item, change));
  if (value instanceof Map) return new Map(inEach([...value], change) as [unknown, unknown][]);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [change(name), inEach(item, change)]),
  );
}
