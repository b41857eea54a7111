import { fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestServer } from '../../support/databases/servers.js';
import { endProcess } from '../../support/host/netns.js';
import { type Figures, figuresOf, type Row } from '../measure.js';
import { cpuMs, rssMb } from '../processes.js';
import {
  addPorts,
  type Bench,
  type CloudOn,
  cloudOn,
  hostWithTaps,
  runningAgent,
  withBench,
} from '../stage.js';

const WINDOWS = 5;
const WINDOW_MS = 4_000;
/** Until the first pass is made, the statuses are written and the code is warm. */
const WARM_UP_MS = 6_000;
const POLLING_INTERVAL_MS = 200;
/** Until an agent that polls every 2 s has left its start behind. */
const AT_REST_MS = 45_000;

/** CPU of a process for each poll, over several windows. */
async function cpuPerPoll(pid: number, pollsIn: () => number): Promise<Figures> {
  const samples: number[] = [];
  for (let window = 0; window < WINDOWS; window += 1) {
    const [before, polls] = [cpuMs(pid), pollsIn()];
    await delay(WINDOW_MS);
    samples.push((cpuMs(pid) - before) / Math.max(1, pollsIn() - polls));
  }
  return figuresOf(samples);
}

const byClock = (): number => performance.now() / POLLING_INTERVAL_MS;

/** CPU of the agent for one poll in which nothing changes; the taps are in `networks` networks. */
async function agentPerPoll(
  server: TestServer,
  taps: number,
): Promise<{ readonly cpu: Figures; readonly rss: number }> {
  return withBench(async (bench) => {
    const namespace = hostWithTaps(bench, taps);
    const pollingInterval = POLLING_INTERVAL_MS / 1000;
    const agent = await runningAgent(bench, namespace, server, { pollingInterval });
    await delay(WARM_UP_MS);
    const cpu = await cpuPerPoll(agent.pid, byClock);
    return { cpu, rss: rssMb(agent.pid) };
  });
}

/** The same with a program that only polls: `own` rows as the agent asks for them, or `all` of the tables. */
async function barePerPoll(
  bench: Bench,
  server: TestServer,
  taps: number,
  networks: number,
  kind: 'own' | 'all',
): Promise<Figures> {
  const program = fileURLToPath(new URL('../bare-poller.ts', import.meta.url));
  const words = [server.folder, server.port, taps, networks, kind].map(String);
  const child = fork(program, words);
  bench.after(() => endProcess(child));
  let polls = 0;
  child.on('message', () => {
    polls += 1;
  });
  await delay(WARM_UP_MS);
  const figures = await cpuPerPoll(child.pid ?? 0, () => polls);
  await endProcess(child);
  return figures;
}

/** What a steady poll costs while the cloud grows around a host of 1,000 taps. */
export const steadyPolls = (clouds: readonly number[]): Promise<Row[]> =>
  withBench(async (bench) => {
    const [taps, networks] = [1_000, 100];
    const server = await cloudOn(bench, { ports: taps, networks });
    const rows: Row[] = [];
    let ports = taps;
    for (const cloud of clouds) {
      if (cloud > ports) await addPorts(server, [ports + 1, cloud], networks, 'OTHER');
      ports = cloud;
      const { cpu, rss } = await agentPerPoll(server, taps);
      const floor = await barePerPoll(bench, server, taps, networks, 'own');
      const point = { axis: 'ports in the cloud', x: cloud } as const;
      const what = `${taps} taps here, ${cloud} ports in the cloud`;
      rows.push(
        {
          scenario: 'steady-poll',
          what: `agent CPU per steady poll, ${what}`,
          unit: 'ms CPU',
          measured: cpu,
          floor: { what: 'only the statements', figures: floor },
          aim: { text: '< 5 ms', reached: cpu.median < 5 },
          point: { ...point, series: 'agent' },
        },
        {
          scenario: 'cpu-share',
          what: `agent CPU at polling_interval 0.2, ${what}`,
          unit: '% of a core',
          measured: scaled(cpu, 100 / POLLING_INTERVAL_MS),
          floor: null,
          aim: { text: '< 3 %', reached: (cpu.median * 100) / POLLING_INTERVAL_MS < 3 },
        },
        {
          scenario: 'memory',
          what: `RSS of the agent, ${what}`,
          unit: 'MB',
          measured: figuresOf([rss]),
          floor: null,
          aim: { text: '< 90 MB', reached: rss < 90 },
        },
      );
      if (cloud > 100_000) continue;
      rows.push({
        scenario: 'select-all',
        what: `SELECT * of the tables, CPU per poll of a bare client, ${cloud} ports in the cloud`,
        unit: 'ms CPU',
        measured: await barePerPoll(bench, server, taps, networks, 'all'),
        floor: { what: 'the agent', figures: cpu },
        aim: null,
        point: { ...point, series: 'SELECT *' },
      });
    }
    return rows;
  });

const scaled = ({ count, min, median, p99, max }: Figures, by: number): Figures => ({
  count,
  min: min * by,
  median: median * by,
  p99: p99 * by,
  max: max * by,
});

/** What a steady poll costs on one host, for its growth. */
export const steadyTaps = (taps: number, networks: number): Promise<Row> =>
  withBench(async (bench) => {
    const server = await cloudOn(bench, { ports: taps, networks });
    const { cpu } = await agentPerPoll(server, taps);
    return {
      scenario: 'steady-taps',
      what: `agent CPU per steady poll, ${taps} taps in ${networks} network(s)`,
      unit: 'ms CPU',
      measured: cpu,
      floor: null,
      aim: null,
    };
  });

/** CPU of the agent while nothing happens, at the usual interval. */
export const idle = (taps: number, on: CloudOn = {}): Promise<Row> =>
  withBench(async (bench) => {
    const server = await cloudOn(bench, { ports: taps, networks: 30 }, on);
    const where = `${on.generation === 'ml2-zed' ? 'ML2' : 'Grizzly'} on ${on.engine === 'MariaDB' ? 'MariaDB' : 'PostgreSQL'}`;
    const namespace = hostWithTaps(bench, taps);
    const agent = await runningAgent(bench, namespace, server, { pollingInterval: 2 });
    await delay(AT_REST_MS);
    const before = cpuMs(agent.pid);
    await delay(60_000);
    const measured = figuresOf([(cpuMs(agent.pid) - before) / 1000]);
    return {
      scenario: 'idle',
      what: `agent CPU in a minute, ${taps} taps, ${where}, nothing happens, polling every 2 s`,
      unit: 's CPU',
      measured,
      floor: null,
      aim: { text: '< 0.10 s', reached: measured.max < 0.1 },
    };
  });
