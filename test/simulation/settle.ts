import type { Link, PassReport } from '../../src/model/index.js';
import type { Telling } from './database.js';
import { acceptAll } from './happenings-faults.js';
import { isAskedFor } from './judge-operation.js';
import { judgeSettled, judgeVanished } from './judge-settled.js';
import { knowledgeOf, rowOfTap } from './knowledge.js';
import { lastAct } from './last-act.js';
import type { Scene } from './scene.js';
import { fairWeather } from './weather.js';

/** How the run goes on, and what the agent has said. */
export interface Progress {
  readonly goesOn: () => boolean;
  /** Of the last pass with an answer. */
  readonly report: () => PassReport | null;
  /** Passes with an answer, so far. */
  readonly polls: () => number;
}

/** What has begun may end: a tap that follows its row, a call that hangs, an agent that starts again. */
const CALM_MS = 15_000;
/** Longer than any pause of a repair that was undone again and again. */
const PAUSE_MS = 330_000;
/** A name without a row is asked for again only after this time. */
const ABSENT_MS = 10_000;
/** A second operator's word is needed when one removal leads to another that the guard holds. */
const WORDS_MAX = 4;

/**
 * Ends all faults, and expects that two polls later the host is as the rows say: the plan is empty, every tap and
 * every status is right. An operator accepts what the guard holds; a repair that pauses is waited for.
 */
export async function settle(scene: Scene, progress: Progress): Promise<void> {
  const { clock, weather, oracle, note } = scene;
  await clock.runUntil(clock.monotonicMs() + CALM_MS, progress.goesOn);
  Object.assign(weather, fairWeather());
  scene.agent()?.reload(scene.stage.settings);
  note(() => 'all faults end');
  await nextPolls(scene, progress, 2);
  for (let words = 0; words < WORDS_MAX && mustWait(progress); words += 1) {
    await help(scene, progress);
  }
  judge(scene, progress, ({ name }) => isKnownByNow(oracle.lastTelling(), name));
  await clock.runUntil(clock.monotonicMs() + ABSENT_MS, progress.goesOn);
  await nextPolls(scene, progress, 2);
  judge(scene, progress, () => true);
  await lastAct(scene, progress);
}

/** A name without a row is not asked for in every poll, and libvirt gets its time to plug a tap itself. */
function isKnownByNow(telling: Telling | null, name: string): boolean {
  if (telling === null || !isAskedFor(telling, name)) return false;
  const row = rowOfTap(knowledgeOf(telling.answer), name);
  return row.kind !== 'one' || !row.port.pluggedByHypervisor;
}

function judge(
  { oracle, cloud, host, stage }: Scene,
  progress: Progress,
  isJudged: (tap: Link) => boolean,
): void {
  if (!progress.goesOn()) return;
  const report = progress.report();
  if (report === null || !report.inSync || report.pending > 0) {
    oracle.fault(`two polls after all faults the plan is not empty (${report?.pending} operations)`);
  }
  const problems = [
    ...judgeSettled(cloud.rows(), host.now(), stage.settings.host, isJudged),
    ...(cloud.hasHosts ? judgeVanished(cloud.rows(), host.now(), oracle.known()) : []),
  ];
  for (const problem of problems) oracle.fault(`two polls after all faults ${problem}`);
}

/** Something is left to do, and nothing was tried: it was undone, or has failed, again and again. */
const isPausing = (report: PassReport | null): boolean =>
  report !== null && report.pending > 0 && report.operations.length + report.failed.length === 0;

const mustWait = ({ report, goesOn }: Progress): boolean =>
  goesOn() && ((report()?.held.length ?? 0) > 0 || isPausing(report()));

async function help(scene: Scene, progress: Progress): Promise<void> {
  const { clock, oracle, note } = scene;
  if (isPausing(progress.report())) {
    await clock.runUntil(clock.monotonicMs() + PAUSE_MS, progress.goesOn);
  }
  const agent = scene.agent();
  const removals = agent === null ? 0 : acceptAll(agent);
  if (removals > 0) oracle.accepted();
  note(() => `the operator accepts ${removals} removals`);
  await nextPolls(scene, progress, 2);
}

/** Polls that begin from now on, and end. */
async function nextPolls(scene: Scene, { goesOn, polls }: Progress, count: number): Promise<void> {
  const { clock, stage } = scene;
  const { pollingIntervalMs, reconnectIntervalMs } = stage.settings;
  // A poll that is in hand already ends within this time; it is not one of them.
  await clock.runUntil(clock.monotonicMs() + 500, goesOn);
  const wanted = polls() + count;
  const untilMs = clock.monotonicMs() + count * (pollingIntervalMs + reconnectIntervalMs) + 5_000;
  await clock.runUntil(untilMs, () => goesOn() && polls() < wanted);
  if (polls() < wanted && goesOn()) scene.oracle.fault(`the agent has stopped polling`);
  await clock.runUntil(clock.monotonicMs() + 500, goesOn);
}
