/** One figure that `check` measures: what it counts, and the range beyond which it is told; null: none. */
interface Measured {
  readonly counts: string;
  readonly warning: string | null;
  readonly critical: string | null;
}

/** What `check` measures, with the ranges that hold unless the user gives others. A bare range is for the first. */
const MEASURES = {
  age: { counts: 'seconds since the database answered last', warning: '60', critical: '300' },
  drift: { counts: 'operations left to make', warning: '0', critical: null },
  held: { counts: 'removals that the guard holds back', warning: '0', critical: null },
  failed: { counts: 'operations that failed in the last pass', warning: '0', critical: null },
  unwired: { counts: 'ports that should be wired here and are not', warning: '0', critical: null },
  unknown: {
    counts: 'other hosts of networks here whose tunnel endpoint nobody knows',
    warning: '0',
    critical: null,
  },
} as const satisfies Readonly<Record<string, Measured>>;

export type MeasureName = keyof typeof MEASURES;
export const MEASURE_NAMES = Object.keys(MEASURES) as readonly MeasureName[];

/** The ranges by themselves, as a user would write them. */
export const defaultRanges = (level: 'warning' | 'critical'): string =>
  MEASURE_NAMES.flatMap((name) => {
    const range = MEASURES[name][level];
    return range === null ? [] : [`${name}=${range}`];
  }).join(',');

const NAME_WIDTH = Math.max(...MEASURE_NAMES.map((name) => name.length));

/** The table of `check --help`: a line for each measure, with its ranges. */
export const measuresHelp = (): string =>
  MEASURE_NAMES.map((name) => {
    const { counts, warning, critical } = MEASURES[name];
    return `  ${name.padEnd(NAME_WIDTH)}  ${counts} (${warning ?? 'none'}, ${critical ?? 'none'})`;
  }).join('\n');

/** How long an answer is waited for unless the user says otherwise. */
export const CHECK_TIMEOUT_MS = 10_000;
