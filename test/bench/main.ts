import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { asMarkdown, exponentOf, type Row } from './measure.js';
import { plotOf } from './plot.js';
import { coldStart, wireAll } from './scenarios/start.js';
import { idle, steadyPoll } from './scenarios/steady.js';
import { knownTap, unknownTap } from './scenarios/tap.js';

/** `npm run bench [-- --only NAME] [--json]`: every scenario in turn, each with its floor from the same run. */
const SCENARIOS: Readonly<Record<string, () => Promise<Row | readonly Row[]>>> = {
  'known-tap-1': () => knownTap(1),
  'known-tap-100': () => knownTap(100),
  'known-tap-1000': () => knownTap(1_000),
  'unknown-tap': unknownTap,
  'wire-1000': () =>
    wireAll(
      { ports: 1_000, networks: 100 },
      (measured, floor) => measured < 1.3 * floor,
      '< 1.3 × the floor',
    ),
  'wire-300-flat': () => wireAll({ ports: 300, networks: 1 }, (measured) => measured < 100, '< 100 ms'),
  'wire-growth-10': () => wireAll({ ports: 10, networks: 1 }, () => true, 'for the plot'),
  'wire-growth-100': () => wireAll({ ports: 100, networks: 1 }, () => true, 'for the plot'),
  'wire-growth-1000': () => wireAll({ ports: 1_000, networks: 1 }, () => true, 'for the plot'),
  'cold-start': () => coldStart(1_000),
  'steady-100k': () => steadyPoll(1_000, 100_000),
  'steady-1m': () => steadyPoll(1_000, 1_000_000),
  idle: () => idle(300),
};

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url));
const AXES = ['taps on the host', 'taps wired at once', 'ports in the cloud'];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, only: { type: 'string', multiple: true } },
  });
  const names = values.only ?? Object.keys(SCENARIOS);
  const rows: Row[] = [];
  for (const name of names) {
    const scenario = SCENARIOS[name];
    if (scenario === undefined)
      throw new Error(`no scenario ${name}; there are ${Object.keys(SCENARIOS).join(', ')}`);
    process.stderr.write(`${name} …\n`);
    rows.push(...[await scenario()].flat());
  }
  process.stdout.write(`${values.json === true ? JSON.stringify(rows, null, 2) : asMarkdown(rows)}\n`);
  if (values.only === undefined) writeResults(rows);
}

function writeResults(rows: readonly Row[]): void {
  mkdirSync(RESULTS, { recursive: true });
  const texts = {
    json: `${JSON.stringify(rows, null, 2)}\n`,
    md: `# Benchmark results\n\n${asMarkdown(rows)}\n\n${growth(rows)}\n`,
  };
  for (const [ending, text] of Object.entries(texts)) writeFileSync(`${RESULTS}results.${ending}`, text);
  for (const axis of AXES) {
    const svg = plotOf(axis, rows);
    if (svg !== '') writeFileSync(`${RESULTS}${axis.replaceAll(' ', '-')}.svg`, svg);
  }
}

/** How the cost grows along each series, as an exponent: 0 not at all, 1 in proportion. */
function growth(rows: readonly Row[]): string {
  const series = new Map<string, { x: number; y: number }[]>();
  for (const { point, measured } of rows) {
    if (point === undefined) continue;
    const key = `${point.series}, by ${point.axis}`;
    series.set(key, [...(series.get(key) ?? []), { x: point.x, y: measured.median }]);
  }
  return [...series]
    .filter(([, points]) => points.length > 1)
    .map(([name, points]) => `- ${name}: exponent ${exponentOf(points).toFixed(2)}`)
    .join('\n');
}

await main();
