import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/model/index.js';
import { AXES, type Axis, asMarkdown, exponentOf, type Row } from './measure.js';
import { plotOf } from './plot.js';
import { churn } from './scenarios/churn.js';
import { fleet, fleetOf, THOUSAND } from './scenarios/fleet.js';
import { passFromMemory, passWithAnswer, passWithTunnels } from './scenarios/pass.js';
import { rowChange } from './scenarios/rows.js';
import { coldStart, wireAll, wireByShell } from './scenarios/start.js';
import { idle, steadyPolls, steadyTaps } from './scenarios/steady.js';
import { knownTap, unknownTap } from './scenarios/tap.js';
import { tunnelPolls } from './scenarios/tunnel-poll.js';
import { floodEntries, makeTunnels } from './scenarios/tunnels.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    agents: { type: 'string', default: '10000' },
  },
});
/** Of a fleet whose size may be asked for; a multiple of 40. */
const agents = Number(values.agents);

type Scenario = () => Promise<Row | readonly Row[]>;

/** `npm run bench [-- --only NAME] [--agents N] [--json]`: every scenario in turn, each with its floor from the same run. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'known-tap-1': () => knownTap(1),
  'known-tap-100': () => knownTap(100),
  'known-tap-1000': () => knownTap(1_000),
  'pass-memory-1000': () => passFromMemory(1_000),
  'pass-memory-4000': () => passFromMemory(4_000),
  'pass-answer-1000': () => passWithAnswer(1_000),
  'pass-answer-4000': () => passWithAnswer(4_000),
  'tunnel-pass-4000': () => passWithTunnels({ taps: 4_000, networks: 50, others: 200 }),
  'unknown-tap': unknownTap,
  'wire-1000': () =>
    wireAll(
      { ports: 1_000, networks: 100 },
      {
        text: '< 1.3 × the floor',
        isReached: (measured, floor) => measured < 1.3 * floor,
      },
    ),
  'wire-300': () =>
    wireAll(
      { ports: 300, networks: 1, segment: 'flat' },
      {
        text: '< 100 ms',
        isReached: (measured) => measured < 100,
      },
    ),
  shell: () => wireByShell({ ports: 100, networks: 10 }),
  'shell-1000': () => wireByShell({ ports: 1_000, networks: 100 }),
  'cold-start': () => coldStart(1_000),
  steady: () => steadyPolls([1_000, 10_000, 100_000, 1_000_000]),
  'row-change': () => rowChange(1_000),
  idle: () => idle(300),
  'idle-mariadb': () => idle(300, { engine: 'MariaDB' }),
  'idle-ml2-100': () => idle(100, { generation: 'ml2-zed' }),
  'idle-ml2': () => idle(300, { generation: 'ml2-zed' }),
  'idle-ml2-mariadb-100': () => idle(100, { generation: 'ml2-zed', engine: 'MariaDB' }),
  'idle-ml2-mariadb': () => idle(300, { generation: 'ml2-zed', engine: 'MariaDB' }),
  churn: () => churn(3),
  // A bridge holds 1,023 ports at most.
  'growth-taps': () =>
    growing('taps on the host', [1, 10, 100, 1_000, 4_000], (ports) => ({
      ports,
      networks: Math.max(1, ports / 1_000),
    })),
  'growth-networks': () =>
    growing('networks of 1,000 taps', [1, 10, 100, 1_000], (networks) => ({ ports: 1_000, networks })),
  'tunnel-poll-postgresql': () => tunnelPolls('PostgreSQL', true),
  'tunnel-poll-postgresql-without': () => tunnelPolls('PostgreSQL', false),
  'tunnel-poll-mariadb': () => tunnelPolls('MariaDB', true),
  'flood-entries': () => floodEntries(50, 200),
  'make-tunnels': () => makeTunnels(1_000, 2),
  'fleet-postgresql': () => fleet('PostgreSQL', THOUSAND),
  'fleet-mariadb': () => fleet('MariaDB', THOUSAND),
};

/** Those that are only run when they are asked for by name. */
const APART: Readonly<Record<string, Scenario>> = {
  'churn-hour': () => churn(60),
  'fleet-sized-postgresql': () => fleet('PostgreSQL', { ...fleetOf(agents), pooled: true }),
  'fleet-sized-mariadb': () => fleet('MariaDB', fleetOf(agents)),
  'fleet-sized-mysql': () => fleet('MySQL', fleetOf(agents)),
};

/** Wiring and steady polls at each size, for the plot along this axis. */
async function growing(
  axis: Axis,
  sizes: readonly number[],
  cloudOf: (size: number) => { readonly ports: number; readonly networks: number },
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const x of sizes) {
    const { ports, networks } = cloudOf(x);
    rows.push({
      ...(await wireAll({ ports, networks })),
      point: { series: 'wiring them all (ms)', x, axis },
    });
    rows.push({
      ...(await steadyTaps(ports, networks)),
      point: { series: 'steady poll (ms CPU)', x, axis },
    });
  }
  return rows;
}

const RESULTS = fileURLToPath(new URL('./results/', import.meta.url));

async function main(): Promise<void> {
  const names = values.only ?? Object.keys(SCENARIOS);
  const rows: Row[] = [];
  for (const name of names) {
    const scenario = SCENARIOS[name] ?? APART[name];
    if (scenario === undefined) {
      const all = Object.keys({ ...SCENARIOS, ...APART });
      throw new Error(`no scenario ${name}; there are ${all.join(', ')}`);
    }
    process.stderr.write(`${name} …\n`);
    try {
      rows.push(...[await scenario()].flat());
    } catch (error) {
      // The others are measured all the same; the exit code tells.
      process.stderr.write(`${name} failed: ${messageOf(error)}\n`);
      process.exitCode = 1;
    }
    if (values.only === undefined) writeResults(rows);
  }
  process.stdout.write(`${values.json === true ? JSON.stringify(rows, null, 2) : asMarkdown(rows)}\n`);
}

/** After every scenario: a run that is cut short leaves what it has measured. */
function writeResults(rows: readonly Row[]): void {
  mkdirSync(RESULTS, { recursive: true });
  const texts = {
    json: `${JSON.stringify(rows, null, 2)}\n`,
    md: `# Benchmark results\n\n${asMarkdown(rows)}\n\n## How cost grows\n\n${growth(rows)}\n`,
  };
  for (const [ending, text] of Object.entries(texts)) writeFileSync(`${RESULTS}results.${ending}`, text);
  for (const axis of AXES) {
    const svg = plotOf(axis, rows);
    if (svg !== '') writeFileSync(`${RESULTS}${axis.replaceAll(/[ ,]+/g, '-')}.svg`, svg);
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
