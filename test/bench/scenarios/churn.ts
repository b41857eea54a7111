import { setTimeout as delay } from 'node:timers/promises';
import { figuresOf, type Row } from '../measure.js';
import { rssMb } from '../processes.js';
import { cloudOn, hostWithTaps, runningAgent, startTapMaker, tapOf, withBench } from '../stage.js';

/** Five taps go and come again in each of these pauses: some twenty a second. */
const PAUSE_MS = 250;
const AT_ONCE = 5;
const SAMPLE_EVERY_MS = 2_000;

/** RSS of the agent while taps go and come all the time. */
export const churn = (minutes: number): Promise<Row[]> =>
  withBench(async (bench) => {
    const taps = 1_000;
    const server = await cloudOn(bench, { ports: taps, networks: 100 });
    const namespace = hostWithTaps(bench, taps);
    const agent = await runningAgent(bench, namespace, server, { pollingInterval: 2 });
    const maker = startTapMaker(bench, namespace);
    const samples: number[] = [];
    const startedMs = performance.now();
    for (let round = 0; performance.now() - startedMs < minutes * 60_000; round += 1) {
      const some = Array.from({ length: AT_ONCE }, (_, at) => tapOf(((round * AT_ONCE + at) % taps) + 1));
      for (const tap of some) maker.remove(tap);
      await delay(PAUSE_MS / 2);
      for (const tap of some) maker.make(tap);
      await delay(PAUSE_MS / 2);
      if (performance.now() - startedMs > samples.length * SAMPLE_EVERY_MS) samples.push(rssMb(agent.pid));
    }
    const third = Math.max(1, Math.floor(samples.length / 3));
    const [first, last] = [figuresOf(samples.slice(0, third)), figuresOf(samples.slice(-third))];
    const what = `RSS in the last third of ${minutes} minutes of churn, ${taps} taps`;
    return [
      {
        scenario: 'churn',
        what,
        unit: 'MB',
        measured: last,
        floor: { what: 'in the first third', figures: first },
        aim: {
          text: '< 90 MB, no growth',
          reached: last.max < 90 && last.median < 1.05 * first.median,
        },
      },
    ];
  });
