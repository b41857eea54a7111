import knex from 'knex';
import { type Agent, startAgent } from '../../src/agent/agent.js';
import { openServerRecord } from '../../src/agent/state-dir/server-record.js';
import type { Connection, Row, Select, Snapshot } from '../../src/database/connection.js';
import { grizzly } from '../../src/database/generations/grizzly.js';
import { type Reading, readSnapshot } from '../../src/database/read.js';
import { makePicture } from '../../src/kernel/picture.js';
import {
  type Database,
  ID_PREFIX_LENGTH,
  ifIndex,
  type Kernel,
  type Link,
  type Operation,
  type OperationOutcome,
  type Store,
  type TapFilter,
} from '../../src/model/index.js';
import { makeClock, type SimulatedClock } from '../simulation/clock.js';
import { makeRandom } from '../simulation/random.js';
import { makeStage } from '../simulation/stage.js';
import { entriesOf } from '../support/simulated/host.js';
import { buildLinks, buildSettings, TEST_HOST } from '../support/simulated/host-builder.js';
import { cpuOf } from './processes.js';
import { networkId, portId } from './stage.js';
import { linksIn, tunnelRowsOf } from './tunnel-rows.js';

/**
 * The whole agent in this process, on links and rows that are kept in memory: what is timed is its own work alone. The picture
 * of the links and the reading of the rows are its own code too; no kernel, no server and no disk has a part in it.
 */
export interface InMemoryAgent {
  readonly agent: Agent;
  readonly clock: SimulatedClock;
  readonly links: Links;
  readonly rows: Rows;
  /** CPU time of the pass with its first answer, on a host that is right already. */
  readonly firstPassMs: number;
}

/** The taps, and the networks that they are spread over. */
export interface CloudInMemory {
  readonly taps: number;
  readonly networks: number;
  /** The networks are of type vxlan, and so many other hosts have ports of each; absent: they are local. */
  readonly others?: number;
}

/** The host. Whoever changes it tells the agent with `look`. */
export interface Links {
  readonly kernel: Kernel;
  remove(tap: string): void;
  /** Makes it again, down and in no bridge, with another index. */
  make(tap: string): void;
  look(): void;
}

/** The rows of one cloud, as a driver gives them: other objects each time. */
export interface Rows {
  readonly database: Database;
  setAdminState(port: string, isUp: boolean): void;
}

const POLLING_INTERVAL_MS = 2_000;
/** `inet filter`, as it is when taps are filtered here already. */
const DROPS: TapFilter = { kind: 'present', drops: { tagged: true, switchFrames: true } };

/** An agent that has wired these taps and has nothing to do. The guard lets everything go. */
export async function agentInMemory(cloud: CloudInMemory): Promise<InMemoryAgent> {
  const { taps, networks, others } = cloud;
  const clock = makeClock();
  const links = linksOf(cloud);
  const rows = others === undefined ? rowsOf(taps, networks) : tunnelRowsOf({ ...cloud, others });
  const settings = {
    ...makeStage(makeRandom(1)).settings,
    host: buildSettings({ tunnels: {} }),
    pollingIntervalMs: POLLING_INTERVAL_MS,
    guard: { maxRemovals: taps, windowMs: 1_000, release: 'operator' } as const,
  };
  const edges = {
    kernel: links.kernel,
    openDatabase: () => rows.database,
    clock,
    store: NO_DISK,
    servers: openServerRecord(NO_DISK, clock),
    observer: () => {},
    random: makeRandom(2).next,
    version: 'the benchmark',
  };
  const agent = startAgent(edges, settings);
  // Its first poll is due at once.
  const firstPassMs = await cpuOf(() => clock.runUntil(clock.monotonicMs(), () => true));
  for (let poll = 0; poll < 3; poll += 1)
    await clock.runUntil(clock.monotonicMs() + POLLING_INTERVAL_MS, () => true);
  return { agent, clock, links, rows, firstPassMs };
}

const NO_DISK: Store = {
  read: () => ({ kind: 'none' }),
  keep: () => {},
  forget: () => {},
  writeAhead: () => {},
  inTurn: async (work) => work(),
  flush: async () => {},
};

function linksOf(cloud: CloudInMemory): Links {
  const picture = makePicture(null);
  const links = buildLinks(linksIn(cloud));
  const forwarding = entriesOf(links);
  const byName = new Map<string, Link>(links.map((link) => [link.name, link]));
  let free = Math.max(...links.map(({ index }) => index)) + 1;
  let told = (): void => {};
  const change = (index: Link['index'] | null, fields: Partial<Link>): void => {
    const link = index === null ? null : picture.bare(index);
    if (link !== null) picture.put({ ...link, ...fields });
  };
  const carryOut = (operation: Operation): OperationOutcome => {
    if (operation.op === 'attach')
      change(operation.target.index, { master: operation.bridge.index, ...groupIn(operation) });
    else if (operation.op === 'detach') change(operation.target.index, { master: null });
    else if (operation.op === 'set-up') change(operation.target.index, { up: true });
    else if (operation.op === 'set-mtu') change(operation.target.index, { mtu: operation.mtu });
    else if (operation.op === 'set-ipv4') change(operation.target.index, { ipv4: operation.settings });
    else if (operation.op === 'disable-ipv6') change(operation.target.index, { ipv6: QUIET });
    else throw new Error(`${operation.op} of ${operation.device} is no part of this benchmark`);
    return { ok: true, operation };
  };
  for (const link of links) {
    picture.put(link);
    for (const address of link.addresses) picture.putAddress(link.index, { ...address, raw: NO_ATTRIBUTES });
  }
  return {
    kernel: {
      observe: () => picture.state({ tapFilter: DROPS, forwarding }),
      routesOver: () => [],
      invalidate: () => {},
      askAgain: () => {},
      apply: (operations) => operations.map(carryOut),
      watch: (look) => {
        told = look;
      },
      close: async () => {},
    },
    remove: (tap) => {
      const link = byName.get(tap);
      if (link !== undefined) picture.forget(link.index);
    },
    make: (tap) => {
      const link = byName.get(tap);
      if (link === undefined) throw new RangeError(`${tap} is no tap of this host`);
      const made = {
        ...link,
        index: ifIndex(free),
        master: null,
        up: false,
        group: 0,
        mtu: 1_500,
        ipv6: LOUD,
      };
      free += 1;
      byName.set(tap, made);
      picture.put(made);
    },
    look: () => told(),
  };
}

/** A message of the kernel about an address, as text, that says nothing besides. */
const NO_ATTRIBUTES = Buffer.alloc(8).toString('hex');

const LOUD = { disabled: false, acceptRa: 1, autoconf: true, forwarding: false };
const QUIET = { ...LOUD, disabled: true };

const groupIn = ({ group }: Extract<Operation, { op: 'attach' }>): Partial<Link> =>
  group === undefined ? {} : { group };

function rowsOf(taps: number, networks: number): Rows {
  const ports = new Map<string, Row>();
  for (let n = 1; n <= taps; n += 1)
    ports.set(portId(n), {
      id: portId(n),
      network_id: networkId(((n - 1) % networks) + 1),
      admin_state_up: true,
      status: 'ACTIVE',
      device_owner: '',
      host: TEST_HOST,
    });
  const bound = Array.from({ length: networks }, (_, at) => networkId(at + 1)).flatMap((id): Row[] => [
    { network_id: id, is_network: 1, mtu: null, physical_network: null, vlan_id: 0 },
    { network_id: id, is_network: 0, mtu: null, physical_network: null, vlan_id: -2 },
  ]);
  const connection = connectionTo((table) => (table === 'ports' ? [...ports.values()] : bound));
  const source = { connection, generation: grizzly.open(new Map()), heartbeat: null };
  let last: Reading | null = null;
  return {
    database: {
      read: async (question) => {
        last = await readSnapshot(source, question, TEST_HOST, last);
        return last.answer;
      },
      writeStatuses: async (changes) => {
        for (const { port, to } of changes) ports.set(port, { ...ports.get(port), status: to });
        return changes.length;
      },
      close: async () => {},
    },
    setAdminState: (port, isUp) => void ports.set(port, { ...ports.get(port), admin_state_up: isUp }),
  };
}

/** A connection on which every SELECT is answered at once, with the rows whose ids, or their beginnings, are among its values. */
function connectionTo(rowsIn: (table: 'ports' | 'networks') => readonly Row[]): Connection {
  const asked = new WeakMap<Select, { readonly isOfPorts: boolean; readonly values: ReadonlySet<unknown> }>();
  const rowsOf = (select: Select): readonly Row[] => {
    const { isOfPorts, values } = asked.get(select) ?? termsOf(select);
    asked.set(select, { isOfPorts, values });
    const isMeant = ({ id, network_id: network }: Row): boolean => {
      const key = String(isOfPorts ? id : network);
      return values.has(key) || values.has(key.slice(0, ID_PREFIX_LENGTH));
    };
    return rowsIn(isOfPorts ? 'ports' : 'networks')
      .filter(isMeant)
      .map((row) => ({ ...row }));
  };
  const snapshot = async (selects: readonly Select[]): Promise<Snapshot> => ({
    server: { identity: 'memory', suspect: null },
    rows: selects.map(rowsOf),
    heartbeat: null,
  });
  return {
    server: {
      engine: 'postgresql',
      host: null,
      port: null,
      socketPath: null,
      user: 'nobody',
      password: () => null,
      database: 'quantum',
      tls: null,
      publicKeyFile: null,
    },
    builder: knex({ client: 'pg' }),
    namespace: null,
    select: async (query) => rowsOf(query),
    write: async () => 0,
    beginSnapshot: snapshot,
    endSnapshot: async () => {},
    wholeSnapshot: snapshot,
    lost: () => false,
    end: async () => {},
    cut: () => {},
  };
}

function termsOf(select: Select): { readonly isOfPorts: boolean; readonly values: ReadonlySet<unknown> } {
  const { sql, bindings } = select.toSQL();
  return { isOfPorts: / from "ports" /.test(sql), values: new Set([bindings].flat(2)) };
}
