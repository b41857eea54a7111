import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Answer, Database, Question } from '../../src/model/database.js';
import { portId } from '../../src/model/ids.js';
import { databaseSettings } from '../support/databases/engines.js';
import { startFollowedPrimary } from '../support/databases/followed-primary.js';
import { type Balancer, startHaproxy } from '../support/databases/haproxy.js';
import { startPostgres } from '../support/databases/postgres.js';
import { failureOf } from '../support/databases/probe.js';
import { type TestServer, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';

const P = '0a1b2c3d-4e5f-4000-8000-000000000001';
const QUESTION: Question = { taps: [{ by: 'id', id: portId(P), wired: true }], bridges: [] };
const CHANGE = [{ port: portId(P), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' } as const];
const IDLE_MS = 500;

const isPrimary = async (server: TestServer): Promise<boolean> => {
  const [row] = await server.query('select pg_is_in_recovery() as standby');
  return row?.standby === false;
};

/** One story, told in order: each part begins where the one before ended. */
describe('HAProxy before a PostgreSQL primary and its standby, which sends everybody to the primary', () => {
  let primary: TestServer;
  let standby: TestServer;
  let proxy: Balancer;
  let agent: Database;
  let first: Answer;
  const isRead = (): Promise<boolean> =>
    agent.read(QUESTION).then(
      () => true,
      () => false,
    );
  before(async () => {
    [primary, standby] = await startFollowedPrimary(P);
    proxy = await startHaproxy([primary, standby], isPrimary);
    agent = openDatabase(
      databaseSettings(primary, { servers: [primary.client({ port: proxy.port })], queryTimeoutMs: 10_000 }),
    );
    await waitUntil(isRead, 'HAProxy knows the primary');
  });
  after(async () => {
    await agent.close();
    await proxy.stop();
    await standby.destroy();
    await primary.destroy();
  });

  it('is read as the primary', async () => {
    first = await agent.read(QUESTION);
    assert.deepEqual([first.suspect, first.ports.length], [null, 1]);
  });

  it('is away, and says so, when the primary dies in the middle of a poll, and while there is none', async () => {
    primary.freeze();
    const poll = agent.read(QUESTION);
    await primary.kill();
    assert.equal((await failureOf(poll)).kind, 'unreachable');
    assert.equal((await failureOf(agent.read(QUESTION))).kind, 'unreachable');
  });

  it('is read and written as another server once the standby is promoted', async () => {
    await standby.query('select pg_promote()');
    await waitUntil(isRead, 'HAProxy knows the new primary');
    const answer = await agent.read(QUESTION);
    assert.deepEqual([answer.suspect, answer.ports.length], [null, 1]);
    assert.notEqual(answer.server, first.server);
    assert.equal(await agent.writeStatuses(CHANGE), 1);
  });
});

describe('a proxy that cuts connections which are silent for a while', () => {
  let server: TestServer;
  let proxy: Balancer;
  before(async () => {
    server = await startPostgres();
    await createSchema(server, 'grizzly');
    proxy = await startHaproxy([server], async () => true, IDLE_MS);
  });
  after(async () => {
    await proxy.stop();
    await server.destroy();
  });

  it('costs no poll: the next one makes a connection of its own', async () => {
    const agent = openDatabase(databaseSettings(server, { servers: [server.client({ port: proxy.port })] }));
    const sessions = async (): Promise<number> =>
      (
        await server.query(
          `select 1 from pg_stat_activity where backend_type = 'client backend' and datname = 'quantum'`,
        )
      ).length;
    assert.equal((await agent.read(QUESTION)).generation, 'grizzly');
    assert.equal(await sessions(), 1);
    await waitUntil(async () => (await sessions()) === 0, 'the connection is cut');
    assert.equal((await agent.read(QUESTION)).generation, 'grizzly');
    await agent.close();
  });
});
