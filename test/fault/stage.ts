import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { type Relay, startRelay } from '../support/databases/relay.js';
import type { Rows } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';
import {
  type ConfigFile,
  makeConfig,
  type Ran,
  type RunningAgent,
  runCli,
  type Sections,
  socketUrl,
  startAgent,
} from '../support/host/agent.js';
import { type FreezableDisk, mountFreezable } from '../support/host/frozen-disk.js';
import {
  bridgeOf,
  linkNames,
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  waitForMaster,
  waitForStatus,
} from '../support/host/host.js';
import { LISTED_NAME, makeDeadNameServer, UNKNOWN_NAME } from '../support/host/name-server.js';
import { type Cleanup, command, ip, makeNamespace, makeVeth } from '../support/host/netns.js';
import { type Counted, type Guest, makeGuest, startTraffic, type Traffic } from '../support/host/traffic.js';
import { startQuietWitness, type Witness } from '../support/host/witness.js';
import { type Dump, takeDump } from './dump.js';

/** Both guests' ports and the spare one are on a local network, two more on a flat one with eth1 as its uplink. */
export const [LOCAL, FLAT, OTHER] = [networkId(1), networkId(2), networkId(3)];
export const GUEST_PORTS = [portId(1), portId(2)];
export const FLAT_PORTS = [portId(3), portId(6)];
export const WIRED_PORTS = [...GUEST_PORTS, ...FLAT_PORTS];
/** A port with a row from the start, whose tap is made when the fault is over. */
export const SPARE_PORT = portId(4);
/** Bound to another host: the tables are not empty without this host's ports. */
export const OTHER_PORT = portId(5);
export const MAPPINGS = 'physnet1:eth1';

const DATABASE_PLACE = { address: '10.9.0.1', port: 5999 };

/** A host that is wired and at work, on which a fault is about to happen. */
export interface Stage {
  readonly t: Cleanup;
  readonly namespace: string;
  readonly outside: string;
  readonly server: TestServer;
  /** Starts another one of the same engine. */
  startServer(): Promise<TestServer>;
  readonly rows: Rows;
  /** The rows as they were before the fault. */
  readonly dump: Dump;
  /** The agent that runs now. */
  readonly agent: RunningAgent;
  readonly config: ConfigFile;
  readonly sections: Sections;
  /** Under state_dir; null: it cannot be frozen. */
  readonly disk: FreezableDisk | null;
  /** Where the agent reaches the server over TCP; null: over its Unix socket. */
  readonly relay: Relay | null;
  readonly databaseNamespace: string | null;
  readonly witness: Witness;
  readonly traffic: Traffic;
  /** The two that exchange packets, each in a namespace of its own. */
  readonly guests: readonly [Guest, Guest];
  /** Every device that was right before the fault. */
  readonly healthy: readonly string[];
  /** As the administrator. */
  sql(statements: string): Promise<Record<string, unknown>[]>;
  cli(...args: readonly string[]): Promise<Ran>;
  /** Starts an agent after the end of the one before. */
  startAgain(): Promise<RunningAgent>;
  /** Waits for a line that the agent logs after the fault began. */
  says(message: string): ReturnType<RunningAgent['line']>;
  /** Whether it has said so since then. */
  said(message: string): boolean;
}

export interface Manners {
  /** How the agent reaches the server. */
  readonly over: 'socket' | 'tcp';
  /** Environment of the agent. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Two servers: the name of the first can be asked of a name server that never answers, that of the second is in the hosts file. */
  readonly deadNameServer?: boolean;
  /** state_dir is a file system of its own: of 64 KiB, or one that can be frozen. It is mounted before the agent starts, which has its own view. */
  readonly stateDir?: 'small' | 'freezable';
}

/** Fills the tables, wires four taps and lets frames flow between the two guests. Everything ends with the test. */
export async function makeStage(
  t: Cleanup,
  database: TestDatabase,
  startServer: Stage['startServer'],
  manners: Manners,
): Promise<Stage> {
  const { server, rows } = database;
  await fillTables(rows);
  const { namespace, outside } = makeHost(t);
  const reach =
    manners.over === 'tcp'
      ? await overTcp(t, namespace, server, manners.deadNameServer === true)
      : overSocket(server);
  const sections: Sections = { url: reach.url, mappings: MAPPINGS };
  const config = makeConfig(sections);
  if (manners.stateDir === 'small') mountSmall(t, config.stateDir);
  const disk = manners.stateDir === 'freezable' ? mountFreezable(t, config.stateDir) : null;
  const guests = GUEST_PORTS.map((port, n) => makeGuest(t, namespace, tapOf(port), n + 1));
  makeTapsOf(namespace, ...FLAT_PORTS);
  const start = () => startAgent(t, namespace, config, { environment: manners.environment ?? {} });
  let agent = await start();
  for (const port of WIRED_PORTS) await waitForStatus(rows, port, 'ACTIVE');
  const [from, to] = guests;
  if (from === undefined || to === undefined) throw new Error('there are two guests');
  const traffic = await startTraffic(t, from, to);
  const dump = await takeDump(server);
  const witness = await startQuietWitness(t, namespace);
  let before = agent.lines().length;
  return {
    t,
    namespace,
    outside,
    server,
    startServer,
    rows,
    dump,
    get agent() {
      return agent;
    },
    startAgain: async () => {
      agent = await start();
      before = 0;
      return agent;
    },
    config,
    sections,
    disk,
    ...reach,
    witness,
    traffic,
    guests: [from, to],
    healthy: linkNames(namespace).filter((name) => !['lo', 'mgmt'].includes(name)),
    sql: (statements) => server.query(statements, 'quantum'),
    cli: (...args) => runCli(namespace, ['--config-file', config.path, ...args]),
    says: (message) => agent.line(message, before),
    said: (message) => agent.saying(message, before).length > 0,
  };
}

function mountSmall(t: Cleanup, folder: string): void {
  mkdirSync(folder, { recursive: true });
  command('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder);
  t.after(() => void command('umount', '--lazy', folder));
}

async function fillTables(rows: Rows): Promise<void> {
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.network({ id: OTHER, type: 'local' });
  for (const id of [...GUEST_PORTS, SPARE_PORT]) await rows.port({ id, network: LOCAL, host: 'host1' });
  for (const id of FLAT_PORTS) await rows.port({ id, network: FLAT, host: 'host1' });
  await rows.port({ id: OTHER_PORT, network: OTHER, host: 'host2' });
}

type Reach = Pick<Stage, 'relay' | 'databaseNamespace'> & { readonly url: string };

const overSocket = (server: TestServer): Reach => ({
  url: socketUrl(server),
  relay: null,
  databaseNamespace: null,
});

/** The server's port is in a namespace of its own, at the other end of a cable. */
async function overTcp(
  t: Cleanup,
  namespace: string,
  server: TestServer,
  hasDeadNameServer: boolean,
): Promise<Reach> {
  const databaseNamespace = makeNamespace(t);
  makeVeth(namespace, 'mgmt', databaseNamespace, 'mgmt');
  ip(namespace, 'address', 'add', '10.9.0.2/24', 'dev', 'mgmt');
  ip(databaseNamespace, 'address', 'add', `${DATABASE_PLACE.address}/24`, 'dev', 'mgmt');
  const relay = await startRelay(t, server, { namespace: databaseNamespace, ...DATABASE_PLACE });
  const { address, port } = DATABASE_PLACE;
  if (hasDeadNameServer) makeDeadNameServer(t, namespace, 'mgmt', address);
  const hosts = hasDeadNameServer ? `${UNKNOWN_NAME}:${port},${LISTED_NAME}:${port}` : `${address}:${port}`;
  const url = server.url().replace(/@127\.0\.0\.1:\d+/, `@${hosts}`);
  return { url, relay, databaseNamespace };
}

/** While the agent does not run, so that all of it waits for it at once; the result ends nothing. */
export async function whileStopped(
  { agent }: Stage,
  work: () => void | Promise<void>,
): Promise<() => Promise<void>> {
  agent.signal('SIGSTOP');
  try {
    await work();
  } finally {
    agent.signal('SIGCONT');
  }
  return async () => {};
}

/** Waits until a tap that is made now is wired, and every port ACTIVE: the agent reads, wires and writes again. */
export async function serves({ namespace, rows }: Stage): Promise<void> {
  makeTapsOf(namespace, SPARE_PORT);
  await waitForMaster(namespace, tapOf(SPARE_PORT), bridgeOf(LOCAL));
  for (const port of [SPARE_PORT, ...WIRED_PORTS]) await waitForStatus(rows, port, 'ACTIVE');
}

/** What must hold at the end of every fault: nothing was lost, nothing was touched, the agent still runs. */
export async function assertUnharmed(
  stage: Stage,
  touched: readonly string[],
): Promise<Counted & { readonly events: number }> {
  const right = new Set(stage.healthy.filter((device) => !touched.includes(device)));
  const events = (await stage.witness.events()).filter((line) => right.has(deviceOf(line)));
  assert.deepEqual(events, [], 'events on devices that were right');
  const counted = await stage.traffic.stop();
  assert.ok(counted.sent > 0, `no packets were sent`);
  assert.equal(counted.lost, 0, `${counted.lost} of ${counted.sent} packets were lost`);
  for (const line of stage.agent.stderr().split('\n'))
    assert.ok(line.length < 4096, 'a log line is too long');
  stage.agent.signal('SIGTERM');
  assert.equal(await stage.agent.ended(), 0, stage.agent.stderr());
  return { ...counted, events: events.length };
}

/** The device that a line of `ip -o monitor` is about; other devices that it names are its master or its parent. */
const deviceOf = (line: string): string =>
  /^(?:Deleted )?\d+: ([^:@\s]+)/.exec(line)?.[1] ?? /\bdev (\S+)/.exec(line)?.[1] ?? '';
