/** States of a plugin, by exit code (monitoring-plugins.org, guidelines). */
export const STATES = { OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const;
export type State = keyof typeof STATES;
export type StateCode = (typeof STATES)[State];

/** A threshold: alert when the value is outside of it, or, with `@`, inside. */
export interface Range {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly inside: boolean;
}

/**
 * Reads `[@][start:][end]`: `10` is 0 to 10, `10:` ten and more, `~:10` anything up to ten, `@5:10` alerts from 5 to 10.
 * null: it is none.
 */
export function parseRange(text: string): Range | null {
  const match = /^(@)?(?:(~|-?\d+(?:\.\d+)?):)?(-?\d+(?:\.\d+)?)?$/.exec(text.trim());
  if (match === null) return null;
  const [, at, from, to] = match;
  if (from === undefined && to === undefined) return null;
  const start = from === undefined ? 0 : from === '~' ? Number.NEGATIVE_INFINITY : Number(from);
  const end = to === undefined ? Number.POSITIVE_INFINITY : Number(to);
  return start > end ? null : { text: text.trim(), start, end, inside: at !== undefined };
}

/** Whether the value is one to alert about. */
export const alerts = (range: Range, value: number): boolean =>
  (value >= range.start && value <= range.end) === range.inside;

/** What is measured. `unit` is that of the performance data. */
export interface Measure {
  readonly name: string;
  readonly value: number;
  readonly unit: '' | 's';
  /** What the value means, as a person says it when it is too high. */
  readonly text: string;
}

export type Thresholds = ReadonlyMap<string, Range>;

export interface Verdict {
  readonly state: Extract<State, 'OK' | 'WARNING' | 'CRITICAL'>;
  /** Texts of the measures that are alerted about, the worst first. */
  readonly problems: readonly string[];
}

/** The worst state of all measures. */
export function judge(measures: readonly Measure[], warning: Thresholds, critical: Thresholds): Verdict {
  const over = (thresholds: Thresholds): readonly Measure[] =>
    measures.filter(({ name, value }) => {
      const range = thresholds.get(name);
      return range !== undefined && alerts(range, value);
    });
  const bad = over(critical);
  const doubtful = over(warning).filter((measure) => !bad.includes(measure));
  const state = bad.length > 0 ? 'CRITICAL' : doubtful.length > 0 ? 'WARNING' : 'OK';
  return { state, problems: [...bad, ...doubtful].map(({ text }) => text) };
}

/** Performance data: `name=value[unit];warning;critical;minimum` for each measure. */
export const perfdata = (measures: readonly Measure[], warning: Thresholds, critical: Thresholds): string =>
  measures
    .map(({ name, value, unit }) => {
      const ranges = [warning, critical].map((thresholds) => thresholds.get(name)?.text ?? '');
      return `${name}=${Math.round(value * 10) / 10}${unit};${ranges.join(';')};0`;
    })
    .join(' ');

/** Reads `name=range,name=range`; a bare range is for the first name. Gives what is wrong with it as a sentence. */
export function parseThresholds(
  text: string,
  names: readonly string[],
): { readonly ok: true; readonly ranges: Thresholds } | { readonly ok: false; readonly wrong: string } {
  const ranges = new Map<string, Range>();
  for (const item of text.split(',')) {
    const [before, after] = item.split('=', 2);
    const name = after === undefined ? (names[0] ?? '') : (before ?? '').trim();
    if (!names.includes(name)) return { ok: false, wrong: `${name} is none of ${names.join(', ')}` };
    const range = parseRange(after ?? before ?? '');
    if (range === null) return { ok: false, wrong: `${item} has no range such as 10, 10:, ~:10 or @5:10` };
    ranges.set(name, range);
  }
  return { ok: true, ranges };
}
