import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { openDatabase } from '../../src/database/database.js';
import { openHeartbeats } from '../../src/database/heartbeat.js';
import type { Question } from '../../src/model/database.js';
import { networkId, portId } from '../../src/model/ids.js';
import { freshDatabase } from '../support/databases/engines.js';
import { type Pooler, startPgbouncer } from '../support/databases/pgbouncer.js';
import { startPostgres } from '../support/databases/postgres.js';
import { failureOf } from '../support/databases/probe.js';
import { PASSWORD, type TestServer } from '../support/databases/servers.js';

const N = '11111111-aaaa-4000-8000-000000000001';
const P = '0a1b2c3d-4e5f-4000-8000-000000000001';
const QUESTION: Question = {
  taps: [{ by: 'id', id: portId(P), wired: true }],
  bridges: [{ by: 'id', id: networkId(N) }],
};

const REPORT = {
  upForMs: 0,
  devices: 1,
  interfaceMappings: new Map(),
  bridgeMappings: new Map(),
  tunnels: null,
};

/** What another client of the pool may leave behind. */
const HOSTILE = `set timezone = 'Pacific/Auckland'; set standard_conforming_strings = off;
  set default_transaction_isolation = serializable; set datestyle = 'sql, dmy'; set row_security = on;
  set default_transaction_read_only = on; set search_path = pg_temp, pg_catalog`;

describe('PostgreSQL behind PgBouncer', () => {
  let server: TestServer;
  const poolers: Pooler[] = [];
  before(async () => {
    server = await startPostgres();
  });
  after(async () => {
    for (const pooler of poolers) await pooler.stop();
    await server.destroy();
  });

  async function behind(mode: 'session' | 'transaction' | 'statement') {
    const fresh = await freshDatabase(server, 'grizzly');
    await fresh.rows.network({ id: N, type: 'local' });
    await fresh.rows.port({ id: P, network: N, host: 'host1' });
    const pooler = await startPgbouncer(server, mode);
    poolers.push(pooler);
    const through = server.client({ database: fresh.database, port: pooler.port });
    return { ...fresh, through, settings: { ...fresh.settings, servers: [through] as const } };
  }

  for (const mode of ['session', 'transaction'] as const)
    it(`in ${mode} mode it is read and written like any other`, async () => {
      const { settings, rows } = await behind(mode);
      const agent = openDatabase(settings);
      assert.equal((await agent.read(QUESTION)).ports.length, 1);
      assert.equal((await agent.read(QUESTION)).ports.length, 1);
      await agent.writeStatuses([{ port: portId(P), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' }]);
      await agent.close();
      assert.equal(await rows.statusOf(P), 'ACTIVE');
    });

  it('in transaction mode row security is told also on a session that another client has reset', async () => {
    const { database, settings } = await behind('transaction');
    await server.query(
      `alter table ports enable row level security; alter table ports force row level security;
       create policy few on ports using (false)`,
      database,
    );
    const agent = openDatabase(settings);
    await agent.read({ taps: [], bridges: [] });
    // The pool has one session of the server, which serves both.
    const other = openDatabase(settings);
    await other.read({ taps: [], bridges: [] });
    assert.equal((await failureOf(agent.read(QUESTION))).kind, 'rows-hidden');
    await agent.close();
    await other.close();
  });

  it('in transaction mode nothing that another client has set in the session is relied on', async () => {
    const { settings, rows, through, database } = await behind('transaction');
    const { host, port, user } = through;
    const other = new pg.Client({ host: host ?? '', port: port ?? 0, user, password: PASSWORD, database });
    await other.connect();
    const agent = openDatabase(settings);
    const heart = openHeartbeats(settings);
    // The pool has one session of the server, which serves all of them.
    await other.query(HOSTILE);
    for (const poll of [1, 2]) {
      const answer = await agent.read(QUESTION);
      assert.deepEqual([answer.ports.length, answer.suspect], [1, null], `poll ${poll}`);
    }
    await other.query(HOSTILE);
    assert.equal(
      await agent.writeStatuses([{ port: portId(P), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' }]),
      1,
    );
    await other.query(HOSTILE);
    await heart.beat(REPORT);
    await other.query(HOSTILE);
    await heart.beat(REPORT);
    for (const each of [agent, heart]) await each.close();
    await other.end();
    assert.equal(await rows.statusOf(P), 'ACTIVE');
    const [row] = await server.query(
      `select extract(epoch from timezone('utc', now()) - heartbeat_timestamp)::integer as age from agents`,
      database,
    );
    assert.ok(Math.abs(Number(row?.age)) < 60, `${row?.age} s`);
  });

  it('in transaction mode nothing is written where the database itself is read-only', async () => {
    const { settings, rows, database } = await behind('transaction');
    await server.query(`alter database ${database} set default_transaction_read_only = on`);
    const agent = openDatabase(settings);
    assert.equal((await agent.read(QUESTION)).suspect, 'read-only');
    const change = { port: portId(P), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' } as const;
    assert.match((await failureOf(agent.writeStatuses([change]))).message, /is read-only/);
    await agent.close();
    assert.equal(await rows.statusOf(P), 'DOWN');
  });

  it('in statement mode it is told what to set, and the next server of the list is tried', async () => {
    const { settings, through, database } = await behind('statement');
    const agent = openDatabase(settings);
    const failure = await failureOf(agent.read(QUESTION));
    assert.equal(failure.kind, 'no-transactions');
    assert.match(failure.message, /is behind a connection pooler that gives no transactions: /);
    await agent.close();
    const both = openDatabase({ ...settings, servers: [through, server.client({ database })] });
    assert.equal((await both.read(QUESTION)).ports.length, 1);
    await both.close();
    const heart = openHeartbeats(settings);
    assert.equal((await failureOf(heart.beat(REPORT))).kind, 'no-transactions');
    await heart.close();
  });
});
