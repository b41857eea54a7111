import type { Agent } from '../../src/agent/agent.js';
import { fingerprintOf } from '../../src/model/index.js';
import { addTap, boots, removeTap } from './happenings-rows.js';
import type { Random } from './random.js';
import { type Happen, type Kind, later, onHost, type Scene, tapsNow, unlessRefused } from './scene.js';
import { type DatabaseWeather, fairWeather, type Weather } from './weather.js';

/** Part of the weather turns bad and is fair again after a while, unless it has turned into something else. */
function spell<Part extends keyof Weather>(
  { weather, clock, note }: Scene,
  part: Part,
  value: Weather[Part],
  forMs: number,
): string {
  weather[part] = value;
  clock.after(forMs, () => {
    if (weather[part] !== value) return;
    weather[part] = fairWeather()[part];
    note(() => `${part}: fair again`);
  });
  return `${part}: ${JSON.stringify(value)} for ${forMs} ms`;
}

/** Shorter and longer than any limit of the agent's. */
const howLong = (random: Random, scene: Scene): number => {
  const { pollingIntervalMs } = scene.stage.settings;
  return random.between(200, random.chance(0.3) ? 10 * pollingIntervalMs : 3 * pollingIntervalMs);
};

const database =
  (make: (random: Random) => DatabaseWeather): Happen =>
  (scene, random) =>
    spell(scene, 'database', make(random), howLong(random, scene));

const ERRNOS = ['EBUSY', 'ENODEV', 'ENOBUFS', 'EPERM', 'EEXIST', 'EIO'] as const;

const failingOperations: Happen = (scene, random) => {
  const trouble = { errno: random.pick(ERRNOS) ?? 'EBUSY', share: random.pick([0.1, 0.4, 1]) ?? 1 };
  return spell(scene, 'operations', trouble, howLong(random, scene));
};

/** Between two operations of one pass a tap comes, goes, or is made again. */
const meddling: Happen = (scene, random) => {
  const tap = random.pick(tapsNow(scene));
  const name = tap?.name ?? `tap${random.hex(8)}-${random.hex(2)}`;
  const goes = tap !== null;
  const comes = tap === null || random.chance(0.5);
  scene.weather.meddle = (host) => {
    if (goes) removeTap(host, name);
    if (comes) unlessRefused(() => addTap(host, name));
    scene.note(() => `in the middle of the pass ${name} ${goes ? 'goes' : ''} ${comes ? 'comes' : ''}`);
  };
  return `something will happen to ${name} after the next operation`;
};

/** Instances end while others start: taps go between two polls, and some in the middle of the next pass. */
const churn: Happen = (scene, random) => {
  const going = tapsNow(scene).filter(() => random.chance(0.6));
  const suddenly = going.filter(() => random.chance(0.5)).map(({ name }) => name);
  scene.weather.meddle = (host) => {
    for (const name of suddenly) removeTap(host, name);
    scene.note(() => `in the middle of the pass these go: ${suddenly.join(' ')}`);
  };
  for (const { name } of going) {
    const delayMs = random.between(0, 3_000);
    later(scene, delayMs, `${name} goes`, () => onHost(scene, (host) => removeTap(host, name)));
  }
  const coming = [boots(false), boots(true), boots(true)].map((boot) => boot(scene, random) ?? 'nothing');
  return `${going.length} taps will go, and others come: ${coming.join('; ')}`;
};

const failOver =
  (lossMs: (random: Random) => number): Happen =>
  ({ cloud }, random) => {
    const loss = lossMs(random);
    cloud.failOver(loss);
    return `${cloud.server()} takes over; what was written in the last ${loss} ms is lost`;
  };

/** The primary goes; a replica that lags behind is read until it is promoted, without what it has not received. */
const replicaTakesOver: Happen = ({ cloud, weather, clock, note }, random) => {
  const byMs = random.between(100, 30_000);
  const lagging: DatabaseWeather = { kind: 'lagging', byMs, suspect: 'read-only' };
  weather.database = lagging;
  const forMs = random.between(200, 10_000);
  clock.after(forMs, () => {
    cloud.failOver(byMs + forMs);
    if (weather.database === lagging) weather.database = fairWeather().database;
    note(() => `${cloud.server()} is promoted`);
  });
  return `a replica that lags ${byMs} ms behind takes over, and is promoted after ${forMs} ms`;
};

const dumpRestored: Happen = ({ cloud }, random) => {
  const lossMs = random.between(1_000, 60_000);
  cloud.goBack(lossMs);
  return `a dump of ${lossMs} ms ago is restored on ${cloud.server()}`;
};

/** The primary is away for a while, a replica that lags more is read meanwhile, and a dump that is younger than that is restored. */
const restoredBehindReplica: Happen = ({ cloud, weather, clock, note }, random) => {
  const byMs = random.between(10_000, 60_000);
  const lagging: DatabaseWeather = { kind: 'lagging', byMs, suspect: 'read-only' };
  weather.database = lagging;
  const forMs = random.between(200, 10_000);
  clock.after(forMs, () => {
    const lossMs = forMs + random.between(0, byMs);
    cloud.goBack(lossMs);
    if (weather.database === lagging) weather.database = fairWeather().database;
    note(() => `${cloud.server()} is back, from a dump of ${lossMs} ms ago`);
  });
  return `a replica that lags ${byMs} ms behind answers for ${forMs} ms in place of ${cloud.server()}`;
};

/** The operator looks at what is held, and lets it go ahead; gives how many removals. */
export const acceptAll = (agent: Agent): number => agent.accept(fingerprintOf(agent.status().held) ?? '');

const accepting: Happen = ({ agent, oracle }) => {
  const running = agent();
  if (running === null) return null;
  const removals = acceptAll(running);
  if (removals > 0) oracle.accepted();
  return `the operator accepts ${removals} removals`;
};

export const FAULT_HAPPENINGS: Readonly<Record<string, Kind>> = {
  'database-slow': {
    weight: 3,
    happen: database((random) => ({ kind: 'slow', byMs: random.between(200, 4_000) })),
  },
  'database-down': { weight: 4, happen: database(() => ({ kind: 'down' })) },
  'database-hanging': { weight: 2, happen: database(() => ({ kind: 'hanging' })) },
  'database-empty': {
    weight: 4,
    happen: database((random) => ({
      kind: 'empty',
      tables: random.pick(['all', 'ports', 'bindings'] as const) ?? 'all',
    })),
  },
  'database-partial': {
    weight: 2,
    happen: database((random) => ({ kind: 'partial', share: random.next() })),
  },
  'database-lagging': {
    weight: 4,
    happen: database((random) => ({
      kind: 'lagging',
      byMs: random.between(100, 30_000),
      suspect: random.pick(['in-recovery', 'read-only'] as const) ?? 'in-recovery',
    })),
  },
  'database-refusing-writes': { weight: 3, happen: database(() => ({ kind: 'refusing-writes' })) },
  'database-strange': { weight: 1, happen: database(() => ({ kind: 'strange-schema' })) },
  'server-changes': { weight: 1, happen: failOver(() => 0) },
  'server-changes-with-loss': { weight: 2, happen: failOver((random) => random.between(100, 20_000)) },
  'replica-takes-over': { weight: 2, happen: replicaTakesOver },
  'dump-restored-behind-a-replica': { weight: 2, happen: restoredBehindReplica },
  'dump-restored': { weight: 3, happen: dumpRestored },
  'operations-fail': { weight: 6, happen: failingOperations },
  'notifications-lost': {
    weight: 3,
    happen: (scene, random) => spell(scene, 'notifications', 'lost', howLong(random, scene)),
  },
  'notifications-late': {
    weight: 3,
    happen: (scene, random) => spell(scene, 'notifications', 'late', howLong(random, scene)),
  },
  'kernel-unreadable': {
    weight: 1,
    happen: (scene, random) => spell(scene, 'kernelReadable', false, random.between(10, 3_000)),
  },
  'disk-full-or-silent': {
    weight: 1,
    happen: (scene, random) => {
      const forMs = howLong(random, scene);
      return spell(scene, random.chance(0.5) ? 'storeWritable' : 'diskAnswers', false, forMs);
    },
  },
  killed: {
    weight: 3,
    happen: (scene) => {
      scene.kill();
      return 'the agent is killed';
    },
  },
  'killed-at-operation': {
    weight: 5,
    happen: ({ weather }, random) => {
      weather.killIn = random.between(0, 20);
      return `the agent will be killed after ${weather.killIn} operations`;
    },
  },
  'killed-at-store': {
    weight: 1,
    happen: ({ weather }, random) => {
      weather.killAtStore = random.pick(['before', 'after']);
      return `the agent will be killed ${weather.killAtStore} it has written its file`;
    },
  },
  stopped: {
    weight: 1,
    happen: (scene) => {
      scene.stop();
      return 'the agent is stopped';
    },
  },
  reloaded: {
    weight: 1,
    happen: ({ agent, stage, weather }) => {
      agent()?.reload(weather.mistaken?.(stage.settings) ?? stage.settings);
      return 'the settings are read again';
    },
  },
  meddling: { weight: 4, happen: meddling },
  'taps-come-and-go': { weight: 4, happen: churn },
  'wall-clock-set': {
    weight: 1,
    happen: ({ clock }, random) => {
      const byMs = random.between(-7_200_000, 7_200_000);
      clock.setWall(byMs);
      return `the clock on the wall is set by ${byMs} ms`;
    },
  },
  accepts: { weight: 3, happen: accepting },
};
