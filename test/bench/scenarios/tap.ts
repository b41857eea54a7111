import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '../../support/postgres.js';
import { createSchema } from '../../support/schema-tables.js';
import { bareAttach } from '../floors.js';
import { figuresOf, type Row } from '../measure.js';
import {
  fillCloud,
  hostWithTaps,
  networkId,
  portId,
  runningAgent,
  startStopwatch,
  startTapMaker,
  tapOf,
  withBench,
} from '../stage.js';

const LAPS = 200;
const SETTLE_MS = 25;

/** A tap whose port is known is deleted and made again: time until it is in its bridge. */
export const knownTap = (taps: number): Promise<Row> =>
  withBench(async (bench) => {
    const floor = figuresOf(await withBench((inner) => bareAttach(inner, LAPS)));
    const server = await startPostgres({ settings: ['log_statement=none'] });
    bench.after(() => server.destroy());
    await createSchema(server, 'grizzly');
    await fillCloud(server, { ports: taps, networks: Math.max(1, Math.floor(taps / 10)) });
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
    const server = await startPostgres({ settings: ['log_statement=none'] });
    bench.after(() => server.destroy());
    await createSchema(server, 'grizzly');
    await fillCloud(server, { ports: 100, networks: 10 });
    const namespace = hostWithTaps(bench, 100);
    await runningAgent(bench, namespace, server, { pollingInterval: 2 });
    const stopwatch = await startStopwatch(bench, namespace);
    const maker = startTapMaker(bench, namespace);
    const samples: number[] = [];
    for (let lap = 1; lap <= LAPS; lap += 1) {
      const number = 1_000 + lap;
      const [port, network] = [portId(number), networkId((lap % 10) + 1)];
      await server.query(
        `insert into ports (id, network_id, admin_state_up, status, device_owner) values ('${port}', '${network}', true, 'DOWN', '')`,
        'quantum',
      );
      maker.make(tapOf(number));
      samples.push(await stopwatch.lap(tapOf(number)));
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
