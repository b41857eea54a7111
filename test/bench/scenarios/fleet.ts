import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestServer } from '../../support/databases/servers.js';
import { endProcess } from '../../support/host/netns.js';
import { figuresOf, type Row } from '../measure.js';
import { cpuMs, serverCpuMs } from '../processes.js';
import { type Bench, cloudOn, withBench } from '../stage.js';

const AGENTS = 1_000;
const PROCESSES = 4;
const TAPS_PER_AGENT = 50;
const NETWORKS = 1_000;
const WARM_UP_MS = 20_000;
const WINDOW_MS = 5_000;
const WINDOWS = 6;
const OUTAGE_MS = 8_000;
const BACK_MS = 20_000;
const SLICE_MS = 100;

interface Fleet {
  readonly children: readonly ChildProcess[];
  /** When each poll was answered, and for which agent. */
  readonly polls: { readonly atMs: number; readonly agent: number; readonly ports: number }[];
}

function startFleet(bench: Bench, server: TestServer): Fleet {
  const polls: { atMs: number; agent: number; ports: number }[] = [];
  const program = fileURLToPath(new URL('../fleet-worker.ts', import.meta.url));
  const each = AGENTS / PROCESSES;
  const children = Array.from({ length: PROCESSES }, (_, at) => {
    const child = fork(program, [server.engine, server.port, at * each, each, NETWORKS].map(String));
    bench.after(() => endProcess(child));
    child.on('message', (message: { agent: number; ports: number }) => {
      polls.push({ atMs: performance.now(), ...message });
    });
    return child;
  });
  return { children, polls };
}

/** A thousand agents at an interval of 2 s on one server: its CPU, theirs, and how they come back after an outage. */
export const fleet = (engine: TestServer['engine']): Promise<Row[]> =>
  withBench(async (bench) => {
    const name = engine === 'mysql' ? 'MariaDB' : 'PostgreSQL';
    const ports = AGENTS * TAPS_PER_AGENT;
    const server = await cloudOn(bench, { ports, networks: NETWORKS }, { engine, connections: AGENTS + 50 });
    const fleet = startFleet(bench, server);
    await delay(WARM_UP_MS);
    const load = await steadyLoad(server, fleet);
    const back = await comingBack(server, fleet);
    const what = `${AGENTS} agents of ${TAPS_PER_AGENT} taps on one ${name}`;
    const aim = (text: string, reached: boolean) => ({ text, reached });
    const row = { scenario: `fleet-${engine}`, floor: null, aim: null };
    const due = (AGENTS * WINDOW_MS) / 2_000;
    return [
      {
        ...row,
        what: `${what}: CPU of the server`,
        unit: '% of a core',
        measured: figuresOf(load.server),
        aim: aim('< 100 %', figuresOf(load.server).median < 100),
      },
      {
        ...row,
        what: `${what}: CPU of all agents' database code`,
        unit: '% of a core',
        measured: figuresOf(load.agents),
      },
      {
        ...row,
        what: `${what}: polls answered of those that were due`,
        unit: '%',
        measured: figuresOf(load.answered.map((count) => (100 * count) / due)),
      },
      {
        ...row,
        what: `${what}: agents answered in the busiest 100 ms after an outage`,
        unit: 'agents',
        measured: figuresOf([back.busiest]),
        floor: { what: 'spread evenly over an interval', figures: figuresOf([(AGENTS * SLICE_MS) / 2_000]) },
        aim: aim('no herd: < 20 % of them', back.busiest < AGENTS / 5),
      },
      {
        ...row,
        what: `${what}: outage over until all are served again`,
        unit: 'ms',
        measured: figuresOf([back.allMs]),
      },
    ];
  });

async function steadyLoad(server: TestServer, { children, polls }: Fleet) {
  const load = { server: [] as number[], agents: [] as number[], answered: [] as number[] };
  const agentsCpuMs = (): number => children.reduce((sum, { pid = 0 }) => sum + cpuMs(pid), 0);
  for (let window = 0; window < WINDOWS; window += 1) {
    const before = [serverCpuMs(server), agentsCpuMs(), polls.length] as const;
    await delay(WINDOW_MS);
    load.server.push((100 * (serverCpuMs(server) - before[0])) / WINDOW_MS);
    load.agents.push((100 * (agentsCpuMs() - before[1])) / WINDOW_MS);
    load.answered.push(polls.length - before[2]);
  }
  if (polls.some(({ ports }) => ports !== TAPS_PER_AGENT)) throw new Error('an agent did not find its ports');
  return load;
}

/** The server stops and starts again: how many agents come back at once, and how long the last one takes. */
async function comingBack(
  server: TestServer,
  { polls }: Fleet,
): Promise<{ readonly busiest: number; readonly allMs: number }> {
  await server.stop();
  await delay(OUTAGE_MS);
  const before = polls.length;
  await server.start();
  const startedMs = performance.now();
  await delay(BACK_MS);
  const first = new Map<number, number>();
  for (const { agent, atMs } of polls.slice(before)) if (!first.has(agent)) first.set(agent, atMs);
  const slices = new Map<number, number>();
  for (const atMs of first.values()) {
    const slice = Math.floor(atMs / SLICE_MS);
    slices.set(slice, (slices.get(slice) ?? 0) + 1);
  }
  if (first.size < AGENTS) throw new Error(`only ${first.size} agents came back within ${BACK_MS} ms`);
  return { busiest: Math.max(...slices.values()), allMs: Math.max(...first.values()) - startedMs };
}
