import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '../../support/postgres.js';
import { createSchema } from '../../support/schema-tables.js';
import { figuresOf, type Row } from '../measure.js';
import { cpuMs, fillCloud, hostWithTaps, rssMib, runningAgent, withBench } from '../stage.js';

const WINDOWS = 5;
const WINDOW_MS = 4_000;

/** CPU of the agent for one poll in which nothing changes, with `cloud` ports of other hosts besides. */
export const steadyPoll = (taps: number, cloud: number): Promise<Row[]> =>
  withBench(async (bench) => {
    const server = await startPostgres({ settings: ['log_statement=none', 'shared_buffers=512MB'] });
    bench.after(() => server.destroy());
    await createSchema(server, 'grizzly');
    await fillCloud(server, { ports: taps, networks: 100, elsewhere: cloud - taps });
    await server.query('analyze', 'quantum');
    const namespace = hostWithTaps(bench, taps);
    const pollingInterval = 0.2;
    const agent = await runningAgent(bench, namespace, server, { pollingInterval });
    await delay(3_000);
    const samples: number[] = [];
    for (let window = 0; window < WINDOWS; window += 1) {
      const before = cpuMs(agent.pid);
      await delay(WINDOW_MS);
      samples.push((cpuMs(agent.pid) - before) / (WINDOW_MS / (pollingInterval * 1000)));
    }
    const measured = figuresOf(samples);
    const rss = figuresOf([rssMib(agent.pid)]);
    return [
      {
        scenario: 'steady-poll',
        what: `agent CPU per steady poll, ${taps} taps here, ${cloud} ports in the cloud`,
        unit: 'ms CPU',
        measured,
        floor: null,
        aim: { text: '< 5 ms', reached: measured.median < 5 },
        point: { series: 'CPU per poll', x: cloud, axis: 'ports in the cloud' },
      },
      {
        scenario: 'memory',
        what: `RSS of the agent, ${taps} taps here, ${cloud} ports in the cloud`,
        unit: 'MiB',
        measured: rss,
        floor: null,
        aim: { text: '< 90 MiB', reached: rss.max < 90 },
      },
    ];
  });

/** CPU of the agent while nothing happens, at the usual interval. */
export const idle = (taps: number): Promise<Row> =>
  withBench(async (bench) => {
    const server = await startPostgres({ settings: ['log_statement=none'] });
    bench.after(() => server.destroy());
    await createSchema(server, 'grizzly');
    await fillCloud(server, { ports: taps, networks: 30 });
    const namespace = hostWithTaps(bench, taps);
    const agent = await runningAgent(bench, namespace, server, { pollingInterval: 2 });
    await delay(3_000);
    const before = cpuMs(agent.pid);
    await delay(60_000);
    const measured = figuresOf([(cpuMs(agent.pid) - before) / 1000]);
    return {
      scenario: 'idle',
      what: `agent CPU in a minute, ${taps} taps, nothing happens, polling every 2 s`,
      unit: 's CPU',
      measured,
      floor: null,
      aim: { text: '< 0.10 s', reached: measured.max < 0.1 },
    };
  });
