import { setTimeout as delay } from 'node:timers/promises';
import { figuresOf, type Row } from '../measure.js';
import { cloudOn, hostWithTaps, portId, runningAgent, tapOf, withBench } from '../stage.js';
import { startStopwatch } from '../stopwatch.js';

const LAPS = 60;
const LIMIT_MS = 5_000;

/** A port is set admin down, or up again: time from its row to the kernel, at a polling interval of 200 ms. */
export const rowChange = (taps: number): Promise<Row> =>
  withBench(async (bench) => {
    const intervalMs = 200;
    const server = await cloudOn(bench, { ports: taps, networks: 100 });
    const namespace = hostWithTaps(bench, taps);
    // Taken out one at a time, which the guard lets pass.
    await runningAgent(bench, namespace, server, { pollingInterval: intervalMs / 1000 });
    const stopwatch = await startStopwatch(bench, namespace);
    const samples: number[] = [];
    for (let lap = 0; lap < LAPS; lap += 1) {
      const number = 1 + Math.floor(lap / 2);
      const up = lap % 2 === 1;
      // Not in step with the polls.
      await delay(200 + ((lap * 37) % intervalMs));
      await server.query(`update ports set admin_state_up = ${up} where id = '${portId(number)}'`, 'quantum');
      const committedMs = Date.now();
      samples.push((await changeAfter(stopwatch, tapOf(number), committedMs)) - committedMs);
    }
    const measured = figuresOf(samples);
    return {
      scenario: 'row-change',
      what: `row changed until the kernel follows, ${taps} taps here, polling every ${intervalMs} ms`,
      unit: 'ms',
      measured,
      floor: { what: 'half the interval', figures: figuresOf([intervalMs / 2]) },
      aim: { text: '< interval + 20 ms', reached: measured.max < intervalMs + 20 },
    };
  });

async function changeAfter(
  stopwatch: Awaited<ReturnType<typeof startStopwatch>>,
  tap: string,
  sinceMs: number,
): Promise<number> {
  for (const untilMs = Date.now() + LIMIT_MS; Date.now() < untilMs; await delay(5)) {
    const atMs = stopwatch.changedMs(tap);
    if (atMs !== null && atMs >= sinceMs - 5) return atMs;
  }
  throw new Error(`${tap} did not change within ${LIMIT_MS} ms`);
}
