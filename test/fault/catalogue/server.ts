import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../support/databases/servers.js';
import { fillDisk } from '../../support/databases/small-disk.js';
import { waitForStatus } from '../../support/host/host.js';
import { restoreRows, TABLES, type Table } from '../dump.js';
import { BACK, EVERY_ENGINE, type Fault, HELD, LOST, servesUnheld, severalPolls } from '../fault.js';
import { GUEST_PORTS, type Stage, serves } from '../stage.js';

/** What most faults of a server have in common. */
const usual = {
  engines: EVERY_ENGINE,
  manners: { over: 'socket' },
  touches: [],
  expect: async ({ says }: Stage) => void (await says(LOST)),
  serves: async (stage: Stage) => {
    await stage.says(BACK);
    await serves(stage);
  },
} as const satisfies Partial<Fault>;

const OUTAGE = 'Says once that the database is lost, changes nothing, tries again until it is back.';
const HOLDS = 'Holds the removals and says so once; they are no more when the rows are back.';

/** Runs statements that take something away; gives what gives it back. */
const statements =
  (take: (stage: Stage) => string, giveBack: (stage: Stage) => string): Fault['strike'] =>
  async (stage) => {
    await stage.sql(take(stage));
    return async () => void (await stage.sql(giveBack(stage)));
  };

const isMysql = ({ server }: Stage): boolean => server.engine === 'mysql';
const ACCOUNTS = ["'quantum'@'localhost'", "'quantum'@'127.0.0.1'"];

const recreate = ({ dump }: Stage, table: Table): string =>
  [...dump.definition[table], ...dump.rows[table]].join(';\n');

async function lockPorts(stage: Stage): Promise<() => Promise<void>> {
  const [lock, release] = isMysql(stage)
    ? [
        'lock tables ports write; select sleep(300)',
        'select id as pid from information_schema.processlist where info like "select sleep%"',
      ]
    : [
        'begin; lock table ports in access exclusive mode; select pg_sleep(300)',
        "select pid from pg_stat_activity where query like 'begin; lock table%' and pid <> pg_backend_pid()",
      ];
  // It ends when it is killed below.
  const locked = stage.sql(lock).catch(() => {});
  return async () => {
    const [session] = await stage.sql(release);
    await stage.sql(isMysql(stage) ? `kill ${session?.pid}` : `select pg_terminate_backend(${session?.pid})`);
    await locked;
  };
}

/** MariaDB and MySQL: a session keeps what it was allowed when it began. */
async function endSessions(stage: Stage): Promise<void> {
  const sessions = await stage.sql("select id from information_schema.processlist where user = 'quantum'");
  for (const { id } of sessions) await stage.sql(`kill ${id}`);
}

async function restoreTableByTable(stage: Stage): Promise<() => Promise<void>> {
  for (const table of TABLES) {
    for (const statement of stage.dump.definition[table]) {
      await stage.sql(statement);
      await delay(400);
    }
    // A dump has all rows of a small table in one INSERT.
    await stage.sql(['begin', ...stage.dump.rows[table], 'commit'].join(';\n'));
    await delay(400);
  }
  return async () => {};
}

async function fillTheDisk(stage: Stage): Promise<() => Promise<void>> {
  await stage.sql('create table filler (value varchar(250))');
  const free = fillDisk(stage.server);
  const row = "(repeat('x', 250))";
  const values = Array(200).fill(row).join(', ');
  const refused = () =>
    stage.sql(`insert into filler values ${values}`).then(
      () => false,
      () => true,
    );
  // Until the server has no room for its own log; some give up altogether then.
  await waitUntil(refused, 'the server refuses a statement');
  return async () => {
    free();
    const answers = await stage.sql('select 1').then(
      () => true,
      () => false,
    );
    if (!answers) {
      await stage.server.kill();
      await stage.server.start();
    }
    await stage.sql('drop table filler');
  };
}

/** Waits until it has read, and has written what somebody else has changed. */
async function works(stage: Stage): Promise<void> {
  const [port] = GUEST_PORTS;
  if (port === undefined) throw new Error('there are two guests');
  await stage.sql(`update ports set status = 'BUILD' where id = '${port}'`);
  await waitForStatus(stage.rows, port, 'ACTIVE');
}

export const SERVER_FAULTS: readonly Fault[] = [
  {
    ...usual,
    name: 'server killed (SIGKILL), started again',
    agent: OUTAGE,
    strike: async (stage) => {
      const { server } = stage;
      // The test's servers of MySQL's family write their log once a second: what this stage has just inserted must not be lost.
      if (isMysql(stage)) await stage.sql('flush engine logs');
      await server.kill();
      return () => server.start();
    },
  },
  {
    ...usual,
    name: 'server frozen (SIGSTOP), continued',
    agent: `Gives up waiting after query_timeout. ${OUTAGE}`,
    strike: async ({ server }) => {
      server.freeze();
      return async () => server.thaw();
    },
  },
  {
    ...usual,
    name: 'server restarted empty',
    agent: `Sees that table ports is wholly empty. ${HOLDS}`,
    strike: async (stage) => {
      await stage.sql(['begin', ...TABLES.map((table) => `delete from ${table}`), 'commit'].join(';'));
      await stage.server.stop();
      await stage.server.start();
      return async () => void (await stage.sql(restoreRows(stage.dump)));
    },
    expect: async ({ says }) => void (await says(HELD)),
    serves: servesUnheld,
  },
  {
    ...usual,
    name: 'server restored from an older dump, without the rows of half of the wired taps',
    agent: HOLDS,
    strike: statements(
      ({ dump }) => restoreRows(dump, (row) => GUEST_PORTS.some((port) => row.includes(port))),
      ({ dump }) => restoreRows(dump),
    ),
    expect: async ({ says }) => void (await says(HELD)),
    serves: servesUnheld,
  },
  {
    ...usual,
    name: 'dump restored table by table while the agent polls',
    agent: 'Takes a missing table for an outage, holds what the half restored tables seem to say.',
    strike: restoreTableByTable,
    expect: severalPolls,
    serves,
  },
  {
    ...usual,
    name: 'table ports dropped',
    agent: `Says which table is missing. ${OUTAGE}`,
    strike: statements(
      () => 'drop table ports',
      (stage) => recreate(stage, 'ports'),
    ),
  },
  {
    ...usual,
    name: 'table portbindingports renamed, so that the schema looks like an older generation',
    agent: `Refuses to work with an older generation than before. ${OUTAGE}`,
    strike: statements(
      () => 'alter table portbindingports rename to portbindingports_away',
      () => 'alter table portbindingports_away rename to portbindingports',
    ),
  },
  {
    ...usual,
    name: 'server set to give no more than two rows to a statement (sql_select_limit)',
    agent: 'Sees every row all the same, of the tables and of their schema.',
    engines: ['MariaDB', 'MySQL'],
    strike: async (stage) => {
      await stage.sql('set global sql_select_limit = 2');
      await endSessions(stage);
      return async () => void (await stage.sql('set global sql_select_limit = 18446744073709551615'));
    },
    expect: works,
    serves,
  },
  {
    ...usual,
    name: 'row security hides the ports of half of the wired taps',
    agent: `Says that rows are hidden, and of which table. ${OUTAGE}`,
    engines: ['PostgreSQL'],
    strike: statements(
      () =>
        `create policy few on ports using (id not in ('${GUEST_PORTS.join("', '")}'));
         alter table ports enable row level security, force row level security`,
      () =>
        'alter table ports disable row level security, no force row level security; drop policy few on ports',
    ),
  },
  {
    ...usual,
    name: 'tables without rows in a schema that comes before the one of the tables',
    agent: 'Goes on with the tables that it found, in the schema where it found them.',
    engines: ['PostgreSQL'],
    strike: statements(
      () =>
        'create schema quantum authorization quantum; create table quantum.ports (like public.ports); grant all on quantum.ports to quantum',
      () => 'drop schema quantum cascade',
    ),
    expect: works,
    serves,
  },
  {
    ...usual,
    name: 'table ports locked',
    agent: `Gives up waiting after query_timeout. ${OUTAGE}`,
    strike: lockPorts,
  },
  {
    ...usual,
    name: 'right to read revoked',
    agent: `Says which right is missing. ${OUTAGE}`,
    strike: async (stage) => {
      if (!isMysql(stage)) {
        await stage.sql('revoke select on ports from quantum');
        return async () => void (await stage.sql('grant select on ports to quantum'));
      }
      await stage.sql(ACCOUNTS.map((who) => `revoke all privileges on quantum.* from ${who}`).join(';'));
      await endSessions(stage);
      return async () =>
        void (await stage.sql(ACCOUNTS.map((who) => `grant all on quantum.* to ${who}`).join(';')));
    },
  },
  {
    ...usual,
    name: 'right to write revoked',
    agent: 'Says once that statuses are not written, wires as before, writes them later.',
    strike: async (stage) => {
      const [revoke, grant] = isMysql(stage)
        ? [
            ACCOUNTS.map((who) => `revoke update on quantum.* from ${who}`),
            ACCOUNTS.map((who) => `grant update on quantum.* to ${who}`),
          ]
        : [['revoke update on ports from quantum'], ['grant update on ports to quantum']];
      await stage.sql(revoke.join(';'));
      if (isMysql(stage)) await endSessions(stage);
      await stage.sql(`update ports set status = 'BUILD' where id = '${GUEST_PORTS[0]}'`);
      return async () => {
        await stage.sql(grant.join(';'));
        if (isMysql(stage)) await endSessions(stage);
      };
    },
    expect: async ({ says }) => void (await says('statuses not written, they are written later')),
    serves,
  },
  {
    ...usual,
    name: 'disk of the server full',
    agent: 'Wires as before; takes a server that gives up for an outage.',
    strike: fillTheDisk,
    expect: severalPolls,
    serves,
  },
];
