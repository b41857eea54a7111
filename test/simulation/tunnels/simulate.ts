import { floodEntry, linkName } from '../../../src/model/index.js';
import { buildLinks } from '../../support/simulated/host-builder.js';
import { makeRandom, type Random } from '../random.js';
import { endOf, firstRows, HOSTS, newId, type Rows, SIMULATED, tell, type Weather } from './cloud.js';
import { type Bug, makeTunnelHost, type TunnelHost } from './host.js';
import { type Judge, makeJudge } from './judge.js';

export interface TunnelRun {
  readonly seed: number;
  /** What is against the contract; null: nothing. */
  readonly fault: string | null;
  readonly passes: number;
  readonly operations: number;
}

const STEPS = 60;
/** So long everything is fair at the end: held removals stay, all others have gone. */
const FAIR_POLLS = 8;
const FAIR_PAUSE_MS = 31_000;
const WEATHERS: readonly Weather['kind'][] = [
  'levels-half',
  'levels-empty',
  'agents-half',
  'older',
  'lagging',
  'claimed',
];

interface World {
  readonly random: Random;
  readonly hosts: readonly { readonly host: TunnelHost; readonly judge: Judge }[];
  rows: Rows;
  readonly past: Rows[];
  spell: {
    readonly kind: Weather['kind'] | 'down';
    readonly salt: number;
    readonly untilStep: number;
  } | null;
}

const tapOf = (id: string): string => `tap${id.slice(0, 11)}`;

/** Makes, or takes away, the tap of a port on a simulated host. */
function plug(world: World, id: string, host: string, isHere: boolean): void {
  const kernel = world.hosts.find(({ host: one }) => one.name === host)?.host.kernel;
  kernel?.change((links) => {
    const found = links.named(tapOf(id));
    if (found !== undefined) links.remove(found.index);
    const [made] = buildLinks([{ name: tapOf(id), up: false, ipv6: 'enabled' }]);
    if (isHere && made !== undefined) links.add(made);
  });
}

function change(world: World, edit: (ports: Map<string, { network: string; host: string }>) => void): void {
  const ports = new Map(world.rows.ports);
  edit(ports);
  world.rows = { ...world.rows, ports };
}

const HAPPENINGS: readonly ((world: World) => void)[] = [
  // A port is made.
  (world) => {
    const { random } = world;
    const [network, host] = [random.pick([...world.rows.networks.keys()]), random.pick(HOSTS)];
    const id = newId(random);
    if (network === null || host === null) return;
    change(world, (ports) => ports.set(id, { network, host }));
    plug(world, id, host, true);
  },
  // A port goes.
  (world) => {
    const port = world.random.pick([...world.rows.ports]);
    if (port === null) return;
    change(world, (ports) => ports.delete(port[0]));
    plug(world, port[0], port[1].host, false);
  },
  // A port moves.
  (world) => {
    const [port, host] = [world.random.pick([...world.rows.ports]), world.random.pick(HOSTS)];
    if (port === null || host === null) return;
    plug(world, port[0], port[1].host, false);
    change(world, (ports) => ports.set(port[0], { ...port[1], host }));
    plug(world, port[0], host, true);
  },
  // A network goes, with its ports; their taps stay a while. Its VNI is another's at once.
  (world) => {
    const { random, rows } = world;
    const network = random.pick([...rows.networks]);
    if (network === null || !random.chance(0.4)) return;
    const networks = new Map([...rows.networks].filter(([id]) => id !== network[0]));
    const ports = new Map([...rows.ports].filter(([, port]) => port.network !== network[0]));
    networks.set(newId(random), network[1]);
    world.rows = { ...rows, networks, ports };
  },
  // A host is renumbered, or put back.
  (world) => {
    const host = world.random.pick(HOSTS.slice(SIMULATED.length));
    if (host === null) return;
    const end = world.random.chance(0.5) ? endOf(host) : `198.51.100.${host.slice('node-'.length)}`;
    world.rows = { ...world.rows, ends: new Map([...world.rows.ends, [host, end]]) };
  },
  // Somebody writes into a tunnel, or deletes from it.
  (world) => {
    const { random } = world;
    const one = random.pick(world.hosts)?.host;
    one?.kernel.change((links) => {
      const device = random.pick([...links.entries.keys()]);
      if (device === null) return;
      const there = links.entries.get(device) ?? [];
      const bad = random.pick([endOf(one.name), '224.0.0.1']) ?? '';
      links.entries.set(device, random.chance(0.5) ? there.slice(1) : [...there, floodEntry(bad)]);
    });
  },
  // Somebody deletes a tunnel.
  (world) => {
    const { random } = world;
    random.pick(world.hosts)?.host.kernel.change((links) => {
      const device = links.named(linkName(`vxlan-${1_001 + random.between(0, 2)}`));
      if (device !== undefined) links.remove(device.index);
    });
  },
  (world) => {
    const one = world.random.pick(world.hosts)?.host;
    if (one !== undefined) one.killIn = world.random.between(0, 8);
  },
  (world) => world.random.pick(world.hosts)?.host.startAgain(),
];

/** Bad weather comes, and lasts for some polls. */
function weatherAt(world: World, step: number): Weather | null {
  const { random } = world;
  if (world.spell !== null && world.spell.untilStep <= step) world.spell = null;
  if (world.spell === null && random.chance(0.15)) {
    const kind = random.pick([...WEATHERS, 'down' as const]) ?? 'down';
    world.spell = { kind, salt: random.between(0, 1_000), untilStep: step + random.between(1, 12) };
  }
  const { kind, salt } = world.spell ?? { kind: 'fair', salt: 0 };
  if (kind === 'down') return null;
  const isOld = kind === 'older' || kind === 'lagging';
  const rows = isOld ? (world.past.at(-1 - (salt % 10)) ?? world.rows) : world.rows;
  return { kind, salt, rows };
}

/** Three hosts, what happens to them and to their rows, and whether each keeps the contract; the same for the same seed. */
export function simulateTunnels(seed: number, bug: Bug | null = null): TunnelRun {
  const random = makeRandom(seed);
  const hosts = SIMULATED.map((name) => {
    const host = makeTunnelHost(name, bug);
    return { host, judge: makeJudge(host) };
  });
  const world: World = { random, hosts, rows: firstRows(random), past: [], spell: null };
  for (const [id, { host }] of world.rows.ports) plug(world, id, host, true);
  const counts = { passes: 0, operations: 0 };
  let nowMs = 1_000_000;
  const pollAll = (weather: Weather | null, isLast: boolean): string | null => {
    for (const { host, judge } of hosts) {
      const told = weather === null ? null : tell(weather, host.name, host.asks(nowMs));
      const passed = host.pass(told, nowMs);
      counts.passes += 1;
      counts.operations += passed.operations.length;
      const wrong = judge.passed(passed, told, nowMs) ?? (isLast ? judge.settled(world.rows, passed) : null);
      if (wrong !== null) return `${host.name}: ${wrong}`;
    }
    return null;
  };
  const run = (fault: string | null): TunnelRun => ({ seed, fault, ...counts });
  for (let step = 0; step < STEPS; step++) {
    nowMs += random.pick([500, 2_000, 20_000, 31_000]) ?? 2_000;
    if (random.chance(0.5)) random.pick(HAPPENINGS)?.(world);
    world.past.push(world.rows);
    const wrong = pollAll(weatherAt(world, step), false);
    if (wrong !== null) return run(`step ${step}: ${wrong}`);
  }
  for (const { host } of hosts) host.killIn = null;
  for (let poll = 0; poll < FAIR_POLLS; poll++) {
    nowMs += FAIR_PAUSE_MS;
    const wrong = pollAll({ kind: 'fair', salt: 0, rows: world.rows }, poll === FAIR_POLLS - 1);
    if (wrong !== null) return run(`at the end: ${wrong}`);
  }
  return run(null);
}
