import { type Agent, startAgent } from '../../src/agent/agent.js';
import { type Heart, type HeartEdges, startHeart } from '../../src/agent/heartbeat.js';
import type { Surroundings } from '../../src/agent/state.js';
import { openServerRecord } from '../../src/agent/state-dir/server-record.js';
import type { AgentEvent, Observer, Settings, Store } from '../../src/model/index.js';
import type { Bug } from './bugs.js';
import type { SimulatedClock } from './clock.js';
import type { Cloud } from './cloud.js';
import { type DatabaseEdges, openSimulatedDatabase, untilDeath } from './database.js';
import { openSimulatedHeartbeats } from './heart.js';
import type { Host } from './host.js';
import type { Oracle } from './oracle.js';
import type { Random } from './random.js';
import { type Disk, openSimulatedStore } from './store.js';
import { describeTelling } from './trace.js';
import type { Weather } from './weather.js';

/** The agents of one host, one after the other: what kills one starts the next. */
export interface Agents {
  /** null: none runs at the moment. */
  current(): Agent | null;
  start(): void;
  /** As by SIGKILL: whatever it had still in mind does not happen. */
  kill(): void;
  stop(): void;
}

export interface AgentsEdges {
  readonly clock: SimulatedClock;
  readonly cloud: Cloud;
  readonly host: Host;
  readonly weather: Weather;
  readonly oracle: Oracle;
  readonly random: Random;
  readonly settings: Settings;
  readonly bug: Bug | null;
  readonly note: (text: () => string) => void;
  readonly heard: (event: AgentEvent) => void;
  readonly started: () => void;
}

const RESTART_MAX_MS = 5_000;

export function makeAgents(edges: AgentsEdges): Agents {
  const { clock, host, weather, oracle, random, settings, bug, note } = edges;
  const disk: Disk = new Map();
  let life: { readonly agent: Agent } | null = null;
  let lives = 0;

  const end = (): void => {
    life = null;
    lives += 1;
    weather.killIn = null;
    weather.killAtStore = null;
    clock.after(random.between(50, RESTART_MAX_MS), start);
  };
  const kill = (): void => {
    if (life === null) return;
    note(() => 'the agent is dead');
    end();
  };
  function start(): void {
    oracle.agentStarted();
    edges.started();
    note(() => 'an agent starts');
    const mine = lives;
    const isAlive = (): boolean => lives === mine;
    let heart: Heart | null = null;
    const whole = surroundingsOf(edges, disk, isAlive, kill);
    const written = weather.mistaken?.(settings) ?? settings;
    const given = bug?.edges?.(whole, host, random) ?? whole;
    const observer: Observer = (event) => {
      given.observer(event);
      heart?.note(event);
    };
    const agent = startAgent({ ...given, observer }, bug?.settings?.(written) ?? written);
    heart = startHeart(heartEdgesOf(edges, given), settings);
    life = { agent };
    void agent.ended.then(() => {
      if (isAlive()) end();
    });
  }
  return {
    current: () => life?.agent ?? null,
    start,
    kill,
    stop: () => void life?.agent.stop(),
  };
}

/** What one agent works on; after its death nothing of it has any effect. */
function surroundingsOf(
  edges: AgentsEdges,
  disk: Disk,
  isAlive: () => boolean,
  kill: () => void,
): Surroundings {
  const { clock, host, random, heard } = edges;
  const store = storeOf(edges, disk, isAlive, kill);
  const servers = openServerRecord(store, clock);
  return {
    kernel: host.open(isAlive),
    clock: {
      ...clock,
      after: (delayMs, wake) => clock.after(delayMs, () => isAlive() && wake()),
    },
    openDatabase: () =>
      untilDeath(openSimulatedDatabase(databaseEdgesOf(edges, isAlive), servers.watermark), isAlive),
    store,
    servers,
    observer: (event) => isAlive() && heard(event),
    random: random.next,
    version: 'simulated',
  };
}

/** Beats a little more seldom than the agent polls: sometimes a heartbeat comes first, sometimes an answer. */
const BEAT_MIN_MS = 3_000;
const BEATS_PER_POLL = 0.7;

const heartEdgesOf = (
  { cloud, weather, oracle, settings }: AgentsEdges,
  { clock, servers }: Surroundings,
): HeartEdges => ({
  clock,
  observer: () => {},
  seen: () => ({ devices: 0, tunnels: null }),
  onFault: (thrown) => {
    throw thrown;
  },
  openHeartbeats: () =>
    openSimulatedHeartbeats(
      {
        clock,
        cloud,
        weather: () => weather.database,
        intervalMs: Math.max(BEAT_MIN_MS, settings.pollingIntervalMs / BEATS_PER_POLL),
        beats: oracle.beats,
      },
      servers.watermark,
    ),
});

const databaseEdgesOf = (
  { clock, cloud, host, weather, oracle, random, note }: AgentsEdges,
  isAlive: () => boolean,
): DatabaseEdges => ({
  clock,
  cloud,
  random,
  weather: () => weather.database,
  linksNow: () => new Set(host.now().links.keys()),
  shows: (heartbeatMs) => {
    if (isAlive()) oracle.shows(heartbeatMs);
  },
  tells: (telling) => {
    if (!isAlive()) return;
    note(() => describeTelling(telling));
    oracle.tells(telling);
  },
  writes: oracle.writes,
  overlaps: (what) => oracle.fault(`${what} began while another call was in hand`),
});

const storeOf = (
  { clock, weather, oracle, heard }: AgentsEdges,
  disk: Disk,
  isAlive: () => boolean,
  kill: () => void,
): Store =>
  openSimulatedStore(disk, clock, {
    given: oracle.keeps,
    before: () => {
      if (weather.killAtStore === 'before') kill();
      else if (!weather.storeWritable) throw new Error('no space left on device');
    },
    after: () => {
      if (weather.killAtStore === 'after') kill();
    },
    reaches: isAlive,
    answers: () => weather.diskAnswers,
    hangs: (name) => oracle.fault(`the agent's loop stands still in the write of ${name}`),
    putOff: oracle.putsOff,
    tell: (event) => isAlive() && heard(event),
  });
