/** One `key = value` of a file. `line` counts from 1 and is where the key stands. */
export interface Assignment {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** A line that belongs to no known form. `wrong` does not repeat the line: it may hold a password. */
export interface SyntaxProblem {
  readonly line: number;
  readonly wrong: string;
}

export interface IniFile {
  readonly assignments: readonly Assignment[];
  readonly problems: readonly SyntaxProblem[];
}

/**
 * Reads the dialect of oslo.config, which every generation's files are written in: `=` or `:` (whichever comes
 * first), continuation lines that start with white space and end at a blank line, comments (`#`, `;`) at the
 * beginning of a line only, one pair of matching quotes around a value taken off. There are no inline comments, so
 * that a password may hold `#`, `;` and `%`. The lines of a continued value are joined by line feeds. Assignments
 * come in the order of the file, repeated keys included. Never throws: what cannot be read is in `problems`.
 */
export function parseIni(text: string): IniFile {
  const assignments: Assignment[] = [];
  const problems: SyntaxProblem[] = [];
  let section: string | null = null;
  /** Whether an indented line would continue the last assignment. */
  let open = false;

  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    const content = raw.trimEnd();
    if (/^[ \t]/.test(content)) {
      const last = open ? assignments.pop() : undefined;
      if (last === undefined) problems.push({ line, wrong: 'is indented, but continues nothing' });
      else assignments.push({ ...last, value: `${last.value}\n${content.trimStart()}` });
      continue;
    }
    open = false;
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue;
    if (content.startsWith('[')) {
      section = sectionName(content);
      if (section === null) problems.push({ line, wrong: 'begins a section, but has no [name]' });
      continue;
    }
    const pair = keyAndValue(content);
    if (pair === null) problems.push({ line, wrong: 'is neither a [section], a comment nor key = value' });
    else if (section === null) problems.push({ line, wrong: 'sets a value outside of any [section]' });
    else assignments.push({ section, ...pair, line });
    open = pair !== null && section !== null;
  }
  return { assignments, problems };
}

function sectionName(content: string): string | null {
  return /^\[(.+)\]$/.exec(content)?.[1]?.trim() || null;
}

function keyAndValue(content: string): { key: string; value: string } | null {
  const separator = content.search(/[=:]/);
  const key = content.slice(0, Math.max(separator, 0)).trim();
  return key === '' ? null : { key, value: unquoted(content.slice(separator + 1).trim()) };
}

/** A lone quote is a value of one character; only a pair of the same kind is taken off, and only once. */
function unquoted(value: string): string {
  const quoted = value.length >= 2 && /^["']/.test(value) && value.at(0) === value.at(-1);
  return quoted ? value.slice(1, -1) : value;
}
