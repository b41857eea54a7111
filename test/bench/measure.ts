/** Numbers of one measurement, in milliseconds unless the scenario says otherwise. */
export interface Figures {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** Min, median, 99th percentile and max of at least one sample. */
export function figuresOf(samples: readonly number[]): Figures {
  if (samples.length === 0) throw new RangeError('a measurement needs at least one sample');
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: sorted.length, min: at(0), median: at(0.5), p99: at(0.99), max: at(1) };
}

/** What grows in a series; there is a plot for each. */
export const AXES = ['taps on the host', 'networks of 1,000 taps', 'ports in the cloud'] as const;
export type Axis = (typeof AXES)[number];

/** One line of the result: what was measured, its floor of the same run, and what is aimed at. */
export interface Row {
  readonly scenario: string;
  readonly what: string;
  readonly unit: string;
  readonly measured: Figures;
  /** The same work done barely, in the same run; null where there is none. */
  readonly floor: { readonly what: string; readonly figures: Figures } | null;
  /** The aim in words, and whether these figures reach it; null: for comparison only. */
  readonly aim: { readonly text: string; readonly reached: boolean } | null;
  /** Where in a growth series this row stands, for the plot. */
  readonly point?: { readonly series: string; readonly x: number; readonly axis: Axis };
}

/** How long something took, in milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** The exponent of y = c·x^e through the points, by least squares on logarithms. */
export function exponentOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const logs = points
    .filter(({ x, y }) => x > 0 && y > 0)
    .map(({ x, y }) => [Math.log(x), Math.log(y)] as const);
  const mean = (pick: 0 | 1): number => logs.reduce((sum, log) => sum + log[pick], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  const over = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  const under = logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  return under === 0 ? 0 : over / under;
}

const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3);

/** The rows as a Markdown table. */
export function asMarkdown(rows: readonly Row[]): string {
  const head =
    '| what | unit | n | min | median | p99 | max | floor (median, p99) | ratio | aim | reached |\n|---|---|---|---|---|---|---|---|---|---|---|';
  return [head, ...rows.map(rowAsMarkdown)].join('\n');
}

function rowAsMarkdown({ what, unit, measured, floor, aim }: Row): string {
  const cells = [
    what,
    unit,
    String(measured.count),
    ...[measured.min, measured.median, measured.p99, measured.max].map(short),
    floor === null ? '' : `${short(floor.figures.median)}, ${short(floor.figures.p99)} (${floor.what})`,
    floor === null || floor.figures.median === 0 ? '' : (measured.median / floor.figures.median).toFixed(2),
    aim?.text ?? '',
    aim === null ? '' : aim.reached ? 'yes' : 'no',
  ];
  return `| ${cells.join(' | ')} |`;
}
