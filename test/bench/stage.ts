import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineName } from '../support/databases/engines.js';
import { startMariadb } from '../support/databases/mariadb.js';
import { startMysql } from '../support/databases/mysql.js';
import { startPostgres } from '../support/databases/postgres.js';
import type { TestServer } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import {
  type ConfigFile,
  makeConfig,
  PROGRAM,
  type RunningAgent,
  socketUrl,
  startAgent,
} from '../support/host/agent.js';
import { type Cleanup, endProcess, ip, makeNamespace, makeTaps } from '../support/host/netns.js';
import { timed } from './measure.js';

/** What a scenario is given: it leaves nothing behind that `after` does not end. */
export type Bench = Cleanup;

/** Runs `work` and ends everything it started, in reverse order, also when it fails. */
export async function withBench<Value>(work: (bench: Bench) => Promise<Value>): Promise<Value> {
  const ends: (() => void | Promise<void>)[] = [];
  try {
    return await work({ after: (end) => void ends.push(end) });
  } finally {
    await endAll(ends.reverse());
  }
}

/** An end that fails keeps no other one from being tried: a server that is left keeps the whole bench from its end. */
async function endAll(ends: readonly (() => void | Promise<void>)[]): Promise<void> {
  const [end, ...others] = ends;
  if (end === undefined) return;
  try {
    await end();
  } finally {
    await endAll(others);
  }
}

export const HOST = 'host1';
const hex = (number: number): string => (0x10000000 + number).toString(16);
/** Ids whose first 11 characters tell them apart. */
export const portId = (number: number): string => `${hex(number)}-aaaa-4000-8000-0000${hex(number)}`;
export const networkId = (number: number): string => `${hex(number)}-bbbb-4000-8000-0000${hex(number)}`;
export const tapOf = (number: number): string => `tap${portId(number).slice(0, 11)}`;
export const bridgeOf = (number: number): string => `brq${networkId(number).slice(0, 11)}`;

export interface Cloud {
  /** Ports of this host, with numbers from 1; they are spread evenly over the networks. */
  readonly ports: number;
  readonly networks: number;
  /** `flat`: the one network is on `PHYSICAL_NETWORK`, the others are local. */
  readonly segment?: 'local' | 'flat';
}

export const PHYSICAL_NETWORK = 'physnet1';
/** The physical interface of a host with a flat network. */
export const UPLINK = 'uplink0';

/** Fills the Grizzly tables of a server. */
async function fillGrizzly(server: TestServer, { ports, networks, segment }: Cloud): Promise<void> {
  await insertRange(server, 'networks (id)', [1, networks], ({ id }) => id('bbbb'));
  await insertRange(
    server,
    'network_bindings (network_id, physical_network, vlan_id)',
    [1, networks],
    ({ id }) => `${id('bbbb')}, ${segment === 'flat' ? `'${PHYSICAL_NETWORK}', -1` : 'null, -2'}`,
  );
  await addPorts(server, [1, ports], networks, `'${HOST}'`);
}

/** What Nova is told of a port by a server with its defaults. */
const VIF_DETAILS = `'{"connectivity": "l2", "port_filter": true}'`;

/** The same in the tables of ML2, all of it bound to this host, on local networks. */
async function fillMl2(server: TestServer, { ports, networks }: Cloud): Promise<void> {
  const port = ({ id }: Sql): string => id('aaaa');
  const networkOfPort = ({ id }: Sql): string => id('bbbb', `((n - 1) % ${networks}) + 1`);
  const segments = 'networksegments (id, network_id, network_type)';
  const bindings = 'ml2_port_bindings (port_id, host, vif_type, vif_details)';
  const levels = 'ml2_port_binding_levels (port_id, host, level, driver, segment_id)';
  const all = [1, ports] as const;
  await insertRange(server, 'networks (id, mtu)', [1, networks], ({ id }) => `${id('bbbb')}, 1500`);
  await insertRange(server, segments, [1, networks], ({ id }) => `${id('bbbb')}, ${id('bbbb')}, 'local'`);
  await insertRange(
    server,
    'ports (id, network_id, admin_state_up, status, device_owner)',
    all,
    (sql) => `${port(sql)}, ${networkOfPort(sql)}, true, 'DOWN', ''`,
  );
  await insertRange(server, bindings, all, (sql) => `${port(sql)}, '${HOST}', 'bridge', ${VIF_DETAILS}`);
  await insertRange(
    server,
    levels,
    all,
    (sql) => `${port(sql)}, '${HOST}', 0, 'linuxbridge', ${networkOfPort(sql)}`,
  );
  await insertRange(server, 'portsecuritybindings (port_id, port_security_enabled)', all, (sql) => {
    return `${port(sql)}, true`;
  });
}

/** Ports with these numbers on a host, an SQL expression; `OTHER` spreads them over a thousand other hosts. */
export async function addPorts(
  server: TestServer,
  range: readonly [number, number],
  networks: number,
  host: string,
): Promise<void> {
  await insertRange(
    server,
    'ports (id, network_id, admin_state_up, status, device_owner)',
    range,
    ({ id }) => `${id('aaaa')}, ${id('bbbb', `((n - 1) % ${networks}) + 1`)}, true, 'DOWN', ''`,
  );
  await insertRange(server, 'portbindingports (port_id, host)', range, ({ id, text }) => {
    return `${id('aaaa')}, ${host === 'OTHER' ? text("'other'", 'n % 1000') : host}`;
  });
  const analyze = server.engine === 'postgresql' ? 'analyze' : 'analyze table ports, portbindingports';
  await server.query(analyze, 'quantum');
}

export interface Sql {
  /** The id that `portId` and `networkId` make of a number. */
  id(middle: string, number?: string): string;
  text(...parts: string[]): string;
}

/** One row for each number of a range. */
export async function insertRange(
  server: TestServer,
  into: string,
  [from, to]: readonly [number, number],
  row: (sql: Sql) => string,
): Promise<void> {
  const isPostgres = server.engine === 'postgresql';
  const numbers = isPostgres
    ? `generate_series(${from}, ${to}) as n`
    : '(select n from numbers_in_turn) as numbers';
  const text = (...parts: string[]): string =>
    isPostgres ? parts.join(' || ') : `concat(${parts.join(', ')})`;
  const hexSql = (number: string): string =>
    isPostgres ? `to_hex(268435456 + ${number})` : `lower(hex(268435456 + ${number}))`;
  const id = (middle: string, number = 'n'): string =>
    text(hexSql(number), `'-${middle}-4000-8000-0000'`, hexSql(number));
  const turn = isPostgres
    ? ''
    : `with recursive numbers_in_turn as (select ${from} as n union all select n + 1 from numbers_in_turn where n < ${to})`;
  await server.query(`insert into ${into} ${turn} select ${row({ id, text })} from ${numbers}`, 'quantum');
}

/** What a cloud is on: PostgreSQL with the tables of Grizzly, unless it says otherwise. */
export interface CloudOn {
  readonly engine?: EngineName;
  readonly generation?: 'grizzly' | 'ml2-zed';
  readonly connections?: number;
}

/** A server with this cloud in its tables. */
export async function cloudOn(
  bench: Bench,
  cloud: Cloud,
  { engine = 'PostgreSQL', generation = 'grizzly', connections = 40 }: CloudOn = {},
): Promise<TestServer> {
  const server = await START[engine]({ settings: settingsOf(engine, connections) });
  bench.after(() => server.destroy());
  await createSchema(server, generation);
  await (generation === 'grizzly' ? fillGrizzly : fillMl2)(server, cloud);
  return server;
}

const START = { PostgreSQL: startPostgres, MariaDB: startMariadb, MySQL: startMysql } as const;

function settingsOf(engine: EngineName, connections: number): readonly string[] {
  if (engine === 'PostgreSQL')
    return ['log_statement=none', 'shared_buffers=512MB', `max_connections=${connections}`];
  const rows = engine === 'MariaDB' ? 'max-recursive-iterations' : 'cte-max-recursion-depth';
  const many = [`max-connections=${connections}`, `open-files-limit=${connections + 1_000}`];
  return ['innodb-buffer-pool-size=512M', `${rows}=${ROWS_MAX}`, ...many];
}
/** What one statement of a bench inserts. */
const ROWS_MAX = 10_000_000;

const QUIET_PROBES = 10;
const QUIET_MS = 20;
const QUIET_LIMIT_MS = 30_000;

/**
 * Waits until the kernel has taken a deleted namespace apart, which it does on its own time: meanwhile it holds the lock
 * of all links (1.6 s for 1,000 taps in 100 bridges), and whatever is measured would wait for that.
 */
async function kernelIsQuiet(): Promise<void> {
  await withBench(async (bench) => {
    const probe = makeNamespace(bench);
    let quiet = 0;
    for (const untilMs = performance.now() + QUIET_LIMIT_MS; quiet < QUIET_PROBES; await delay(QUIET_MS)) {
      if (performance.now() > untilMs)
        throw new Error(`the kernel was not quiet within ${QUIET_LIMIT_MS} ms`);
      const tookMs = await timed(() => ip(probe, 'link', 'set', 'lo', 'up'));
      quiet = tookMs < QUIET_MS ? quiet + 1 : 0;
    }
  });
}

/** A namespace with the taps of this cloud, and the uplink of its flat network. */
export function hostOf(bench: Bench, { ports, segment }: Cloud): string {
  const namespace = hostWithTaps(bench, ports);
  if (segment === 'flat') {
    ip(namespace, 'link', 'add', UPLINK, 'type', 'veth', 'peer', 'name', 'cable0');
    for (const end of [UPLINK, 'cable0']) ip(namespace, 'link', 'set', end, 'up');
  }
  return namespace;
}

/** A namespace with taps 1 to `count`. */
export function hostWithTaps(bench: Bench, count: number): string {
  bench.after(kernelIsQuiet);
  const namespace = makeNamespace(bench);
  if (count > 0)
    makeTaps(
      namespace,
      Array.from({ length: count }, (_, index) => tapOf(index + 1)),
    );
  return namespace;
}

/** Starts the built agent and waits until its first pass with an answer is done. */
export async function runningAgent(
  bench: Bench,
  namespace: string,
  server: TestServer,
  options: { readonly pollingInterval: number; readonly mappings?: string },
): Promise<RunningAgent> {
  const config = configFor(server, options);
  const agent = await startAgent(bench, namespace, config, asInstalled());
  await delay(1_500);
  return agent;
}

/** The tests start the program with Node; its own first line starts it with these flags. */
export function asInstalled(): { readonly flags: readonly string[] } {
  const [first = ''] = readFileSync(PROGRAM, 'utf8').split('\n', 1);
  return { flags: first.split(' ').filter((word) => word.startsWith('--')) };
}

export const configFor = (
  server: TestServer,
  { pollingInterval, mappings = '' }: { readonly pollingInterval: number; readonly mappings?: string },
): ConfigFile =>
  makeConfig({
    url: socketUrl(server),
    mappings,
    agent: [`polling_interval = ${pollingInterval}`],
  });

/** `ip -batch -` kept running: makes and deletes taps without the cost of starting a process for each. */
export interface TapMaker {
  make(tap: string): void;
  remove(tap: string): void;
}

export function startTapMaker(bench: Bench, namespace: string): TapMaker {
  const batch = spawn('ip', ['-n', namespace, '-force', '-batch', '-'], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  bench.after(() => endProcess(batch));
  return {
    make: (tap) => void batch.stdin.write(`tuntap add dev ${tap} mode tap\n`),
    remove: (tap) => void batch.stdin.write(`link delete ${tap}\n`),
  };
}
