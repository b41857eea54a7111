import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { EngineName } from '../../support/databases/engines.js';
import { type Pooler, startPgbouncer } from '../../support/databases/pgbouncer.js';
import { type TestServer, waitUntil } from '../../support/databases/servers.js';
import { endProcess } from '../../support/host/netns.js';
import type { Beating, FleetPart, Told } from '../fleet-worker.js';
import { figuresOf, type Row } from '../measure.js';
import { cpuMs, privateMb, serverCpuMs, serverPrivateMb } from '../processes.js';
import { type Bench, cloudOn, withBench } from '../stage.js';

const PROCESSES = 4;
const TAPS_PER_AGENT = 50;
const NETWORKS = 1_000;
const WINDOWS = 6;
const OUTAGE_MS = 8_000;
const SLICE_MS = 100;
/** Of the pooler, for all agents. */
const SESSIONS = 20;
/** Polls of 10,000 hosts at the default interval. */
const AIMED_POLLS_A_SECOND = 5_000;
/** Agents that beat, of each so many. */
const BEATING_SHARE = 10;

/** How many agents, and what two cores carry of them. */
export interface FleetSize {
  readonly agents: number;
  readonly intervalMs: number;
  readonly startMs: number;
  readonly windowMs: number;
  /** An agent that is served later than this after an outage is none that comes back. */
  readonly backLimitMs: number;
  readonly pooled: boolean;
}

export const THOUSAND: FleetSize = {
  agents: 1_000,
  intervalMs: 2_000,
  startMs: 20_000,
  windowMs: 5_000,
  backLimitMs: 60_000,
  pooled: false,
};
/** The polls, and the new sessions at the start, that two cores carry beside other work, however many agents there are. */
export const fleetOf = (agents: number): FleetSize => ({
  agents,
  intervalMs: agents * 6,
  startMs: agents * 60,
  windowMs: 15_000,
  backLimitMs: 900_000,
  pooled: false,
});
interface Fleet {
  readonly size: FleetSize;
  readonly server: TestServer;
  readonly pooler: Pooler | null;
  readonly children: readonly ChildProcess[];
  /** When each poll was answered, and for which agent. */
  readonly polls: { readonly atMs: number; readonly agent: number }[];
  readonly beats: { count: number };
}

async function startFleet(bench: Bench, engine: EngineName, size: FleetSize): Promise<Fleet> {
  const { agents, intervalMs, startMs } = size;
  const cloud = { ports: agents * TAPS_PER_AGENT, networks: NETWORKS };
  const connections = size.pooled ? SESSIONS + 20 : 2 * agents + 50;
  const server = await cloudOn(bench, cloud, { engine, connections });
  const clients = 2 * agents + 50;
  const pooler = size.pooled
    ? await startPgbouncer(server, 'transaction', { sessions: SESSIONS, clients })
    : null;
  if (pooler !== null) bench.after(() => pooler.stop());
  const { password: _, ...through } = server.client(pooler === null ? {} : { port: pooler.port });
  const polls: Fleet['polls'] = [];
  const beats = { count: 0 };
  const program = fileURLToPath(new URL('../fleet-worker.ts', import.meta.url));
  const count = agents / PROCESSES;
  const children = Array.from({ length: PROCESSES }, (_, at) => {
    const part: FleetPart = {
      ...{ server: through, from: at * count, count, networks: NETWORKS },
      ...{ intervalMs, startMs },
    };
    const child = fork(program, [JSON.stringify(part)]);
    bench.after(() => endProcess(child));
    child.on('message', (told: Told) => {
      if ('beat' in told) beats.count += 1;
      else if (told.ports === TAPS_PER_AGENT) polls.push({ atMs: performance.now(), agent: told.agent });
      else throw new Error(`agent ${told.agent} found ${told.ports} ports`);
    });
    return child;
  });
  return { size, server, pooler, children, polls, beats };
}

const poolerCpuMs = ({ pooler }: Fleet): number => (pooler === null ? 0 : cpuMs(pooler.pid));

/** CPU time so far of the server, of the pooler before it, and of the agents' database code. */
const cpuOf = (fleet: Fleet) => ({
  server: serverCpuMs(fleet.server),
  pooler: poolerCpuMs(fleet),
  agents: fleet.children.reduce((sum, { pid = 0 }) => sum + cpuMs(pid), 0),
});
type Cpu = ReturnType<typeof cpuOf>;
const since = (fleet: Fleet, before: Cpu): Cpu => {
  const now = cpuOf(fleet);
  return {
    server: now.server - before.server,
    pooler: now.pooler - before.pooler,
    agents: now.agents - before.agents,
  };
};

/** Waits until every agent has been served since a moment. When each was for the first time. */
async function servedSince({ size, polls }: Fleet, from: number, limitMs: number): Promise<number[]> {
  const first = new Map<number, number>();
  let seen = from;
  const areAllServed = (): boolean => {
    for (; seen < polls.length; seen += 1) {
      const poll = polls[seen];
      if (poll !== undefined && !first.has(poll.agent)) first.set(poll.agent, poll.atMs);
    }
    return first.size === size.agents;
  };
  await waitUntil(areAllServed, 'every agent is served', limitMs).catch((error: Error) => {
    throw new Error(`${error.message}: ${first.size} of ${size.agents} are`);
  });
  return [...first.values()];
}

/** What it costs to come: connection, schema, first poll; and what a connection takes of memory. */
async function coming(fleet: Fleet) {
  const { size, server, pooler } = fleet;
  const memory = (): number => (pooler === null ? serverPrivateMb(server) : privateMb(pooler.pid));
  const [before, beforeMb] = [cpuOf(fleet), memory()];
  await servedSince(fleet, 0, size.startMs + size.backLimitMs);
  const cpu = since(fleet, before);
  const [each, pollers] = [(1_000 * (memory() - beforeMb)) / size.agents, serverPrivateMb(server)];
  return { serverMs: (cpu.server + cpu.pooler) / size.agents, connectionKb: each, sessionsMb: pollers };
}

async function steadyLoad(fleet: Fleet) {
  const { size, polls } = fleet;
  const load = {
    server: [] as number[],
    pooler: [] as number[],
    agents: [] as number[],
    answered: [] as number[],
  };
  for (let window = 0; window < WINDOWS; window += 1) {
    const [before, count] = [cpuOf(fleet), polls.length];
    await delay(size.windowMs);
    const [cpu, answered] = [since(fleet, before), polls.length - count];
    for (const part of ['server', 'pooler', 'agents'] as const) load[part].push(cpu[part] / answered);
    load.answered.push(answered);
  }
  return load;
}

/** CPU of the server for one heartbeat: what is more than for the polls, once each that beats has its row. */
async function beatingLoad(fleet: Fleet, pollMs: number): Promise<number> {
  const { size, children, polls, beats } = fleet;
  const everyMs = size.intervalMs / BEATING_SHARE;
  const beating: Beating = { agents: size.agents / PROCESSES / BEATING_SHARE, everyMs };
  for (const child of children) child.send(beating);
  await waitUntil(
    () => beats.count >= (2 * size.agents) / BEATING_SHARE,
    'every heart beats',
    size.backLimitMs,
  );
  const [before, pollCount, beatCount] = [cpuOf(fleet), polls.length, beats.count];
  await delay(size.windowMs * 2);
  const cpu = since(fleet, before);
  return (
    (cpu.server + cpu.pooler - (polls.length - pollCount) * pollMs) / Math.max(1, beats.count - beatCount)
  );
}

/** The server stops and starts again: how many agents come back at once, how long the last one takes, and what it costs. */
async function comingBack(fleet: Fleet) {
  const { size, server, polls } = fleet;
  await server.stop();
  await delay(OUTAGE_MS);
  const [from, before] = [polls.length, poolerCpuMs(fleet)];
  await server.start();
  const startedMs = performance.now();
  const times = await servedSince(fleet, from, size.backLimitMs);
  const slices = new Map<number, number>();
  for (const atMs of times) {
    const slice = Math.floor(atMs / SLICE_MS);
    slices.set(slice, (slices.get(slice) ?? 0) + 1);
  }
  return {
    busiest: Math.max(...slices.values()),
    allMs: Math.max(...times) - startedMs,
    // The server's own is that of a new process.
    serverMs: (serverCpuMs(server) + poolerCpuMs(fleet) - before) / size.agents,
  };
}

/** Agents on one server: its CPU and memory, theirs, heartbeats, and how they come back after an outage. */
export const fleet = (engine: EngineName, size: FleetSize): Promise<Row[]> =>
  withBench(async (bench) => {
    const { agents, windowMs, intervalMs, pooled } = size;
    const fleet = await startFleet(bench, engine, size);
    const came = await coming(fleet);
    const load = await steadyLoad(fleet);
    const ofAll = load.server.map((ms, at) => ms + (load.pooler[at] ?? 0));
    const beatMs = await beatingLoad(fleet, figuresOf(ofAll).median);
    const back = await comingBack(fleet);
    const aim = (text: string, reached: boolean) => ({ text, reached });
    const about = `${agents} agents of ${TAPS_PER_AGENT} taps on one ${engine}${pooled ? ' behind PgBouncer' : ''}`;
    const row = (what: string, unit: string, samples: readonly number[], more: Partial<Row> = {}): Row => ({
      ...{ scenario: `fleet-${engine}-${agents}`, what: `${about}: ${what}`, unit, floor: null, aim: null },
      ...{ measured: figuresOf(samples) },
      ...more,
    });
    const cores = figuresOf(ofAll.map((ms) => (ms * AIMED_POLLS_A_SECOND) / 1_000)).median;
    const due = (agents * windowMs) / intervalMs;
    return [
      row('CPU of the server for a poll', 'ms', load.server),
      ...(pooled ? [row('CPU of the pooler for a poll', 'ms', load.pooler)] : []),
      row(`cores for ${AIMED_POLLS_A_SECOND} polls a second`, 'cores', [cores], {
        aim: aim('< 3', cores < 3),
      }),
      row("CPU of the agents' database code for a poll", 'ms', load.agents),
      row(
        'polls answered of those that were due',
        '%',
        load.answered.map((count) => (100 * count) / due),
      ),
      row('CPU of the server for a heartbeat', 'ms', [beatMs]),
      row('CPU of the server for a new session and its first poll', 'ms', [came.serverMs]),
      row(`memory of ${pooled ? 'the pooler' : 'the server'} for a connection`, 'kB', [came.connectionKb]),
      row('memory of the server with all of them, shared buffers apart', 'MB', [came.sessionsMb]),
      row('agents answered in the busiest 100 ms after an outage', 'agents', [back.busiest], {
        floor: {
          what: 'spread evenly over an interval',
          figures: figuresOf([(agents * SLICE_MS) / intervalMs]),
        },
        aim: aim('no herd: < 20 % of them', back.busiest < agents / 5),
      }),
      row('outage over until all are served again', 'ms', [back.allMs]),
      row('CPU of the server for each that comes back', 'ms', [back.serverMs]),
    ];
  });
