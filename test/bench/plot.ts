import type { Axis, Row } from './measure.js';

const WIDTH = 720;
const HEIGHT = 420;
const MARGIN = { left: 70, right: 180, top: 30, bottom: 50 };
const COLOURS = ['#1b6ca8', '#c8553d', '#588157', '#8e5ea2', '#946b2d'];

interface Point {
  readonly x: number;
  readonly y: number;
}

/** One SVG of all series that grow along the same axis, both axes logarithmic. Empty when there is nothing to plot. */
export function plotOf(axis: Axis, rows: readonly Row[]): string {
  const series = new Map<string, Point[]>();
  for (const { point, measured } of rows) {
    if (point?.axis !== axis) continue;
    const points = series.get(point.series) ?? [];
    points.push({ x: point.x, y: measured.median });
    series.set(point.series, points);
  }
  const all = [...series.values()].flat();
  if (all.length === 0) return '';
  const scale = {
    x: scaleOf(
      all.map(({ x }) => x),
      [MARGIN.left, WIDTH - MARGIN.right],
    ),
    y: scaleOf(
      all.map(({ y }) => y),
      [HEIGHT - MARGIN.bottom, MARGIN.top],
    ),
  };
  const lines = [...series].map(([name, points], index) => lineOf(name, points, index, scale));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>Cost by ${axis}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    ...scale.x.ticks.map(
      (tick) =>
        `<text x="${scale.x.at(tick)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${tick}</text>`,
    ),
    ...scale.y.ticks.map(
      (tick) =>
        `<text x="${MARGIN.left - 8}" y="${scale.y.at(tick) + 4}" text-anchor="end">${tick} ms</text><line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${scale.y.at(tick)}" y2="${scale.y.at(tick)}" stroke="#ddd"/>`,
    ),
    `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${axis}</text>`,
    ...lines,
    '</svg>',
  ].join('\n');
}

interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

function scaleOf(values: readonly number[], [from, to]: readonly [number, number]): Scale {
  const low = Math.floor(Math.log10(Math.max(1e-3, Math.min(...values))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const at = (value: number): number =>
    from + ((Math.log10(Math.max(1e-3, value)) - low) / (high - low)) * (to - from);
  return { at, ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)) };
}

function lineOf(
  name: string,
  points: readonly Point[],
  index: number,
  scale: { x: Scale; y: Scale },
): string {
  const colour = COLOURS[index % COLOURS.length] ?? 'black';
  const sorted = points.toSorted((a, b) => a.x - b.x);
  const places = sorted.map(({ x, y }) => `${scale.x.at(x).toFixed(1)},${scale.y.at(y).toFixed(1)}`);
  const last = sorted.at(-1);
  const label =
    last === undefined
      ? ''
      : `<text x="${scale.x.at(last.x) + 8}" y="${scale.y.at(last.y) + 4}" fill="${colour}">${name}</text>`;
  return `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${label}`;
}
