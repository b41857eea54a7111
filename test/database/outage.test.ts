import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { DatabaseEvents } from '../../src/database/session.js';
import type { Database } from '../../src/model/database.js';
import type { DatabaseServer, DatabaseSettings } from '../../src/model/settings.js';
import { databaseSettings, ENGINES } from '../support/databases/engines.js';
import { failureOf, NOTHING, timed } from '../support/databases/probe.js';
import { freePort, type TestServer, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';

const LIMIT_MS = 700;
/** What a busy machine may add to a limit; without one a frozen server is waited for without end. */
const SLACK_MS = 10_000;

for (const engine of ENGINES) {
  describe(`when ${engine.name} goes away`, () => {
    let server: TestServer;
    const open: Database[] = [];
    before(async () => {
      server = await engine.start();
      await createSchema(server, 'grizzly');
    });
    afterEach(() => server.thaw());
    afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));
    after(() => server.destroy());

    function agentOf(changes: Partial<DatabaseSettings> = {}, events: DatabaseEvents = {}): Database {
      const limits = { connectTimeoutMs: LIMIT_MS, queryTimeoutMs: LIMIT_MS };
      const agent = openDatabase(databaseSettings(server, { ...limits, ...changes }), events);
      open.push(agent);
      return agent;
    }

    it('a read from a frozen server ends within the query timeout', async () => {
      const agent = agentOf();
      await agent.read(NOTHING);
      server.freeze();
      const reading = agent.read(NOTHING);
      const tookMs = await timed(reading);
      server.thaw();
      assert.equal((await failureOf(reading)).kind, 'unreachable');
      assert.ok(tookMs < LIMIT_MS + SLACK_MS, `${tookMs} ms`);
    });

    it('a write to a frozen server ends within the query timeout', async () => {
      const agent = agentOf();
      await agent.read(NOTHING);
      server.freeze();
      const writing = agent.writeStatuses([
        { port: 'x' as never, from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' },
      ]);
      const tookMs = await timed(writing);
      server.thaw();
      assert.equal((await failureOf(writing)).kind, 'unreachable');
      assert.ok(tookMs < LIMIT_MS + SLACK_MS, `${tookMs} ms`);
    });

    it('a connection to a frozen server ends within the connect timeout', async () => {
      server.freeze();
      const reading = agentOf().read(NOTHING);
      const tookMs = await timed(reading);
      server.thaw();
      assert.match((await failureOf(reading)).message, /did not accept a connection within 700 ms/);
      assert.ok(tookMs < LIMIT_MS + SLACK_MS, `${tookMs} ms`);
    });

    it('reads again by itself when a frozen server goes on', async () => {
      const agent = agentOf();
      await agent.read(NOTHING);
      server.freeze();
      await failureOf(agent.read(NOTHING));
      server.thaw();
      assert.equal((await agent.read(NOTHING)).generation, 'grizzly');
    });

    it('says unreachable while the server is killed and reads again when it is back', async () => {
      const agent = agentOf();
      const before = await agent.read(NOTHING);
      await server.kill();
      assert.equal((await failureOf(agent.read(NOTHING))).kind, 'unreachable');
      assert.equal((await failureOf(agent.read(NOTHING))).kind, 'unreachable');
      await server.start();
      assert.equal((await agent.read(NOTHING)).server, before.server, 'a restart is no other server');
    });

    it('says unreachable when the server shuts down', async () => {
      const agent = agentOf();
      await agent.read(NOTHING);
      await server.stop();
      const failure = await failureOf(agent.read(NOTHING));
      await server.start();
      assert.equal(failure.kind, 'unreachable');
    });

    it('reads on without an error when an idle connection was ended by the server', async () => {
      const lost: string[] = [];
      const agent = agentOf({}, { lost: (name) => lost.push(name) });
      await agent.read(NOTHING);
      await endConnections(server);
      await waitUntil(async () => {
        await agent.read(NOTHING);
        return lost.length === 1;
      }, 'the end of the connection was noticed');
    });

    it('tries the servers in order, goes on with the next and says which failed', async () => {
      const failed: string[] = [];
      const dead: DatabaseServer = server.client({ port: await freePort() });
      const agent = agentOf(
        { servers: [dead, server.client()] },
        { connectFailed: (name) => failed.push(name) },
      );
      assert.equal((await agent.read(NOTHING)).generation, 'grizzly');
      assert.equal(failed.length, 1);
      assert.ok(failed[0]?.includes(`127.0.0.1:${dead.port}`));
    });

    it('keeps a connection for five minutes, however often it is asked in them', async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      let connections = 0;
      const agent = agentOf({}, { connected: () => (connections += 1) });
      for (let reads = 0; reads < 200; reads += 1) await agent.read(NOTHING);
      assert.equal(connections, 1);
      t.mock.timers.tick(299_000);
      await agent.read(NOTHING);
      assert.equal(connections, 1);
      t.mock.timers.tick(1_000);
      await agent.read(NOTHING);
      assert.equal(connections, 2);
    });

    it('names every server when none answers', async () => {
      const ports = [await freePort(), await freePort()] as const;
      const agent = agentOf({
        servers: [server.client({ port: ports[0] }), server.client({ port: ports[1] })],
      });
      const failure = await failureOf(agent.read(NOTHING));
      assert.equal(failure.kind, 'unreachable');
      for (const port of ports) assert.ok(failure.message.includes(`:${port}`), failure.message);
    });

    it('gives a server at another address another identity', async () => {
      const [tcp, socket] = [
        agentOf(),
        agentOf({ servers: [server.client({ socketPath: server.socketPath })] }),
      ];
      assert.notEqual((await tcp.read(NOTHING)).server, (await socket.read(NOTHING)).server);
    });

    it('ends its connections when it is closed, also while the server is frozen', async () => {
      const agent = agentOf();
      await agent.read(NOTHING);
      server.freeze();
      const tookMs = await timed(agent.close());
      server.thaw();
      assert.ok(tookMs < 1000 + SLACK_MS, `${tookMs} ms`);
    });
  });
}

async function endConnections(server: TestServer): Promise<void> {
  const [list, end] =
    server.engine === 'postgresql'
      ? ['select pid as id from pg_stat_activity', (id: unknown) => `select pg_terminate_backend(${id})`]
      : ['select id from information_schema.processlist', (id: unknown) => `kill ${id}`];
  const where = server.engine === 'postgresql' ? `usename = 'quantum'` : `user = 'quantum'`;
  const sessions = (): Promise<Record<string, unknown>[]> => server.query(`${list} where ${where}`);
  for (const { id } of await sessions()) await server.query(end(id));
  await waitUntil(async () => (await sessions()).length === 0, 'the server ended the sessions');
}
