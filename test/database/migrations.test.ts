import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { schemaCheck } from '../../src/commands/schema-check.js';
import { schemaMigrate, schemaRollback } from '../../src/commands/schema-migrate.js';
import { schemaSql } from '../../src/commands/schema-sql.js';
import { openDatabase } from '../../src/database/database.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { outputOf } from '../support/databases/invocation.js';
import { failureOf, NOTHING } from '../support/databases/probe.js';
import type { TestServer } from '../support/databases/servers.js';
import type { TestGeneration } from '../support/databases/tables.js';

const GRIZZLY = ['agents', 'network_bindings', 'network_states', 'networks', 'portbindingports', 'ports'];
const FOLSOM = ['network_bindings', 'network_states', 'networks', 'ports'];

for (const engine of ENGINES) {
  describe(`migrations on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    async function tables(database: string): Promise<readonly string[]> {
      const schema = server.engine === 'mysql' ? database : 'public';
      const rows = await server.query(
        `select table_name as name from information_schema.tables where table_schema = '${schema}'`,
        database,
      );
      return rows
        .map(({ name }) => String(name))
        .filter((name) => !/^(knex|quantum)_/.test(name))
        .sort();
    }
    const prepare = async (generation: TestGeneration | null) => {
      const { database, settings, rows } = await freshDatabase(server, generation);
      return { database, rows, settings, run: (command: Command) => outputOf(command, settings) };
    };

    it('make the Grizzly form in an empty database, which the agent then reads', async () => {
      const { database, settings, run } = await prepare(null);
      assert.equal((await run(schemaMigrate)).code, 0);
      assert.deepEqual(await tables(database), GRIZZLY);
      const agent = openDatabase(settings);
      assert.equal((await agent.read(NOTHING)).generation, 'grizzly');
      await agent.close();
    });

    it('go all the way back', async () => {
      const { database, run } = await prepare(null);
      await run(schemaMigrate);
      assert.equal((await run(schemaRollback)).code, 0);
      assert.deepEqual(await tables(database), []);
    });

    it('add to Folsom what is missing, and take back only that', async () => {
      const { database, run, rows } = await prepare('folsom');
      await rows.port({ id: 'port-1', network: 'n', status: 'ACTIVE' });
      await run(schemaMigrate);
      assert.deepEqual(await tables(database), GRIZZLY);
      await run(schemaRollback);
      assert.deepEqual(await tables(database), FOLSOM);
      assert.equal(await rows.statusOf('port-1'), 'ACTIVE');
    });

    it('have nothing to do the second time', async () => {
      const { run } = await prepare(null);
      await run(schemaMigrate);
      assert.deepEqual(await run(schemaMigrate), {
        code: 0,
        text: 'Nothing to do: every migration is applied.',
      });
    });

    it('refuse a second agent row for one host, and two columns of 255 characters fit the key', async () => {
      const { database, run } = await prepare(null);
      await run(schemaMigrate);
      const quote = server.engine === 'mysql' ? '`' : '"';
      await server.query(agentRow('1'), database);
      await assert.rejects(server.query(agentRow('2'), database), /[Dd]uplicate/);
      assert.equal((await server.query(`select ${quote}binary${quote} from agents`, database)).length, 1);
    });

    it('add the key that one that was killed has left out', async () => {
      const { database, run } = await prepare(null);
      await run(schemaMigrate);
      const what = server.engine === 'mysql' ? 'index' : 'constraint';
      await server.query(`alter table agents drop ${what} agents_agent_type_host_key`, database);
      await server.query('delete from knex_migrations', database);
      await run(schemaMigrate);
      await server.query(agentRow('1'), database);
      await assert.rejects(server.query(agentRow('2'), database), /[Dd]uplicate/);
    });

    it('say what to do about a lock that was left behind', async () => {
      const { database, run, settings } = await prepare(null);
      await run(schemaMigrate);
      await server.query(
        'update knex_migrations_lock set is_locked = 1; delete from knex_migrations',
        database,
      );
      const { code, text } = await run(schemaMigrate);
      assert.equal(code, 1);
      assert.match(text, /update knex_migrations_lock set is_locked = 0/);
      assert.ok(settings.servers.length > 0);
    });

    it('applied by hand from schema sql are seen as applied, and applied twice change nothing', async () => {
      const { database, run } = await prepare('folsom');
      const sql = await sqlOf(server, 'up');
      client(server, database, sql);
      client(server, database, sql);
      assert.deepEqual(await tables(database), GRIZZLY);
      assert.equal((await server.query('select name from knex_migrations', database)).length, 2);
      assert.match((await run(schemaMigrate)).text, /^Nothing to do/);
      assert.equal((await run(schemaRollback)).code, 0);
      assert.deepEqual(await tables(database), FOLSOM);
    });

    it('are the same statements in the JSON of schema sql, for a program to run on one connection', async () => {
      const { database, run } = await prepare(null);
      client(server, database, (await statementsOf(server, 'up')).join(';\n'));
      assert.deepEqual(await tables(database), GRIZZLY);
      assert.match((await run(schemaMigrate)).text, /^Nothing to do/);
      client(server, database, (await statementsOf(server, 'down')).join(';\n'));
      assert.deepEqual(await tables(database), []);
    });

    it('are taken back by the SQL of the way back, twice over', async () => {
      const { database, run } = await prepare('folsom');
      await run(schemaMigrate);
      const sql = await sqlOf(server, 'down');
      client(server, database, sql);
      client(server, database, sql);
      assert.deepEqual(await tables(database), FOLSOM);
      assert.match((await run(schemaMigrate)).text, /^Applied: .*folsom/);
    });

    it('schema check tells the generation, each column and its type', async () => {
      const { run } = await prepare('grizzly');
      const { code, text } = await run(schemaCheck);
      assert.equal(code, 0, text);
      assert.match(text, /Generation: grizzly/);
      assert.match(text, /ports\n {2}id +(character varying|varchar)\(36\)/);
    });

    it('schema check names what is missing with exit code 78', async () => {
      const { database, run } = await prepare('grizzly');
      await server.query('alter table network_bindings drop column vlan_id', database);
      const { code, text } = await run(schemaCheck);
      assert.equal(code, 78);
      assert.match(text, /vlan_id +NOT FOUND/);
    });

    it('schema check of an empty database says what it looked for with exit code 78', async () => {
      const { run } = await prepare(null);
      const { code, text } = await run(schemaCheck);
      assert.equal(code, 78);
      assert.match(text, /Looked for: .*vlan_bindings/);
    });

    it('fail with exit code 75 and one complaint when the server does not answer', async () => {
      const { settings } = await prepare(null);
      const servers = [server.client({ port: 1 })] as const;
      const { code, text } = await outputOf(schemaMigrate, { ...settings, servers });
      assert.equal(code, 75);
      assert.match(text, /^DATABASE_UNREACHABLE: [^\n]*ECONNREFUSED[^\n]*\n {2}Start the server, [^\n]*$/);
      await failureOf(openDatabase({ ...settings, servers }).read(NOTHING));
    });
  });
}

const agentRow = (
  id: string,
): string => `insert into agents values ('${id}', 'Linux bridge agent', 'b', 'N/A',
  '${'h'.repeat(255)}', true, '2026-01-01', '2026-01-01', '2026-01-01', null, '{}')`;

type Command = Parameters<typeof outputOf>[0];

type Way = 'up' | 'down';

const sqlOf = (server: TestServer, way: Way): Promise<string> => printedSql(server, way, false);

async function statementsOf(server: TestServer, way: Way): Promise<readonly string[]> {
  const printed = JSON.parse(await printedSql(server, way, true)) as { statements: string[] };
  assert.deepEqual(Object.keys(printed), ['statements']);
  for (const statement of printed.statements) assert.doesNotMatch(statement, /^--|;$/);
  return printed.statements;
}

async function printedSql({ engine }: TestServer, way: Way, json: boolean): Promise<string> {
  const lines: string[] = [];
  const print = (text: string): void => void lines.push(text);
  const output = { print, complain: print, isRead: () => true, colour: false };
  await schemaSql({ json, output }, { dialect: engine, down: way === 'down' });
  return lines.join('\n');
}

/** The engine's own command line client, as a DBA uses it. */
function client(server: TestServer, database: string, sql: string): void {
  const [command, ...args] =
    server.engine === 'postgresql'
      ? [
          'psql',
          '-h',
          server.folder,
          '-p',
          `${server.port}`,
          '-U',
          'quantum',
          '-v',
          'ON_ERROR_STOP=1',
          database,
        ]
      : ['mysql', '--no-defaults', `--socket=${server.socketPath}`, '-uroot', database];
  execFileSync(command ?? '', args, { input: sql, stdio: ['pipe', 'pipe', 'pipe'] });
}
