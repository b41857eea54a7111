import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Answer, Database } from '../../src/model/database.js';
import { portId } from '../../src/model/ids.js';
import { databaseSettings } from '../support/databases/engines.js';
import { startFollowedPrimary } from '../support/databases/followed-primary.js';
import { failureOf, NOTHING } from '../support/databases/probe.js';
import { type TestServer, waitUntil } from '../support/databases/servers.js';

const P = '0a1b2c3d-4e5f-4000-8000-000000000001';
const CHANGE = [{ port: portId(P), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' } as const];

/** One story, told in order: each part begins where the one before ended. */
describe('a PostgreSQL primary with a streaming standby', () => {
  let primary: TestServer;
  let standby: TestServer;
  let agent: Database;
  let first: Answer;
  let second: Answer;
  before(async () => {
    [primary, standby] = await startFollowedPrimary(P);
    agent = openDatabase(databaseSettings(primary, { servers: [primary.client(), standby.client()] }));
  });
  after(async () => {
    await agent.close();
    await standby.destroy();
    await primary.destroy();
  });

  it('is read from the primary, which is above suspicion', async () => {
    first = await agent.read(NOTHING);
    assert.equal(first.suspect, null);
  });

  it('is read from the standby when the primary is killed: another server, and suspect', async () => {
    await primary.kill();
    await agent.read(NOTHING).catch(() => {});
    second = await agent.read(NOTHING);
    assert.equal(second.suspect, 'in-recovery');
    assert.notEqual(second.server, first.server);
  });

  it('refuses a status on the standby in one sentence and goes on being read', async () => {
    assert.match((await failureOf(agent.writeStatuses(CHANGE))).message, /is read-only/);
    assert.equal((await agent.read(NOTHING)).server, second.server);
  });

  it('is above suspicion once the standby is promoted, as another server, on the same connection', async () => {
    await standby.query('select pg_promote()');
    const third = await agent.read(NOTHING);
    assert.equal(third.suspect, null);
    assert.notEqual(third.server, second.server);
    assert.equal(await agent.writeStatuses(CHANGE), 1);
    second = third;
  });

  it('is the same server after a restart', async () => {
    await standby.stop();
    await standby.start();
    await waitUntil(
      () =>
        agent.read(NOTHING).then(
          () => true,
          () => false,
        ),
      'the agent reads again',
    );
    assert.equal((await agent.read(NOTHING)).server, second.server);
  });
});
