import { realClock } from '../../src/agent/clock.js';
import { startPoller } from '../../src/agent/poller.js';
import { openDatabase } from '../../src/database/database.js';
import {
  DatabaseError,
  type DatabaseSettings,
  networkId as network,
  portId as port,
  type Question,
} from '../../src/model/index.js';
import { clientOf } from '../support/databases/servers.js';
import { networkId, portId } from './stage.js';

/**
 * Started by the fleet scenario, with an engine, a port of 127.0.0.1, and which agents it plays: each a database
 * connection and a loop of the agent's own, for a host of 50 taps in 5 networks. Tells every poll that was answered.
 */
const [engine = '', serverPort = '', from = '', count = '', networks = ''] = process.argv.slice(2);
const TAPS = 50;
const INTERVAL_MS = 2_000;

function questionOf(agent: number): Question {
  const taps = Array.from({ length: TAPS }, (_, at) => ({
    by: 'id' as const,
    id: port(portId(agent * TAPS + at + 1)),
    wired: true,
  }));
  const bridges = Array.from({ length: 5 }, (_, at) => ({
    by: 'id' as const,
    id: network(networkId(((agent * TAPS + at) % Number(networks)) + 1)),
  }));
  return { taps, bridges };
}

function startAgent(agent: number): void {
  const server = clientOf(engine === 'mysql' ? 'mysql' : 'postgresql', Number(serverPort), {});
  const database: DatabaseSettings = {
    servers: [server],
    connectTimeoutMs: 5_000,
    queryTimeoutMs: 5_000,
    readOnly: true,
    tunnels: false,
    host: `other${agent}`,
  };
  const connection = openDatabase(database);
  const question = questionOf(agent);
  const settings = { pollingIntervalMs: INTERVAL_MS, reconnectIntervalMs: 2_000, database };
  startPoller(
    realClock,
    () => settings,
    Math.random,
    async () => {
      try {
        const { ports } = await connection.read(question);
        process.send?.({ agent, ports: ports.length });
        return 'good';
      } catch (error) {
        if (error instanceof DatabaseError) return 'retry';
        throw error;
      }
    },
    () => 0,
  );
}

// Hosts do not boot in step: their agents start spread over one interval.
const [first, agents] = [Number(from), Number(count)];
for (let at = 0; at < agents; at += 1) {
  setTimeout(() => startAgent(first + at), (INTERVAL_MS * at) / agents);
}
