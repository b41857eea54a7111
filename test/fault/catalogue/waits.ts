import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { waitForStatus } from '../../support/host/host.js';
import { BACK, type Fault, LOST } from '../fault.js';
import { GUEST_PORTS, type Stage, serves } from '../stage.js';

/** What the agent might wait for has nothing to do with the engine. */
const usual = { engines: ['PostgreSQL'], touches: [], serves } as const satisfies Partial<Fault>;

/** Each makes the agent write a line; the reader's buffer holds some 300. */
const RELOADS = 600;
/** Longer than four look-ups that hang would take to fill Node's threads. */
const LOSSES = 5;
const END_LIMIT_MS = 5_000;

/** The reader stops, and the agent is made to say more than its buffer holds. */
async function stopReading({ agent, config, sections }: Stage): Promise<() => Promise<void>> {
  agent.holdLog();
  writeFileSync(config.path, '[AGENT]\npolling_interval = soon\n');
  for (let n = 0; n < RELOADS; n++) {
    agent.signal('SIGHUP');
    await delay(2);
  }
  return async () => {
    config.write(sections);
    agent.readLog();
  };
}

/** The agent reads, and writes a status: several times, since one line may still have had room. */
async function works({ sql, rows }: Stage): Promise<void> {
  const [port = ''] = GUEST_PORTS;
  for (let round = 0; round < 3; round++) {
    await sql(`update ports set status = 'BUILD' where id = '${port}'`);
    await waitForStatus(rows, port, 'ACTIVE');
  }
}

/** Each of three servers takes a connection and says nothing; what was just read again makes the heartbeat come at once. */
async function endInHeartbeat(stage: Stage): Promise<() => Promise<void>> {
  const { server, config, sections, agent } = stage;
  const url = [sections.url, sections.url, sections.url].join(', ');
  config.write({ ...sections, url, database: ['connect_timeout = 5'] });
  server.freeze();
  agent.signal('SIGHUP');
  await stage.says('settings read again');
  agent.signal('SIGTERM');
  return async () => {
    server.thaw();
    config.write(sections);
    await stage.startAgain();
  };
}

async function loseConnections({ agent, relay }: Stage): Promise<() => Promise<void>> {
  assert.ok(relay !== null);
  for (let loss = 0; loss < LOSSES; loss++) {
    const since = agent.lines().length;
    relay.behave({ kind: 'reset', afterBytes: 0 });
    await agent.line(LOST, since);
    relay.behave({ kind: 'pass' });
    await agent.line(BACK, since);
  }
  return async () => {};
}

export const WAIT_FAULTS: readonly Fault[] = [
  {
    ...usual,
    manners: { over: 'socket' },
    name: 'reader of the log stopped',
    agent: 'Works on; drops lines beyond a bound, counts them, and says how many when the reader goes on.',
    strike: stopReading,
    expect: works,
  },
  {
    ...usual,
    manners: { over: 'socket' },
    name: 'agent ended (SIGTERM) while its heartbeat hangs at three frozen servers, started again',
    agent: 'Ends within 5 s, and finds everything as it was.',
    strike: endInHeartbeat,
    expect: async ({ agent }) => assert.equal(await agent.ended(END_LIMIT_MS), 0),
  },
  {
    ...usual,
    manners: { over: 'tcp', deadNameServer: true },
    name: 'name server dead, connection lost again and again',
    agent: 'Asks for a name once at a time, reaches the server whose name is in the hosts file each time.',
    strike: loseConnections,
    expect: works,
  },
];
