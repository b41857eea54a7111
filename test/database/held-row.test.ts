import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Database } from '../../src/model/database.js';
import { portId } from '../../src/model/ids.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import type { Rows } from '../support/databases/rows.js';
import { type TestServer, waitUntil } from '../support/databases/servers.js';

const PORTS = Array.from(
  { length: 40 },
  (_, at) => `${String(at).padStart(8, '0')}-aaaa-4000-8000-000000000001`,
);
const HELD = PORTS[23] ?? '';
/** A statement of all, pieces of them, and one row by itself. */
const TRIES = 4;

const SLEEPERS = {
  PostgreSQL: `select 1 from pg_stat_activity where wait_event = 'PgSleep'`,
  MariaDB: `select 1 from information_schema.processlist where state = 'User sleep'`,
  MySQL: `select 1 from information_schema.processlist where state = 'User sleep'`,
};
const REFUSE_MYSQL = `create trigger refuse before update on ports for each row
    if new.id = '${HELD}' then signal sqlstate '45000' set message_text = 'not this one'; end if`;
const REFUSE = {
  PostgreSQL: `create function refuse() returns trigger language plpgsql as
      $$ begin if new.id = '${HELD}' then raise 'not this one'; end if; return new; end $$;
    create trigger refuse before update on ports for each row execute function refuse()`,
  MariaDB: REFUSE_MYSQL,
  MySQL: REFUSE_MYSQL,
};

const downOf = async (rows: Rows): Promise<string[]> => {
  const down: string[] = [];
  for (const port of PORTS) if ((await rows.statusOf(port)) === 'DOWN') down.push(port);
  return down;
};

/** As polls do: what is not written yet is asked for again. */
async function writeAll(agent: Database, rows: Rows, tries: number): Promise<string[]> {
  for (let left = tries; left > 0; left -= 1) {
    const changes = (await downOf(rows)).map(
      (id) => ({ port: portId(id), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' }) as const,
    );
    await agent.writeStatuses(changes).catch(() => {});
  }
  return downOf(rows);
}

for (const { name, start } of ENGINES) {
  describe(`one row of ${name} that cannot be written`, () => {
    let server: TestServer;
    before(async () => {
      server = await start();
    });
    after(() => server.destroy());

    const agentOn = async () => {
      const { database, rows, settings } = await freshDatabase(server, 'grizzly');
      for (const id of PORTS) await rows.port({ id, network: 'n1' });
      return { database, rows, agent: openDatabase({ ...settings, queryTimeoutMs: 1000 }) };
    };

    it('because another transaction holds it: every other port gets its status', async () => {
      const { database, rows, agent } = await agentOn();
      const sleep = server.engine === 'postgresql' ? 'pg_sleep' : 'sleep';
      const hold = `begin; select id from ports where id = '${HELD}' for update; select ${sleep}(3600)`;
      server.query(hold, database).catch(() => {});
      await waitUntil(async () => (await server.query(SLEEPERS[name])).length > 0, 'the row is held');
      assert.deepEqual(await writeAll(agent, rows, TRIES), [HELD]);
      await agent.close();
    });

    it('because a trigger refuses it: every other port gets its status, and it gets its own once it may', async () => {
      const { database, rows, agent } = await agentOn();
      await server.query(REFUSE[name], database);
      assert.deepEqual(await writeAll(agent, rows, TRIES), [HELD]);
      await server.query(`drop trigger refuse${server.engine === 'postgresql' ? ' on ports' : ''}`, database);
      assert.deepEqual(await writeAll(agent, rows, 1), []);
      await agent.close();
    });
  });
}
