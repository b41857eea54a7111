import { runCli } from '../../support/agent.js';
import { ipBatch } from '../../support/netns.js';
import { startPostgres } from '../../support/postgres.js';
import type { TestServer } from '../../support/schema-servers.js';
import { createSchema } from '../../support/schema-tables.js';
import { figuresOf, type Row, timed } from '../measure.js';
import {
  type Bench,
  bridgeOf,
  type Cloud,
  configFor,
  fillCloud,
  hostWithTaps,
  tapOf,
  withBench,
} from '../stage.js';

const RUNS = 5;

async function cloudOn(bench: Bench, cloud: Cloud): Promise<TestServer> {
  const server = await startPostgres({ settings: ['log_statement=none'] });
  bench.after(() => server.destroy());
  await createSchema(server, 'grizzly');
  await fillCloud(server, cloud);
  return server;
}

/** What a user would write instead of the agent: the same bridges and attachments by `ip`. */
const shellLines = ({ ports, networks }: Cloud): string[] => [
  ...Array.from(
    { length: networks },
    (_, index) => `link add ${bridgeOf(index + 1)} type bridge forward_delay 0 stp_state 0`,
  ),
  ...Array.from({ length: networks }, (_, index) => `link set ${bridgeOf(index + 1)} up`),
  ...Array.from(
    { length: ports },
    (_, index) => `link set ${tapOf(index + 1)} master ${bridgeOf((index % networks) + 1)}`,
  ),
  ...Array.from({ length: ports }, (_, index) => `link set ${tapOf(index + 1)} up`),
];

/** All taps of a host are wired by one `once`: the time of its apply stage, and `ip -batch` beside it. */
export const wireAll = (
  cloud: Cloud,
  aim: Row['aim'] | ((medianMs: number, floorMs: number) => boolean),
  aimText: string,
): Promise<Row> =>
  withBench(async (bench) => {
    const server = await cloudOn(bench, cloud);
    const config = configFor(server, { pollingInterval: 2 });
    const samples: number[] = [];
    const floors: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      await withBench(async (inner) => {
        const namespace = hostWithTaps(inner, cloud.ports);
        const { stdout } = await runCli(namespace, ['--config-file', config.path, '--json', 'once']);
        samples.push((JSON.parse(stdout) as { timings: { applyMs: number } }).timings.applyMs);
      });
      await withBench(async (inner) => {
        const namespace = hostWithTaps(inner, cloud.ports);
        floors.push(await timed(() => ipBatch(namespace, shellLines(cloud))));
      });
    }
    const [measured, floor] = [figuresOf(samples), figuresOf(floors)];
    const reached = typeof aim === 'function' ? aim(measured.median, floor.median) : (aim?.reached ?? false);
    return {
      scenario: 'wire-all',
      what: `${cloud.ports} taps in ${cloud.networks} network(s) at once, apply stage`,
      unit: 'ms',
      measured,
      floor: { what: 'one ip -batch, without labels and sysctls', figures: floor },
      aim: { text: aimText, reached },
      point: { series: `${cloud.networks} network(s)`, x: cloud.ports, axis: 'taps wired at once' },
    };
  });

/** A host that is right already: the whole process of `plan`, from start to exit. */
export const coldStart = (taps: number): Promise<Row> =>
  withBench(async (bench) => {
    const server = await cloudOn(bench, { ports: taps, networks: 100 });
    const config = configFor(server, { pollingInterval: 2 });
    const namespace = hostWithTaps(bench, taps);
    await runCli(namespace, ['--config-file', config.path, 'once']);
    const samples: number[] = [];
    const floors: number[] = [];
    for (let run = 0; run < 2 * RUNS; run += 1) {
      samples.push(
        await timed(async () => {
          const { code, stderr } = await runCli(namespace, ['--config-file', config.path, 'plan']);
          if (code !== 0) throw new Error(`plan ended with ${code}: ${stderr}`);
        }),
      );
      floors.push(await timed(() => runCli(namespace, ['--version'])));
    }
    const measured = figuresOf(samples);
    return {
      scenario: 'cold-start',
      what: `first clean plan, process start to exit, ${taps} taps already right`,
      unit: 'ms',
      measured,
      floor: { what: 'the program with --version', figures: figuresOf(floors) },
      aim: { text: '< 500 ms, zero operations', reached: measured.median < 500 },
    };
  });
