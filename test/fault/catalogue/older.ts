import assert from 'node:assert/strict';
import { createSchema } from '../../support/databases/tables.js';
import { socketUrl } from '../../support/host/agent.js';
import { makeTapsOf, masterOf, tapOf } from '../../support/host/host.js';
import { restoreRows, TABLES } from '../dump.js';
import { BACK, EVERY_ENGINE, type Fault, HELD, LOST, servesUnheld } from '../fault.js';
import { GUEST_PORTS, OTHER, OTHER_PORT, type Stage, serves } from '../stage.js';

/** The agent is told by a database that knows less than the agent has been told before. */
const usual = { manners: { over: 'socket' }, touches: [] } as const satisfies Partial<Fault>;

/** A guest's port that is still in another network there: it alone, since two would be held because of their number. */
const [MOVED = ''] = GUEST_PORTS;

/** The agent gets to know of a second server, which has applied nothing of late, and loses the first one. */
async function failOver(stage: Stage): Promise<() => Promise<void>> {
  const { t, dump, server, agent, config, sections } = stage;
  const replica = await stage.startServer();
  t.after(() => replica.destroy());
  await createSchema(replica, 'grizzly');
  const older = `update ports set network_id = '${OTHER}' where id = '${MOVED}'; set global read_only = 1`;
  await replica.query(`${restoreRows(dump)};\n${older}`, 'quantum');
  config.write({ ...sections, url: `${sections.url}, ${socketUrl(replica)}` });
  agent.signal('SIGHUP');
  await stage.says('settings read again');
  // The test's servers of MySQL's family write their log once a second: what this stage has just inserted must not be lost.
  await stage.sql('flush engine logs');
  await server.kill();
  return async () => {
    await server.start();
    await replica.kill();
  };
}

/** Ends the agent, does something to the database, and starts the agent again. */
const meanwhile =
  (take: (stage: Stage) => string, giveBack: (stage: Stage) => string): Fault['strike'] =>
  async (stage) => {
    makeTapsOf(stage.namespace, OTHER_PORT);
    stage.agent.signal('SIGTERM');
    await stage.agent.ended();
    await stage.sql(take(stage));
    await stage.startAgain();
    return async () => void (await stage.sql(giveBack(stage)));
  };

/** An outage, in which the tap of a port of another host is not taken for one of this host. */
const restarted = {
  ...usual,
  engines: EVERY_ENGINE,
  expect: async ({ says, namespace }: Stage) => {
    await says(LOST);
    assert.equal(masterOf(namespace, tapOf(OTHER_PORT)), null);
  },
  serves: async (stage: Stage) => {
    await stage.says(BACK);
    await serves(stage);
    assert.equal(masterOf(stage.namespace, tapOf(OTHER_PORT)), null);
  },
} as const satisfies Partial<Fault>;

const OUTAGE = 'Takes it for an outage, since it has served this host from this database before';

export const OLDER_FAULTS: readonly Fault[] = [
  {
    ...usual,
    name: 'server killed, and a read-only replica that lags behind answers instead',
    agent:
      'Holds every removal, moves of ports too, and says so once, until what was known last is said again.',
    engines: ['MariaDB', 'MySQL'],
    strike: failOver,
    expect: async ({ says }) => void (await says(HELD)),
    serves: servesUnheld,
  },
  {
    ...restarted,
    name: 'table portbindingports renamed while the agent is stopped, agent started again',
    agent: `${OUTAGE}, of a newer generation; wires no port of another host.`,
    strike: meanwhile(
      () => 'alter table portbindingports rename to portbindingports_away',
      () => 'alter table portbindingports_away rename to portbindingports',
    ),
  },
  {
    ...restarted,
    name: 'agent started in the middle of a restore, when there is no table of ports',
    agent: `${OUTAGE}; goes on when the tables are there.`,
    strike: meanwhile(
      () => TABLES.map((table) => `drop table ${table}`).join(';\n'),
      ({ dump: { definition, rows } }) =>
        [
          ...TABLES.flatMap((table) => definition[table]),
          'begin',
          ...TABLES.flatMap((table) => rows[table]),
          'commit',
        ].join(';\n'),
    ),
  },
];
