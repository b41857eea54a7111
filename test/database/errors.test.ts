import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Database, DatabaseErrorKind } from '../../src/model/database.js';
import { portId } from '../../src/model/ids.js';
import type { DatabaseServer } from '../../src/model/settings.js';
import { databaseSettings, ENGINES, freshDatabase } from '../support/databases/engines.js';
import { failureOf, NOTHING } from '../support/databases/probe.js';
import { freePort, PASSWORD, type TestServer, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';

/** Without TLS, which MySQL and MariaDB 11 set up by themselves; and no changed password is lost when it is killed. */
const SETTINGS = {
  PostgreSQL: [],
  MariaDB: ['skip-ssl'],
  MySQL: ['tls-version=', 'innodb-flush-log-at-trx-commit=1'],
};
const TLS = { verify: false, verifyHostname: false, caFile: null, certFile: null, keyFile: null };

for (const engine of ENGINES) {
  describe(`what goes wrong with ${engine.name} is told apart`, () => {
    let server: TestServer;
    const open: Database[] = [];
    before(async () => {
      server = await engine.start({ settings: SETTINGS[engine.name] });
      await createSchema(server, 'grizzly');
    });
    afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));
    after(() => server.destroy());

    function agentOf(changes: Partial<DatabaseServer> = {}): Database {
      const agent = openDatabase(databaseSettings(server, { servers: [server.client(changes)] }));
      open.push(agent);
      return agent;
    }
    const expectKind = async (changes: Partial<DatabaseServer>, kind: DatabaseErrorKind, words: RegExp) => {
      const failure = await failureOf(agentOf(changes).read(NOTHING));
      assert.equal(failure.kind, kind, failure.message);
      assert.match(failure.message, words);
    };

    it('a wrong password', () => expectKind({ password: () => 'wrong' }, 'authentication', /user "quantum"/));
    it('no password', () => expectKind({ password: () => null }, 'authentication', /user "quantum"/));
    it('an unknown user', () => expectKind({ user: 'nobody' }, 'authentication', /user "nobody"/));
    it('a name that does not resolve', () =>
      expectKind({ host: 'no-such-host.invalid' }, 'name-resolution', /"no-such-host.invalid"/));
    it('a refused connection', async () =>
      expectKind({ port: await freePort() }, 'unreachable', /ECONNREFUSED/));
    it('a missing socket', () =>
      expectKind({ socketPath: `${server.folder}/no-such-socket` }, 'unreachable', /no-such-socket/));
    it('a server without TLS', () => expectKind({ tls: TLS }, 'tls', /TLS failed/));
    it('a TLS file that is not there', () =>
      expectKind({ tls: { ...TLS, caFile: '/no/such/ca.pem' } }, 'tls', /"\/no\/such\/ca.pem"/));

    it('a database that does not exist', async () => {
      if (server.engine === 'mysql') await server.query(`grant select on nowhere.* to quantum@'127.0.0.1'`);
      await expectKind({ database: 'nowhere' }, 'no-such-database', /no such database/);
    });

    it('a database that the account has no right to, whether it is there or not', async () => {
      if (server.engine === 'mysql') {
        await expectKind(
          { database: 'nobodys' },
          'no-such-database',
          /no such database, or user "quantum" has no right/,
        );
        return;
      }
      const { database } = await freshDatabase(server, null);
      await server.query(
        `revoke connect on database ${database} from public; create role stranger login password '${PASSWORD}'`,
      );
      await expectKind({ database, user: 'stranger' }, 'permission', /user "stranger" lacks a right/);
    });

    it('an empty database: what was looked for and what was found', async () => {
      const { database } = await freshDatabase(server, null);
      await expectKind({ database }, 'schema', /looked for .*portbindingports.*; found none of these tables/);
    });

    it('a missing column, by name', async () => {
      const { database } = await freshDatabase(server, 'grizzly');
      await server.query('alter table ports drop column admin_state_up', database);
      await expectKind({ database }, 'schema', /lacks ports\.admin_state_up/);
    });

    it('a missing right', async () => {
      const { database } = await freshDatabase(server, 'grizzly');
      const account = server.engine === 'mysql' ? `limited@'127.0.0.1'` : 'limited';
      const password = server.engine === 'mysql' ? 'identified by' : 'login password';
      await server.query(
        `create ${server.engine === 'mysql' ? 'user' : 'role'} ${account} ${password} '${PASSWORD}'`,
      );
      for (const table of ['ports', 'networks', 'network_bindings']) {
        await server.query(`grant select on ${table} to ${account}`, database);
      }
      if (server.engine === 'mysql')
        await server.query(`grant insert on portbindingports to ${account}`, database);
      const agent = agentOf({ database, user: 'limited' });
      const failure = await failureOf(
        agent.read({ taps: [{ by: 'id', id: portId('x'), wired: false }], bridges: [] }),
      );
      assert.equal(failure.kind, 'permission', failure.message);
      assert.match(failure.message, /portbindingports/);
    });

    it('a table renamed under the running agent: names it, and recovers when it is back', async () => {
      const { database } = await freshDatabase(server, 'grizzly');
      const agent = agentOf({ database });
      const question = { taps: [{ by: 'id', id: portId('x'), wired: false }], bridges: [] } as const;
      await agent.read(question);
      await server.query('alter table portbindingports rename to moved', database);
      const first = await failureOf(agent.read(question));
      assert.equal(first.kind, 'schema');
      assert.match(first.message, /portbindingports/);
      const second = await failureOf(agent.read(question));
      assert.match(second.message, /was of the grizzly generation and now looks like folsom/);
      await server.query('alter table moved rename to portbindingports', database);
      assert.equal((await agent.read(question)).generation, 'grizzly');
    });

    it('an upgrade to the next generation is found after an error', async () => {
      const { database } = await freshDatabase(server, 'folsom');
      const agent = agentOf({ database });
      await agent.read(NOTHING);
      await server.query('drop table networks; drop table ports; drop table network_bindings', database);
      await server.query('drop table network_states', database);
      await createSchema(server, 'ml2-zed', database);
      await failureOf(agent.read({ taps: [], bridges: [{ by: 'suffix', suffix: 'x' }] }));
      assert.equal((await agent.read(NOTHING)).generation, 'ml2');
    });

    it('a password that was changed is asked for anew at the next connection', async () => {
      let password = PASSWORD;
      const { database } = await freshDatabase(server, 'grizzly');
      const agent = agentOf({ database, user: 'rotating', password: () => password });
      const [create, alter] =
        server.engine === 'mysql'
          ? [
              `create user rotating@'127.0.0.1' identified by`,
              `alter user rotating@'127.0.0.1' identified by`,
            ]
          : ['create role rotating superuser login password', 'alter role rotating password'];
      await server.query(`${create} '${PASSWORD}'`);
      if (server.engine === 'mysql') await server.query(`grant all on *.* to rotating@'127.0.0.1'`);
      await agent.read(NOTHING);
      await server.query(`${alter} 'new'`);
      await server.kill();
      await server.start();
      assert.equal((await failureOf(agent.read(NOTHING))).kind, 'authentication');
      password = 'new';
      assert.equal((await agent.read(NOTHING)).generation, 'grizzly');
    });

    it('a server that is read-only is suspect, refuses the first write, and goes on being read', async () => {
      const { database, rows } = await freshDatabase(server, 'grizzly');
      await rows.port({ id: 'port-1', network: 'n' });
      const agent = agentOf({ database });
      const writable = await agent.read(NOTHING);
      await setReadOnly(server, true);
      // PostgreSQL's sessions take the new value over a moment later.
      const isSuspect = async (): Promise<boolean> => (await agent.read(NOTHING)).suspect === 'read-only';
      await waitUntil(isSuspect, 'the server is seen to be read-only');
      const writing = await failureOf(
        agent.writeStatuses([{ port: portId('port-1'), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' }]),
      );
      const after = await agent.read(NOTHING);
      await setReadOnly(server, false);
      assert.deepEqual([writable.suspect, after.suspect], [null, 'read-only']);
      assert.equal(writing.kind, 'query');
      assert.match(writing.message, /is read-only, so nothing can be written there/);
    });
  });
}

async function setReadOnly(server: TestServer, on: boolean): Promise<void> {
  if (server.engine === 'mysql') {
    await server.query(`set global read_only = ${on ? 1 : 0}`);
    return;
  }
  await server.query(`alter system set default_transaction_read_only = ${on ? 'on' : 'off'}`);
  await server.query('select pg_reload_conf()');
}
