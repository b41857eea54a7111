import { type Agent, startAgent } from '../../src/agent/agent.js';
import type { Surroundings } from '../../src/agent/state.js';
import type { AgentEvent, PassReport, Settings } from '../../src/model/index.js';
import type { Bug } from './bugs.js';
import { makeClock } from './clock.js';
import { makeCloud } from './cloud.js';
import { type DatabaseEdges, openSimulatedDatabase, untilDeath } from './database.js';
import { makeHost } from './host.js';
import { makeOracle, type Oracle } from './oracle.js';
import { makeRandom, mixed } from './random.js';
import type { Scene } from './scene.js';
import { type Happening, KINDS, scriptOf } from './script.js';
import { settle } from './settle.js';
import { makeStage, type Stage } from './stage.js';
import { type Disk, openSimulatedStore } from './store.js';
import { describeEvent, describeOutcome, describeTelling, type Trace } from './trace.js';
import { fairWeather } from './weather.js';

/** One run of one seed. */
export interface Run {
  readonly seed: number;
  /** The first thing that the contract forbids; null: nothing. */
  readonly fault: string | null;
  readonly script: readonly Happening[];
  /** How much was seen, to tell a run that tried nothing from one that found nothing. */
  readonly counts: { readonly operations: number; readonly passes: number; readonly starts: number };
}

export interface RunOptions {
  readonly bug?: Bug;
  /** What happens, instead of what the seed says. */
  readonly script?: readonly Happening[];
  readonly trace?: Trace;
}

/** The agent that runs, and what it last reported. */
interface Life {
  readonly agent: Agent;
  alive: boolean;
}

/** Runs the whole agent through everything that the seed brings; ends at the first fault, or settled. */
export async function simulate(seed: number, options: RunOptions = {}): Promise<Run> {
  const trace = options.trace ?? null;
  const stage = stageOf(seed);
  const clock = makeClock();
  const random = makeRandom(mixed(seed, 2));
  const cloud = makeCloud(stage.generation, clock);
  const weather = fairWeather();
  const disk: Disk = new Map();
  const counts = { operations: 0, passes: 0, starts: 0 };
  let life: Life | null = null;
  let report: PassReport | null = null;
  let polls = 0;
  const note = (text: () => string): void => trace?.add(clock.monotonicMs(), text);

  const host = makeHost(stage.links, {
    clock,
    random,
    weather,
    worked: (before, after) => oracle.worked(before, after),
    ended: (outcome) => {
      counts.operations += 1;
      note(() => describeOutcome(outcome));
      oracle.ended(outcome);
    },
    kill: () => kill(),
  });
  const oracle: Oracle = makeOracle({
    settings: () => stage.settings,
    now: host.now,
    nowMs: clock.monotonicMs,
    foreign: stage.foreign,
  });
  const heard = (event: AgentEvent): void => {
    note(() => describeEvent(event));
    oracle.heard(event);
    if (event.kind !== 'pass') return;
    counts.passes += 1;
    if (event.report.generation === null) return;
    report = event.report;
    polls += 1;
  };
  const endLife = (): void => {
    if (life !== null) life.alive = false;
    life = null;
    weather.killIn = null;
    weather.killAtStore = null;
    clock.after(random.between(50, 5_000), start);
  };
  const kill = (): void => {
    if (life === null) return;
    note(() => 'the agent is dead');
    endLife();
  };
  function start(): void {
    counts.starts += 1;
    oracle.agentStarted();
    note(() => 'an agent starts');
    const isAlive = (): boolean => mine.alive;
    const mine = { alive: true } as { alive: boolean; agent: Agent };
    const edges = edgesOf(isAlive);
    mine.agent = startAgent(
      options.bug?.edges?.(edges, host, random) ?? edges,
      agentSettings(stage, options.bug),
    );
    life = mine;
    void mine.agent.ended.then(() => {
      if (life === mine) endLife();
    });
  }
  const databaseEdges = (isAlive: () => boolean): DatabaseEdges => ({
    clock,
    cloud,
    random,
    weather: () => weather.database,
    linksNow: () => new Set(host.now().links.keys()),
    tells: (telling) => {
      if (!isAlive()) return;
      note(() => describeTelling(telling));
      oracle.tells(telling);
    },
    writes: oracle.writes,
    overlaps: (what) => oracle.fault(`${what} began while another call was in hand`),
  });
  const edgesOf = (isAlive: () => boolean): Surroundings => ({
    kernel: host.open(isAlive),
    clock: {
      ...clock,
      after: (delayMs, wake) => clock.after(delayMs, () => isAlive() && wake()),
    },
    openDatabase: () => untilDeath(openSimulatedDatabase(databaseEdges(isAlive)), isAlive),
    store: openSimulatedStore(disk, clock, {
      before: () => {
        if (weather.killAtStore === 'before') kill();
        else if (!weather.storeWritable) throw new Error('no space left on device');
      },
      after: () => {
        oracle.kept();
        if (weather.killAtStore === 'after') kill();
      },
      reaches: isAlive,
    }),
    observer: (event) => isAlive() && heard(event),
    random: random.next,
    version: 'simulated',
  });
  const scene: Scene = {
    clock,
    cloud,
    host,
    weather,
    stage,
    oracle,
    agent: () => life?.agent ?? null,
    kill,
    stop: () => void life?.agent.stop(),
    note,
  };

  const script = options.script ?? scriptOf(seed, stage.settings.pollingIntervalMs, clock.monotonicMs());
  for (const happening of script) schedule(scene, happening);
  const goesOn = (): boolean => {
    oracle.eventOver();
    return oracle.faults.length === 0;
  };
  await unlessCrashed(oracle, async () => {
    start();
    await clock.runUntil(Math.max(...script.map(({ atMs }) => atMs), clock.monotonicMs()), goesOn);
    if (goesOn()) await settle(scene, { goesOn, report: () => report, polls: () => polls });
  });
  return { seed, fault: oracle.faults[0] ?? null, script, counts };
}

/** An error that nobody catches ends the agent's process in earnest. */
async function unlessCrashed(oracle: Oracle, work: () => Promise<void>): Promise<void> {
  const crash = (error: unknown): void =>
    oracle.fault(`the agent has crashed: ${error instanceof Error ? error.stack : String(error)}`);
  process.on('unhandledRejection', crash);
  try {
    await work();
  } catch (error) {
    crash(error);
  } finally {
    process.off('unhandledRejection', crash);
  }
}

function schedule(scene: Scene, { atMs, kind, seed }: Happening): void {
  scene.clock.after(atMs - scene.clock.monotonicMs(), () => {
    const what = KINDS[kind]?.happen(scene, makeRandom(seed)) ?? null;
    if (what !== null) scene.note(() => `${kind}: ${what}`);
  });
}

/** The contract is the one of the settings that the operator has written, whatever a bug makes of them. */
const stageOf = (seed: number): Stage => makeStage(makeRandom(mixed(seed, 3)));

const agentSettings = ({ settings }: Stage, bug: Bug | undefined): Settings =>
  bug?.settings?.(settings) ?? settings;
