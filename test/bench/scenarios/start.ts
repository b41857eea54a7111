import type { TestServer } from '../../support/databases/servers.js';
import { PROGRAM, runCli } from '../../support/host/agent.js';
import { command, ip, ipBatch } from '../../support/host/netns.js';
import { bareWiring } from '../floors.js';
import { type Figures, figuresOf, type Row, timed } from '../measure.js';
import {
  asInstalled,
  bridgeOf,
  type Cloud,
  cloudOn,
  configFor,
  hostOf,
  hostWithTaps,
  PHYSICAL_NETWORK,
  tapOf,
  UPLINK,
  withBench,
} from '../stage.js';

const RUNS = 5;
const cli = (namespace: string, args: readonly string[]) => runCli(namespace, args, asInstalled());

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

/** Does something on a new host with the taps of the cloud, several times; `work` gives its milliseconds. */
async function onNewHosts(
  cloud: Cloud,
  work: (namespace: string) => number | Promise<number>,
  runs = RUNS,
): Promise<Figures> {
  const samples: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    samples.push(await withBench(async (bench) => work(hostOf(bench, cloud))));
  }
  return figuresOf(samples);
}

const wiredByAgent = (server: TestServer, cloud: Cloud): Promise<Figures> => {
  const mappings = cloud.segment === 'flat' ? `${PHYSICAL_NETWORK}:${UPLINK}` : '';
  const config = configFor(server, { pollingInterval: 2, mappings });
  return onNewHosts(cloud, async (namespace) => {
    const { stdout } = await cli(namespace, ['--config-file', config.path, '--json', 'once']);
    return (JSON.parse(stdout) as { timings: { applyMs: number } }).timings.applyMs;
  });
};

const bareLoop = (cloud: Cloud): Promise<Figures> =>
  onNewHosts(cloud, (namespace) => withBench(async (bench) => bareWiring(bench, namespace, cloud)));

/** Taps that are there at once are wired by one `once`: its apply and verify, beside a bare loop of the same requests. */
export const wireAll = (cloud: Cloud, aim: Aim | null = null): Promise<Row> =>
  withBench(async (bench) => {
    const server = await cloudOn(bench, cloud);
    const { ports, networks, segment = 'local' } = cloud;
    const measured = await wiredByAgent(server, cloud);
    const floor = await bareLoop(cloud);
    return {
      scenario: 'wire-all',
      what: `${ports} taps in ${networks} ${segment} network(s) at once, apply and verify`,
      unit: 'ms',
      measured,
      floor: { what: 'bare loop of the same requests', figures: floor },
      aim: aim === null ? null : { text: aim.text, reached: aim.isReached(measured.median, floor.median) },
    };
  });

export interface Aim {
  readonly text: string;
  isReached(measured: number, floor: number): boolean;
}

/** The same changes as a shell would make them. */
export async function wireByShell(cloud: Cloud): Promise<Row[]> {
  const batch = await onNewHosts(cloud, (namespace) => timed(() => ipBatch(namespace, shellLines(cloud))));
  const one = await onNewHosts(
    cloud,
    (namespace) =>
      timed(() => {
        for (const line of shellLines(cloud)) ip(namespace, ...line.split(' '));
      }),
    1,
  );
  const floor = { what: 'bare loop of the same requests', figures: await bareLoop(cloud) };
  const what = `${cloud.ports} taps in ${cloud.networks} network(s)`;
  return [
    comparison('shell', `${what}: one ip -batch, without labels and sysctls`, batch, floor),
    comparison('shell', `${what}: one ip process per change`, one, floor),
  ];
}

const comparison = (scenario: string, what: string, measured: Figures, floor: Row['floor']): Row => ({
  scenario,
  what,
  unit: 'ms',
  measured,
  floor,
  aim: null,
});

/** A host that is right already: the whole process of `plan`, from start to exit. */
export const coldStart = (taps: number): Promise<Row> =>
  withBench(async (bench) => {
    const server = await cloudOn(bench, { ports: taps, networks: 100 });
    const config = configFor(server, { pollingInterval: 2 });
    const namespace = hostWithTaps(bench, taps);
    await cli(namespace, ['--config-file', config.path, 'once']);
    const samples: number[] = [];
    const floors: number[] = [];
    for (let run = 0; run < 2 * RUNS; run += 1) {
      samples.push(
        await timed(async () => {
          const { code, stderr } = await cli(namespace, ['--config-file', config.path, 'plan']);
          if (code !== 0) throw new Error(`plan ended with ${code}: ${stderr}`);
        }),
      );
      floors.push(await timed(() => command(process.execPath, PROGRAM, '--version')));
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
