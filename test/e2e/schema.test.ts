import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DATABASE } from '../support/databases/servers.js';
import { makeConfig, runCli, socketUrl } from '../support/host/agent.js';
import { onUsualEngine } from '../support/host/host.js';
import { makeNamespace } from '../support/host/netns.js';

onUsualEngine('PostgreSQL', 'grizzly', (database) => {
  test('schema grants prints statements that the server takes as they are', async (t) => {
    const { server } = database();
    const config = makeConfig({ url: socketUrl(server) });
    const grants = ['--config-file', config.path, 'schema', 'grants'];
    const { code, stdout, stderr } = await runCli(makeNamespace(t), [
      ...grants,
      '--user',
      'agent',
      '--host',
      'localhost',
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^(grant [^;]+;\n)+$/);
    if (server.engine === 'mysql') assert.match(stdout, /to `agent`@`localhost`/);
    await server.query(server.engine === 'mysql' ? 'create user agent@localhost' : 'create role agent login');
    await server.query(stdout, DATABASE);
  });

  test('schema grants --json prints the same statements, each without its semicolon', async (t) => {
    const config = makeConfig({ url: socketUrl(database().server) });
    const namespace = makeNamespace(t);
    const grants = ['--config-file', config.path, 'schema', 'grants', '--user', 'agent'];
    const text = await runCli(namespace, grants);
    const { code, stdout } = await runCli(namespace, [...grants, '--json']);
    assert.equal(code, 0);
    const printed = JSON.parse(stdout) as { statements: string[] };
    assert.deepEqual(Object.keys(printed), ['statements']);
    assert.equal(printed.statements.map((statement) => `${statement};\n`).join(''), text.stdout);
  });

  test('schema grants is for an account from anywhere unless it is told from where', async (t) => {
    const config = makeConfig({ url: socketUrl(database().server) });
    const namespace = makeNamespace(t);
    const grants = ['--config-file', config.path, 'schema', 'grants', '--user', 'agent'];
    const [silent, told] = [
      await runCli(namespace, grants),
      await runCli(namespace, [...grants, '--host', '%']),
    ];
    assert.deepEqual([silent.code, told.code], [0, 0], told.stderr);
    assert.equal(silent.stdout, told.stdout);
    if (database().server.engine === 'mysql') assert.match(silent.stdout, /to `agent`@`%`/);
  });

  test('schema grants without a user is wrong usage', async (t) => {
    const config = makeConfig({ url: socketUrl(database().server) });
    const { code, stderr } = await runCli(makeNamespace(t), [
      '--config-file',
      config.path,
      'schema',
      'grants',
    ]);
    assert.equal(code, 64);
    assert.match(stderr, /--user/);
  });

  test('schema migrate on a lock that was left behind ends with 1 and says how to clear it', async (t) => {
    const { server } = database();
    const namespace = makeNamespace(t);
    const migrate = ['--config-file', makeConfig({ url: socketUrl(server) }).path, 'schema', 'migrate'];
    assert.equal((await runCli(namespace, migrate)).code, 0);
    const lock = (locked: number): Promise<unknown> =>
      server.query(
        `update knex_migrations_lock set is_locked = ${locked}; delete from knex_migrations`,
        DATABASE,
      );
    await lock(1);
    const { code, stderr } = await runCli(namespace, migrate);
    assert.equal(code, 1);
    assert.match(stderr, /MIGRATION_LOCKED: .*\n.*update knex_migrations_lock set is_locked = 0/);
    await lock(0);
    assert.equal((await runCli(namespace, migrate)).code, 0);
  });
});
