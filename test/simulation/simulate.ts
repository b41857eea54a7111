import type { AgentEvent, HostState, PassReport } from '../../src/model/index.js';
import { type Agents, makeAgents } from './agents.js';
import type { Bug } from './bugs.js';
import { makeClock } from './clock.js';
import { makeCloud } from './cloud.js';
import { makeHost } from './host.js';
import { makeOracle, type Oracle } from './oracle.js';
import { makeRandom, mixed } from './random.js';
import type { Scene } from './scene.js';
import { type Happening, KINDS, scriptOf } from './script.js';
import { settle } from './settle.js';
import { makeStage } from './stage.js';
import { describeEvent, describeOutcome, type Trace } from './trace.js';
import { fairWeather } from './weather.js';

/** One run of one seed. */
export interface Run {
  readonly seed: number;
  /** The first thing that the contract forbids; null: nothing. */
  readonly fault: string | null;
  readonly script: readonly Happening[];
  readonly counts: Counts;
}

/** How much was seen, to tell a run that tried nothing from one that found nothing. */
export interface Counts {
  operations: number;
  passes: number;
  starts: number;
}

export interface RunOptions {
  readonly bug?: Bug;
  /** What happens, instead of what the seed says. */
  readonly script?: readonly Happening[];
  readonly trace?: Trace;
}

/** The world of one seed, and what its agents have reported. */
interface Play {
  readonly scene: Scene;
  readonly agents: Agents;
  readonly counts: Counts;
  /** Of the last pass with an answer. */
  report: PassReport | null;
  /** Passes with an answer. */
  polls: number;
}

/** Runs the whole agent through everything that the seed brings; ends at the first fault, or settled. */
export async function simulate(seed: number, options: RunOptions = {}): Promise<Run> {
  const play = setUp(seed, options);
  const { scene, agents, counts } = play;
  const { clock, oracle, stage } = scene;
  const script = options.script ?? scriptOf(seed, stage.settings.pollingIntervalMs, clock.monotonicMs());
  for (const happening of script) schedule(scene, happening);
  const goesOn = (): boolean => {
    oracle.eventOver();
    return oracle.faults.length === 0;
  };
  await unlessCrashed(oracle, async () => {
    agents.start();
    await clock.runUntil(Math.max(...script.map(({ atMs }) => atMs), clock.monotonicMs()), goesOn);
    if (goesOn()) await settle(scene, { goesOn, report: () => play.report, polls: () => play.polls });
  });
  return { seed, fault: oracle.faults[0] ?? null, script, counts };
}

function setUp(seed: number, { trace, bug }: RunOptions): Play {
  const stage = makeStage(makeRandom(mixed(seed, 3)));
  const clock = makeClock();
  const random = makeRandom(mixed(seed, 2));
  const cloud = makeCloud(stage.generation, clock);
  const weather = fairWeather();
  const counts: Counts = { operations: 0, passes: 0, starts: 0 };
  const note = (text: () => string): void => trace?.add(clock.monotonicMs(), text);
  const oracle: Oracle = makeOracle({
    settings: () => stage.settings,
    now: (): HostState => host.now(),
    nowMs: clock.monotonicMs,
    foreign: stage.foreign,
  });
  const host = makeHost(stage.links, {
    clock,
    random,
    weather,
    worked: oracle.worked,
    ended: (outcome) => {
      counts.operations += 1;
      note(() => describeOutcome(outcome));
      oracle.ended(outcome);
    },
    kill: () => agents.kill(),
  });
  const heard = (event: AgentEvent): void => {
    note(() => describeEvent(event));
    oracle.heard(event);
    noteEvent(play, event);
  };
  const agents: Agents = makeAgents({
    clock,
    cloud,
    host,
    weather,
    oracle,
    random,
    settings: stage.settings,
    bug: bug ?? null,
    note,
    heard,
    started: () => {
      counts.starts += 1;
    },
  });
  const { current: agent, kill, stop } = agents;
  const scene: Scene = { clock, cloud, host, weather, stage, oracle, agent, kill, stop, note };
  const play: Play = { scene, agents, counts, report: null, polls: 0 };
  return play;
}

function noteEvent(play: Play, event: AgentEvent): void {
  if (event.kind !== 'pass') return;
  play.counts.passes += 1;
  if (event.report.generation === null) return;
  play.report = event.report;
  play.polls += 1;
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
