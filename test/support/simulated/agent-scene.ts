import assert from 'node:assert/strict';
import { type Agent, startAgent } from '../../../src/agent/agent.js';
import { openServerRecord } from '../../../src/agent/state-dir/server-record.js';
import type { AgentEvent, Database } from '../../../src/model/index.js';
import { makeClock, type SimulatedClock } from '../../simulation/clock.js';
import { type Cloud, makeCloud } from '../../simulation/cloud.js';
import { openSimulatedDatabase } from '../../simulation/database.js';
import { makeRandom } from '../../simulation/random.js';
import { makeStage } from '../../simulation/stage.js';
import { type Disk, openSimulatedStore } from '../../simulation/store.js';
import { fairWeather, type Weather } from '../../simulation/weather.js';
import type { SimulatedHost } from './host.js';
import { buildLinks, buildSettings } from './host-builder.js';
import { type SimulatedKernel, simulateKernel } from './kernel.js';
import { buildNetwork, buildPort } from './row-builder.js';

export const POLLING_INTERVAL_MS = 2_000;

/** Events as the kernel has them: they wait until the agent's loop turns, and whoever reads the links takes them away. */
export interface Events {
  readonly kernel: SimulatedKernel;
  /** What the next reads of the links throw; null: nothing. */
  fault: Error | null;
  /** How often the links were read. */
  reads: number;
  /** Somebody else does something; nobody has been told yet. */
  change(edit: (host: SimulatedHost) => void): void;
  /** The loop turns: the agent is told, if the event is still there. */
  turn(): void;
}

function eventsOf(kernel: SimulatedKernel): Events {
  let look = (): void => {};
  let isWaiting = false;
  const events: Events = {
    fault: null,
    reads: 0,
    kernel: {
      ...kernel,
      observe: () => {
        isWaiting = false;
        events.reads += 1;
        if (events.fault !== null) throw events.fault;
        return kernel.observe();
      },
      watch: (callback) => {
        look = callback;
      },
    },
    change: (edit) => {
      kernel.change(edit);
      isWaiting = true;
    },
    turn: () => {
      if (isWaiting) look();
      isWaiting = false;
    },
  };
  return events;
}

export interface Scene {
  readonly agent: Agent;
  readonly events: Events;
  readonly clock: SimulatedClock;
  readonly weather: Weather;
  readonly cloud: Cloud;
  /** What the agent told. */
  readonly told: AgentEvent[];
  /** What it kept on disk, and how much it had told before. */
  readonly kept: (readonly [name: string, toldBefore: number])[];
  readonly disk: Disk;
  /** Lets so much of the agent's time go by. */
  runFor(timeMs: number): Promise<void>;
  /** The bridge that the tap is in; null: none. */
  bridgeOf(tap: string): string | null;
}

/** Hears of everything first; may throw. */
type Listener = (event: AgentEvent) => void;

/** An agent whose first poll has wired `tapp1` to a network of this segment; the next one begins `POLLING_INTERVAL_MS` after it. */
export async function startWiredAgent(listen: Listener = () => {}, segment = 'local'): Promise<Scene> {
  const clock = makeClock();
  const random = makeRandom(1);
  const weather = fairWeather();
  const cloud = cloudWith(clock, segment);
  const told: AgentEvent[] = [];
  const kept: [string, number][] = [];
  const disk: Disk = new Map();
  const kernel = simulateKernel(buildLinks([{ name: 'eth1' }, { name: 'tapp1', up: false }]));
  const events = eventsOf(kernel);
  const observer = (event: AgentEvent): void => {
    told.push(event);
    listen(event);
  };
  const store = openSimulatedStore(disk, clock, {
    given: () => () => {},
    before: (name) => kept.push([name, told.length]),
    after: () => {},
    reaches: () => true,
    answers: () => weather.diskAnswers,
    hangs: (name) => assert.fail(`the loop stands still in the write of ${name}`),
    putOff: () => () => {},
    tell: observer,
  });
  const agent = startAgent(
    {
      kernel: events.kernel,
      clock,
      openDatabase: () => databaseOf(clock, weather, cloud),
      store,
      servers: openServerRecord(store, clock),
      observer,
      random: random.next,
      version: 'a test',
    },
    { ...makeStage(random).settings, host: buildSettings({}), pollingIntervalMs: POLLING_INTERVAL_MS },
  );
  const runFor = (timeMs: number): Promise<void> => clock.runUntil(clock.monotonicMs() + timeMs, () => true);
  const bridgeOf = (tap: string): string | null => {
    const { links } = kernel.observe();
    const master = [...links.values()].find(({ name }) => name === tap)?.master ?? null;
    return master === null ? null : (links.get(master)?.name ?? null);
  };
  await runFor(POLLING_INTERVAL_MS / 2);
  assert.equal(bridgeOf('tapp1'), 'brqn1');
  return { agent, events, clock, weather, cloud, told, kept, disk, runFor, bridgeOf };
}

function cloudWith(clock: SimulatedClock, segment: string): Cloud {
  const cloud = makeCloud('grizzly', clock);
  cloud.change(({ ports, networks }) => {
    const port = buildPort({ id: 'p1', network: 'n1' });
    const network = buildNetwork({ id: 'n1', segments: [segment] });
    ports.set(port.id, port);
    networks.set(network.id, network);
  });
  return cloud;
}

const databaseOf = (clock: SimulatedClock, weather: Weather, cloud: Cloud): Database =>
  openSimulatedDatabase({
    clock,
    cloud,
    random: makeRandom(2),
    weather: () => weather.database,
    linksNow: () => new Set(),
    shows: () => {},
    tells: () => {},
    writes: () => {},
    overlaps: (what) => assert.fail(`${what} began while another call was in hand`),
  });

export const pullOut = (host: SimulatedHost): void => {
  const tap = host.named('tapp1');
  if (tap !== undefined) host.enslave(tap.index, null);
};
