import { agentInMemory, type CloudInMemory, type InMemoryAgent } from '../in-memory.js';
import { type Figures, figuresOf, type Row } from '../measure.js';
import { cpuOf } from '../processes.js';
import { portId, tapOf } from '../stage.js';

const LAPS = 300;
/** Before them: what runs for the first time is compiled first. */
const WARM_UP = 100;
const PAUSE_MS = 700;

/** What the loop is held for when one tap of many has come again and its port is known. */
export const passFromMemory = (taps: number): Promise<Row> =>
  rowOf(
    {
      scenario: 'pass-memory',
      what: `pass from memory, one tap of ${taps} made again`,
      series: 'pass from memory',
      aimMs: taps === 1_000 ? 2 : null,
    },
    taps,
    lapOfTap,
  );

/** What the loop is held for by an answer in which the row of one port of many has changed. */
export const passWithAnswer = (taps: number): Promise<Row> =>
  rowOf(
    {
      scenario: 'pass-answer',
      what: `answer in which one row of ${taps} has changed`,
      series: 'answer with a changed row',
      aimMs: taps === 1_000 ? 4 : null,
    },
    taps,
    lapOfRow,
  );

const STARTS = 7;

/** The pass from memory and the first of an agent whose networks are reached through tunnels, beside networks that are local. */
export async function passWithTunnels(cloud: Required<CloudInMemory>): Promise<Row[]> {
  const { taps, networks, others } = cloud;
  const local = { taps, networks };
  const where = `${taps} taps in ${networks} networks, each with a tunnel to ${others} hosts`;
  const rowOfBoth = (scenario: string, what: string, [measured, floor]: readonly Figures[]): Row[] =>
    measured === undefined || floor === undefined
      ? []
      : [
          {
            scenario,
            what: `${what}, ${where}`,
            unit: 'ms CPU',
            measured,
            floor: { what: 'the same, networks local', figures: floor },
            aim: null,
          },
        ];
  const memory = [await figuresWith(cloud, lapOfTap), await figuresWith(local, lapOfTap)];
  const first = [await firstPasses(cloud), await firstPasses(local)];
  return [
    ...rowOfBoth('tunnel-pass-memory', 'pass from memory, one tap made again', memory),
    ...rowOfBoth('tunnel-pass-first', 'first answer of a host that is right already', first),
  ];
}

async function firstPasses(cloud: CloudInMemory): Promise<Figures> {
  const samples: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const { agent, firstPassMs } = await agentInMemory(cloud);
    await agent.stop();
    samples.push(firstPassMs);
  }
  return figuresOf(samples);
}

interface Told {
  readonly scenario: string;
  readonly what: string;
  readonly series: string;
  readonly aimMs: number | null;
}

/** The floor is the same with one tap: what is beyond it is the price of the others. */
async function rowOf(
  { scenario, what, series, aimMs }: Told,
  taps: number,
  lap: (at: InMemoryAgent, number: number) => Promise<number>,
): Promise<Row> {
  const floor = await figuresWith({ taps: 1, networks: 1 }, lap);
  const measured = await figuresWith({ taps, networks: Math.max(1, taps / 10) }, lap);
  return {
    scenario,
    what,
    unit: 'ms CPU',
    measured,
    floor: { what: 'the same with one tap', figures: floor },
    aim: aimMs === null ? null : { text: `median < ${aimMs} ms`, reached: measured.median < aimMs },
    point: { series, x: taps, axis: 'taps on the host' },
  };
}

async function figuresWith(
  cloud: CloudInMemory,
  lap: (at: InMemoryAgent, number: number) => Promise<number>,
): Promise<Figures> {
  const at = await agentInMemory(cloud);
  const samples: number[] = [];
  for (let number = 0; number < WARM_UP + LAPS; number += 1) samples.push(await lap(at, number));
  await at.agent.stop();
  return figuresOf(samples.slice(WARM_UP));
}

const tapsIn = ({ agent }: InMemoryAgent): number => agent.seen().devices;

async function lapOfTap(at: InMemoryAgent, number: number): Promise<number> {
  const { clock, links } = at;
  const tap = tapOf((number % tapsIn(at)) + 1);
  links.remove(tap);
  links.look();
  await clock.runUntil(clock.monotonicMs() + PAUSE_MS, () => true);
  links.make(tap);
  const tookMs = await cpuOf(() => links.look());
  expectWired(at, tap);
  await clock.runUntil(clock.monotonicMs() + PAUSE_MS, () => true);
  return tookMs;
}

async function lapOfRow(at: InMemoryAgent, number: number): Promise<number> {
  const { clock, rows, agent } = at;
  const isUp = number % 2 === 1;
  const port = (Math.floor(number / 2) % tapsIn(at)) + 1;
  rows.setAdminState(portId(port), isUp);
  const tookMs = await cpuOf(() => clock.runUntil(clock.monotonicMs() + 2_000, () => true));
  const state = agent.status().taps.find(({ tap }) => tap === tapOf(port))?.state;
  if (state !== (isUp ? 'wired' : 'down'))
    throw new Error(`${tapOf(port)} is ${state} after its row changed`);
  // What was written is read in the next poll.
  await clock.runUntil(clock.monotonicMs() + 2_000, () => true);
  return tookMs;
}

function expectWired({ agent }: InMemoryAgent, tap: string): void {
  const state = agent.status().taps.find((one) => one.tap === tap)?.state;
  if (state !== 'wired') throw new Error(`${tap} is ${state} after its pass`);
}
