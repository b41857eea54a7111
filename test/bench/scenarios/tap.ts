import { setTimeout as delay } from 'node:timers/promises';
import { bareAttach } from '../floors.js';
import { figuresOf, type Row } from '../measure.js';
import {
  addPorts,
  cloudOn,
  HOST,
  hostWithTaps,
  runningAgent,
  startTapMaker,
  tapOf,
  withBench,
} from '../stage.js';
import { startStopwatch } from '../stopwatch.js';

const LAPS = 200;
/** A deleted tap is gone from the kernel's lists within some 20 ms. */
const SETTLE_MS = 60;

/** A tap whose port is known is deleted and made again: time until it is in its bridge. */
export const knownTap = (taps: number): Promise<Row> =>
  withBench(async (bench) => {
    const floor = figuresOf(await withBench((inner) => bareAttach(inner, LAPS, SETTLE_MS)));
    const server = await cloudOn(bench, { ports: taps, networks: Math.max(1, Math.floor(taps / 10)) });
    const namespace = hostWithTaps(bench, taps);
    await runningAgent(bench, namespace, server, { pollingInterval: 2 });
    const stopwatch = await startStopwatch(bench, namespace);
    const maker = startTapMaker(bench, namespace);
    const samples: number[] = [];
    for (let lap = 0; lap < LAPS; lap += 1) {
      const tap = tapOf((lap % taps) + 1);
      maker.remove(tap);
      await delay(SETTLE_MS);
      stopwatch.forget();
      maker.make(tap);
      samples.push(await stopwatch.lap(tap));
      await delay(SETTLE_MS);
    }
    const measured = figuresOf(samples);
    return {
      scenario: 'known-tap',
      what: `tap made again, port known, ${taps} taps here`,
      unit: 'ms',
      measured,
      floor: { what: 'bare attach when told', figures: floor },
      aim: { text: 'median < 1 ms, p99 < 5 ms', reached: measured.median < 1 && measured.p99 < 5 },
      point: { series: 'known tap', x: taps, axis: 'taps on the host' },
    };
  });

/** A port row and its tap are new: time until the tap is in its bridge. */
export const unknownTap = (): Promise<Row> =>
  withBench(async (bench) => {
    const server = await cloudOn(bench, { ports: 100, networks: 10 });
    const namespace = hostWithTaps(bench, 100);
    await runningAgent(bench, namespace, server, { pollingInterval: 2 });
    await addPorts(server, [1_001, 1_000 + LAPS], 10, `'${HOST}'`);
    const stopwatch = await startStopwatch(bench, namespace);
    const maker = startTapMaker(bench, namespace);
    const samples: number[] = [];
    for (let number = 1_001; number <= 1_000 + LAPS; number += 1) {
      maker.make(tapOf(number));
      samples.push(await stopwatch.lap(tapOf(number)));
      maker.remove(tapOf(number));
      await delay(SETTLE_MS);
    }
    const measured = figuresOf(samples);
    return {
      scenario: 'unknown-tap',
      what: 'tap appears, port not yet known, 100 taps here',
      unit: 'ms',
      measured,
      floor: null,
      aim: { text: 'median < 5 ms, p99 < 25 ms', reached: measured.median < 5 && measured.p99 < 25 },
    };
  });
