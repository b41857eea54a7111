import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { schemaCheck } from '../../src/commands/schema-check.js';
import { schemaGrants } from '../../src/commands/schema-grants.js';
import { openDatabase } from '../../src/database/database.js';
import { readFleet } from '../../src/database/fleet.js';
import { openHeartbeats } from '../../src/database/heartbeat.js';
import type { Question } from '../../src/model/database.js';
import { networkId, portId } from '../../src/model/ids.js';
import type { DatabaseSettings } from '../../src/model/settings.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { outputOf } from '../support/databases/invocation.js';
import { failureOf } from '../support/databases/probe.js';
import { PASSWORD, type TestServer } from '../support/databases/servers.js';

const GENERATIONS = ['essex', 'folsom', 'grizzly', 'ml2-havana', 'ml2-zed'] as const;
const N = '11111111-aaaa-4000-8000-000000000001';
const P = '0a1b2c3d-4e5f-4000-8000-000000000001';
/** One wired tap without a row: the probe for empty tables is part of the whole job. */
const QUESTION: Question = {
  taps: [
    { by: 'suffix', suffix: P.slice(0, 11), wired: true },
    { by: 'id', id: portId('gone'), wired: true },
  ],
  bridges: [{ by: 'id', id: networkId(N) }],
};
/** What the account must not be able to do, whatever it was granted. */
const FORBIDDEN = [
  `create table made_by_agent (id integer)`,
  `drop table ports`,
  `delete from ports`,
  `update ports set network_id = 'x'`,
  `insert into networks select * from networks`,
  `update agents set admin_state_up = false`,
  `update agents set host = 'x'`,
  `delete from agents`,
];
const HAS_AGENTS: ReadonlySet<string> = new Set(['grizzly', 'ml2-havana', 'ml2-zed']);
const REPORT = {
  upForMs: 0,
  devices: 1,
  interfaceMappings: new Map(),
  bridgeMappings: new Map(),
  tunnels: null,
};

let accounts = 0;

for (const engine of ENGINES) {
  describe(`rights, indexes and rows on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    /** A new account with exactly the rights that `schema grants` prints, and settings to connect as it. */
    async function granted(settings: DatabaseSettings, database: string): Promise<DatabaseSettings> {
      accounts += 1;
      const user = `agent${accounts}`;
      const { code, text } = await outputOf(
        (invocation) => schemaGrants(invocation, { user, host: '127.0.0.1' }),
        settings,
      );
      assert.equal(code, 0, text);
      const create =
        server.engine === 'mysql'
          ? `create user '${user}'@'127.0.0.1' identified by '${PASSWORD}'`
          : // Until version 15 everybody could make tables.
            `revoke create on schema public from public; create role ${user} login password '${PASSWORD}'`;
      await server.query(`${create}; ${text}`, database);
      return { ...settings, servers: [server.client({ database, user })] };
    }

    for (const generation of GENERATIONS) {
      it(`with exactly the granted rights the agent does its whole job in ${generation}`, async () => {
        const { database, rows, settings } = await freshDatabase(server, generation);
        await rows.network({ id: N, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 5 });
        await rows.port({ id: P, network: N });
        const limited = await granted(settings, database);
        const agent = openDatabase(limited);
        const { ports, networks } = await agent.read(QUESTION);
        const written = await agent.writeStatuses([
          { port: portId(P), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' },
        ]);
        await agent.close();
        assert.deepEqual([ports.length, networks[0]?.segments.length, written], [1, 1, 1]);
        const heart = openHeartbeats(limited);
        await heart.beat(REPORT);
        await heart.beat(REPORT);
        await heart.close();
        if (HAS_AGENTS.has(generation)) {
          assert.equal((await server.query('select id from agents', database)).length, 1);
          assert.equal((await readFleet(limited)).hosts[0]?.state, 'alive');
        }
      });
    }

    it('the grants name whom they are for, whatever the name is made of', async () => {
      const { database, settings } = await freshDatabase(server, 'folsom');
      const user = `a\\b'c"d\`e`;
      const [name, place] =
        server.engine === 'mysql' ? [`'a\\\\b''c"d\`e'@'127.0.0.1'`, 'user'] : [`"a\\b'c""d\`e"`, 'role'];
      await server.query(`create ${place} ${name}`);
      const { text } = await outputOf(
        (invocation) => schemaGrants(invocation, { user, host: '127.0.0.1' }),
        settings,
      );
      await server.query(text, database);
    });

    it('with exactly the granted rights nothing else can be done', async () => {
      const { database, rows, settings } = await freshDatabase(server, 'grizzly');
      await rows.port({ id: P, network: N });
      const limited = await granted(settings, database);
      for (const statement of FORBIDDEN)
        await assert.rejects(asClient(limited, statement), /denied|permission|must be owner/i);
    });

    it('the rights for read_only name no write and no table of agents', async () => {
      const { settings } = await freshDatabase(server, 'grizzly');
      const { text } = await outputOf(
        (invocation) => schemaGrants(invocation, { user: 'agent', host: '%' }),
        { ...settings, readOnly: true },
      );
      assert.match(text, /grant select on/);
      assert.doesNotMatch(text, /update|insert|agents/);
    });

    it('with the rights for read_only not even a status can be written', async () => {
      const { database, rows, settings } = await freshDatabase(server, 'grizzly');
      await rows.port({ id: P, network: N });
      const limited = await granted({ ...settings, readOnly: true }, database);
      const agent = openDatabase({ ...limited, readOnly: false });
      await agent.read(QUESTION);
      const failure = await failureOf(
        agent.writeStatuses([{ port: portId(P), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' }]),
      );
      assert.equal(failure.kind, 'permission', failure.message);
      assert.equal((await agent.read(QUESTION)).ports.length, 1);
      await agent.close();
    });

    for (const generation of GENERATIONS) {
      it(`schema check finds nothing wrong with the rights of ${generation}`, async () => {
        const { database, settings } = await freshDatabase(server, generation);
        const { text } = await outputOf(schemaCheck, await granted(settings, database));
        assert.match(text, /SELECT on ports: held/);
        assert.match(text, /UPDATE \((op_)?status\) on ports: held/);
        if (HAS_AGENTS.has(generation)) {
          assert.match(text, /SELECT on agents: held\n {2}INSERT on agents: held/);
          assert.match(text, /UPDATE \(started_at, heartbeat_timestamp, configurations\) on agents: held/);
        }
        assert.doesNotMatch(text, /NOT HELD/);
      });
    }

    it('schema check names a right that is missing', async () => {
      const { database, settings } = await freshDatabase(server, 'grizzly');
      const limited = await granted({ ...settings, readOnly: true }, database);
      const { code, text } = await outputOf(schemaCheck, { ...limited, readOnly: false });
      assert.equal(code, 1);
      assert.match(text, /UPDATE \(status\) on ports: NOT HELD/);
      // MySQL hides a table without any right on it.
      assert.match(
        text,
        server.engine === 'mysql' ? /on agents \(not there.*NOT HELD/ : /INSERT on agents: NOT HELD/,
      );
    });

    it('schema check tells that the table for heartbeats is missing', async () => {
      const { database, settings } = await freshDatabase(server, 'ml2-zed');
      await server.query('drop table agents', database);
      const { code, text } = await outputOf(schemaCheck, settings);
      assert.equal(code, 1);
      assert.match(text, /SELECT, INSERT and UPDATE on agents \(not there, or not to be seen\): NOT HELD/);
    });

    it('schema check names an index that is missing', async () => {
      const { settings } = await freshDatabase(server, 'essex');
      const { code, text } = await outputOf(schemaCheck, settings);
      assert.equal(code, 1);
      assert.match(text, /ports \(uuid\): there/);
      assert.match(text, /ports \(interface_id\): NOT THERE/);
    });

    it('schema check tells which of the tables are views, and takes them for no finding', async () => {
      const { settings } = await freshDatabase(server, 'grizzly');
      const without = await outputOf(schemaCheck, settings);
      assert.doesNotMatch(without.text, /view/i);
      await behindViews(server, settings, '*', 'networks', 'agents');
      const { code, text } = await outputOf(schemaCheck, settings);
      assert.match(text, /^Views: agents, networks \(/m);
      assert.equal(code, without.code);
    });

    it('schema check ends, too, where a view cannot be written through', async () => {
      const { settings } = await freshDatabase(server, 'grizzly');
      await behindViews(server, settings, 'distinct *', 'ports');
      const { code, text } = await outputOf(schemaCheck, settings);
      assert.equal(code, 1, text);
      assert.match(text, /UPDATE \(status\) on ports: NOT HELD/);
      assert.match(text, /^Views: ports \(/m);
    });

    it('schema check shows rows that will cause trouble, with the statement that shows them', async () => {
      const { database, rows, settings } = await freshDatabase(server, 'grizzly');
      await rows.network({ id: 'n1', type: 'vlan', physicalNetwork: 'physnet1', vlanId: 5 });
      await rows.network({ id: 'n2', type: 'vlan', physicalNetwork: 'physnet1', vlanId: 5 });
      await rows.network({ id: 'n3', type: 'vlan', physicalNetwork: 'physnet9', vlanId: 5000 });
      await rows.network({ id: 'n4', type: 'flat', physicalNetwork: null });
      await rows.network({ id: 'n5' });
      await rows.port({ id: P, network: 'n1' });
      await rows.port({ id: `${P.slice(0, 11)}ff`, network: 'n1' });
      await rows.port({ id: 'unbound', network: 'n5' });
      await rows.port({ id: 'broken', network: 'n1', adminUp: null });
      const { code, text } = await outputOf(schemaCheck, settings);
      assert.equal(code, 1);
      const shown = [...text.matchAll(/^ {2}(\d+) (.*)\n {4}(.*);$/gm)];
      assert.equal(shown.length, 7, text);
      for (const [, count, , statement] of shown) {
        assert.equal((await server.query(statement ?? '', database)).length, Number(count), statement);
      }
    });

    it('schema check of a database without trouble ends with 0', async () => {
      const { rows, settings } = await freshDatabase(server, 'grizzly');
      await rows.network({ id: N, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 5 });
      await rows.port({ id: P, network: N });
      const { code, text } = await outputOf(schemaCheck, settings);
      assert.equal(code, 0, text);
    });
  });
}

/** Puts views in the place of these tables, which the user of the settings may read and write as before. */
async function behindViews(
  server: TestServer,
  { servers: [{ user, database }] }: DatabaseSettings,
  what: string,
  ...tables: readonly string[]
): Promise<void> {
  for (const table of tables) {
    await server.query(
      `alter table ${table} rename to the_${table}; create view ${table} as select ${what} from the_${table}`,
      database,
    );
    if (server.engine === 'postgresql') await server.query(`grant all on ${table} to ${user}`, database);
  }
}

/** Runs a statement as the user of some settings. */
async function asClient({ servers: [server] }: DatabaseSettings, statement: string): Promise<void> {
  const { host, port, user, database } = server;
  const options = { host: host ?? '', port: port ?? 0, user, password: PASSWORD, database };
  if (server.engine === 'postgresql') {
    const { default: pg } = await import('pg');
    const client = new pg.Client(options);
    await client.connect();
    await client.query(statement).finally(() => client.end());
  } else {
    const { createConnection } = await import('mysql2/promise');
    const client = await createConnection(options);
    await client.query(statement).finally(() => client.end());
  }
}
