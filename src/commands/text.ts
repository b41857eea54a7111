import { styleText } from 'node:util';

/** Human output fits 80 columns: narrower than any terminal in use. */
export const WIDTH = 80;

/** The text in lines of at most `WIDTH` columns, broken between words, each after `indent` spaces. */
export function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.replace(/\s+/g, ' ').trim().split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => `${' '.repeat(indent)}${one}`).join('\n');
}

/** Cut to `width` with an ellipsis, or filled up with spaces. */
export const cell = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);

const COLOURS = { good: 'green', bad: 'red', doubtful: 'yellow', quiet: 'dim' } as const;
export type Tone = keyof typeof COLOURS;

/** Colours text when the output is a terminal, which whoever asks has found out. */
export const painter =
  (colour: boolean) =>
  (tone: Tone, text: string): string =>
    colour ? styleText(COLOURS[tone], text, { validateStream: false }) : text;
