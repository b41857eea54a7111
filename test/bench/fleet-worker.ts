import { realClock } from '../../src/agent/clock.js';
import { startPoller } from '../../src/agent/poller.js';
import { openDatabase } from '../../src/database/database.js';
import { openHeartbeats } from '../../src/database/heartbeat.js';
import {
  DatabaseError,
  type DatabaseServer,
  type DatabaseSettings,
  networkId as network,
  portId as port,
  type Question,
} from '../../src/model/index.js';
import { PASSWORD } from '../support/databases/servers.js';
import { networkId, portId } from './stage.js';

/**
 * Started by the fleet scenario: plays agents, each a database connection and a loop of the agent's own, for a host of 50 taps
 * in 5 networks. Tells every poll that was answered, and every heartbeat that was taken.
 */
export interface FleetPart {
  /** Its password stays behind. */
  readonly server: Omit<DatabaseServer, 'password'>;
  readonly from: number;
  readonly count: number;
  readonly networks: number;
  readonly intervalMs: number;
  /** The agents start spread over this time: hosts do not boot in step. */
  readonly startMs: number;
}
export type Told = { readonly agent: number } & ({ readonly ports: number } | { readonly beat: true });
/** What the scenario says to it: so many of its agents beat from now on, once in this time. */
export interface Beating {
  readonly agents: number;
  readonly everyMs: number;
}

const part = JSON.parse(process.argv[2] ?? '') as FleetPart;
const TAPS = 50;

const tell = (told: Told): void => void process.send?.(told);

function questionOf(agent: number): Question {
  const taps = Array.from({ length: TAPS }, (_, at) => ({
    by: 'id' as const,
    id: port(portId(agent * TAPS + at + 1)),
    wired: true,
  }));
  const bridges = Array.from({ length: 5 }, (_, at) => ({
    by: 'id' as const,
    id: network(networkId(((agent * TAPS + at) % part.networks) + 1)),
  }));
  return { taps, bridges };
}

const databaseOf = (agent: number, readOnly: boolean): DatabaseSettings => ({
  servers: [{ ...part.server, password: () => PASSWORD }],
  connectTimeoutMs: 5_000,
  queryTimeoutMs: 5_000,
  readOnly,
  tunnels: false,
  host: `other${agent}`,
});

/** Whether the database took it. A failure of the database is what is measured; any other one ends the worker. */
async function isTaken(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof DatabaseError) return false;
    throw error;
  }
}

function startAgent(agent: number): void {
  const database = databaseOf(agent, true);
  const connection = openDatabase(database);
  const question = questionOf(agent);
  const settings = { pollingIntervalMs: part.intervalMs, reconnectIntervalMs: 2_000, database };
  const poll = async (): Promise<void> => {
    const { ports } = await connection.read(question);
    tell({ agent, ports: ports.length });
  };
  startPoller(
    realClock,
    () => settings,
    Math.random,
    async () => ((await isTaken(poll)) ? 'good' : 'retry'),
    () => 0,
  );
}

const REPORT = {
  upForMs: 0,
  devices: TAPS,
  interfaceMappings: new Map(),
  bridgeMappings: new Map(),
  tunnels: null,
};

function startHeart(agent: number, everyMs: number): void {
  const heart = openHeartbeats(databaseOf(agent, false));
  const beat = async (): Promise<void> => {
    await heart.beat(REPORT);
    tell({ agent, beat: true });
  };
  const again = async (): Promise<void> => {
    await isTaken(beat);
    setTimeout(() => void again(), everyMs);
  };
  void again();
}

const spread = (count: number, overMs: number, start: (agent: number) => void): void => {
  for (let at = 0; at < count; at += 1) setTimeout(() => start(part.from + at), (overMs * at) / count);
};

spread(part.count, part.startMs, startAgent);
process.on('message', ({ agents, everyMs }: Beating) =>
  spread(agents, everyMs, (agent) => startHeart(agent, everyMs)),
);
