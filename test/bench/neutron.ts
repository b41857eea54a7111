import { setTimeout as delay } from 'node:timers/promises';
import { startMariadb } from '../support/databases/mariadb.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, startAgent } from '../support/host/agent.js';
import { bridgeOf, makeHost, tapOf } from '../support/host/host.js';
import { ipBatch, ipJson, makeTaps } from '../support/host/netns.js';
import { startNeutronAgent, startNeutronWithAgent } from '../support/neutron/agent.js';
import { ELSEWHERE, HERE, LIFE, livePorts, THEIR_LIFE } from '../support/neutron/life.js';
import { type Neutron, startNeutron } from '../support/neutron/server.js';
import { figuresOf } from './measure.js';
import { cpuMs, rssMb } from './processes.js';
import { asInstalled, type Bench, withBench } from './stage.js';

/**
 * `npm run bench:neutron`: Neutron's own agent and ours on the same server, database and machine, one after the other, as
 * a table. Times are until the API says so.
 */
const SIZES = [
  { taps: 1, rounds: 10 },
  { taps: 10, rounds: 4 },
  { taps: 100, rounds: 2 },
] as const;
const AT_REST_MS = 20_000;
const WINDOW_MS = 60_000;
/** An agent's wait for an effect is in seconds, in minutes where there are many. */
const LIMIT_MS = 5 * 60_000;

/** Figures by name, in the order in which they come in the table. */
type Column = Map<string, string>;

/** The processes that an agent consists of, the first of which is itself. */
type Start = (bench: Bench, neutron: Neutron, namespace: string) => Promise<() => readonly number[]>;

const startTheirs: Start = async (bench, neutron, namespace) =>
  (await startNeutronAgent(bench, neutron, { namespace, host: HERE })).pids;

const startOurs: Start = async (bench, neutron, namespace) => {
  const agent = await startAgent(bench, namespace, configOf(neutron, HERE), asInstalled());
  await waitUntil(async () => (await neutron.api.agent(HERE))?.alive === true, 'the agent is alive');
  return () => [agent.pid];
};

const configOf = ({ url }: Neutron, host: string) =>
  makeConfig({ url, agent: [`host = ${host}`, 'polling_interval = 2', 'max_removals = 1000'] });

/** Taps plugged and unplugged, then the agent at rest with the most of them. */
const tapsOf = (start: Start): Promise<Column> =>
  withBench(async (bench) => {
    const server = await startMariadb();
    bench.after(() => server.destroy());
    const neutron = await startNeutron(bench, server);
    const { namespace } = makeHost(bench);
    const pids = await start(bench, neutron, namespace);
    const column: Column = new Map();
    for (const { taps, rounds } of SIZES) {
      const network = await neutron.api.makeNetwork();
      const ports: string[] = [];
      for (let made = 0; made < taps; made += 1) ports.push(await makePort(neutron, network));
      const [wired, active, down]: [number[], number[], number[]] = [[], [], []];
      for (let round = 0; round < rounds; round += 1) {
        if (round > 0) down.push(await unplug(neutron, namespace, network, ports));
        const took = await plug(neutron, namespace, network, ports);
        wired.push(took.wiredMs);
        active.push(took.activeMs);
      }
      const n = `${taps} ${taps === 1 ? 'tap' : 'taps'}`;
      column.set(`${n} plugged: in the bridge`, seconds(wired));
      column.set(`${n} plugged: ACTIVE`, seconds(active));
      column.set(`${n} unplugged: DOWN`, seconds(down));
    }
    await delay(AT_REST_MS);
    const total = (): number => pids().reduce((sum, pid) => sum + cpuMs(pid), 0);
    const before = total();
    await delay(WINDOW_MS);
    column.set('at rest with 111 taps: CPU in a minute', `${((total() - before) / 1000).toFixed(2)} s`);
    const [own = 0, ...helpers] = pids().map(rssMb);
    const helping =
      helpers.length === 0 ? '' : ` and ${helpers.reduce((a, b) => a + b, 0).toFixed(0)} of helpers`;
    column.set('memory', `${own.toFixed(0)}${helping} MB`);
    return column;
  });

const makePort = async ({ api }: Neutron, network: string): Promise<string> =>
  (await api.makePort({ network_id: network, 'binding:host_id': HERE, device_owner: 'network:peer' })).id;

/** All ports of the network have this status. */
async function until({ api }: Neutron, network: string, status: string): Promise<void> {
  const all = async (): Promise<boolean> =>
    (await api.get<{ ports: { status: string }[] }>(`ports?network_id=${network}&fields=status`)).ports.every(
      (port) => port.status === status,
    );
  await waitUntil(all, `all ports are ${status}`, LIMIT_MS);
}

async function plug(
  neutron: Neutron,
  namespace: string,
  network: string,
  ports: readonly string[],
): Promise<{ readonly wiredMs: number; readonly activeMs: number }> {
  const begunMs = performance.now();
  makeTaps(namespace, ports.map(tapOf));
  const members = (): number =>
    ipJson<{ master?: string }>(namespace, 'link', 'show').filter(
      ({ master }) => master === bridgeOf(network),
    ).length;
  const since = (): number => performance.now() - begunMs;
  const [wiredMs, activeMs] = await Promise.all([
    waitUntil(() => members() === ports.length, 'all taps are in the bridge', LIMIT_MS).then(since),
    until(neutron, network, 'ACTIVE').then(since),
  ]);
  return { wiredMs, activeMs };
}

async function unplug(
  neutron: Neutron,
  namespace: string,
  network: string,
  ports: readonly string[],
): Promise<number> {
  const begunMs = performance.now();
  ipBatch(
    namespace,
    ports.map((port) => `link del ${tapOf(port)}`),
  );
  await until(neutron, network, 'DOWN');
  return performance.now() - begunMs;
}

const seconds = (samples: readonly number[]): string => `${(figuresOf(samples).median / 1000).toFixed(3)} s`;

/** Each step in the life of a port: what was said in the end, and when. */
const lifeOf = (whose: 'theirs' | 'ours'): Promise<Column> =>
  withBench(async (bench) => {
    const server = await startMariadb();
    bench.after(() => server.destroy());
    const { namespace } = makeHost(bench);
    const neutron =
      whose === 'theirs'
        ? await startNeutronWithAgent(bench, server, { namespace, host: HERE })
        : await startNeutron(bench, server);
    for (const host of whose === 'ours' ? [HERE, ELSEWHERE] : [ELSEWHERE]) {
      const place = host === HERE ? namespace : makeHost(bench).namespace;
      await startAgent(bench, place, configOf(neutron, host), asInstalled());
      await waitUntil(async () => (await neutron.api.agent(host))?.alive === true, `${host} is alive`);
    }
    const steps = await livePorts(neutron, namespace, whose === 'theirs' ? THEIR_LIFE : LIFE);
    return new Map(
      steps.map(({ step, says, afterMs }) => [step, `${says}, ${(afterMs / 1000).toFixed(2)} s`]),
    );
  });

function asTable(title: string, theirs: Column, ours: Column): string {
  const rows = [...theirs].map(([name, figure]) => `| ${name} | ${figure} | ${ours.get(name) ?? ''} |`);
  return [`| ${title} | Neutron's agent | this one |`, '|---|---|---|', ...rows, ''].join('\n');
}

const [theirs, ours] = [await tapsOf(startTheirs), await tapsOf(startOurs)];
process.stdout.write(`${asTable('taps of local networks (medians)', theirs, ours)}\n`);
const [theirLife, ourLife] = [await lifeOf('theirs'), await lifeOf('ours')];
process.stdout.write(asTable('the life of a port', theirLife, ourLife));
