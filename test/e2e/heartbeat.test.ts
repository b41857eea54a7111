import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ENGINES, usually } from '../support/databases/engines.js';
import { type TestServer, waitUntil } from '../support/databases/servers.js';
import type { TestGeneration } from '../support/databases/tables.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  waitForMaster,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';

const NETWORK = networkId(1);
const [FAILED, BACK] = [
  'no heartbeat written, servers take this agent for dead',
  'heartbeats are written again',
];

const agentRow = async ({ server }: TestDatabase): Promise<Record<string, unknown> | undefined> =>
  (await server.query(`select * from agents where host = 'host1'`, 'quantum'))[0];

/** Sessions of the agent that wait for a lock that somebody else holds. */
const waiting = (server: TestServer): Promise<Record<string, unknown>[]> =>
  server.query(
    server.engine === 'postgresql'
      ? `select pid as session from pg_stat_activity where usename = 'quantum' and wait_event_type = 'Lock'`
      : `select id as session from information_schema.processlist
         where user = 'quantum' and info like 'update%agents%' and time_ms > 100`,
  );

/** Whether the rows of `agents` are locked. */
const isLocked = ({ server }: TestDatabase): Promise<boolean> =>
  server.query('select host from agents for update nowait', 'quantum').then(
    () => false,
    () => true,
  );

/** Holds the rows of `agents` locked for so long; resolves when they are free again. */
const lockAgents = ({ server }: TestDatabase, seconds: number): Promise<unknown> =>
  server.query(
    `begin; update agents set description = 'held';
     ${server.engine === 'postgresql' ? `select pg_sleep(${seconds})` : `do sleep(${seconds})`}; commit`,
    'quantum',
  );

const USUAL = { 'ml2-zed': 'MariaDB', 'ml2-havana': 'MariaDB', grizzly: 'PostgreSQL' } as const;

for (const generation of ['ml2-zed', 'ml2-havana', 'grizzly'] satisfies TestGeneration[]) {
  for (const engine of usually(USUAL[generation], ENGINES)) {
    describe(`the heartbeat of a running agent, ${generation} on ${engine.name}`, () => {
      withDatabase(engine.start, generation, (database) => {
        test('is there after the first good answer, and fleet sees the host alive with its mappings and taps', async (t) => {
          const { server, rows } = database();
          const { namespace } = makeHost(t);
          await rows.network({ id: NETWORK, type: 'local' });
          await rows.port({ id: portId(1), network: NETWORK, host: 'host1' });
          makeTapsOf(namespace, portId(1), portId(2));
          const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1' });
          const agent = await startAgent(t, namespace, config);
          await waitUntil(async () => (await agentRow(database())) !== undefined, 'the row');
          const fleet = await runCli(namespace, ['--config-file', config.path, '--json', 'fleet']);
          assert.equal(fleet.code, 0, fleet.stderr);
          const [host] = JSON.parse(fleet.stdout).hosts;
          assert.deepEqual([host.host, host.state, host.devices], ['host1', 'alive', 2]);
          assert.ok(host.upForS >= 0 && host.upForS < 30, `${host.upForS} s`);
          const configurations = JSON.parse(String((await agentRow(database()))?.configurations));
          assert.deepEqual(configurations.interface_mappings, { physnet1: 'eth1' });
          agent.signal('SIGTERM');
          assert.equal(await agent.ended(5_000), 0);
        });

        test('is written by once as well, so that cron keeps a host alive', async (t) => {
          const { server } = database();
          await server.query('delete from agents', 'quantum');
          const { namespace } = makeHost(t);
          makeTapsOf(namespace, portId(1));
          const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1' });
          const ran = await runCli(namespace, ['--config-file', config.path, 'once']);
          assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, '', '']);
          const fleet = await runCli(namespace, ['--config-file', config.path, '--json', 'fleet']);
          const [host] = JSON.parse(fleet.stdout).hosts;
          assert.deepEqual([host.host, host.state, host.devices], ['host1', 'alive', 1]);
        });
      });
    });
  }
}

for (const engine of usually('PostgreSQL', ENGINES)) {
  describe(`the heartbeat of a running agent on ${engine.name}, grizzly, which wants one every four seconds`, () => {
    withDatabase(engine.start, 'grizzly', (database) => {
      test('comes again and again, and leaves alone that an administrator has switched the agent off', async (t) => {
        const { server } = database();
        const { namespace } = makeHost(t);
        await startAgent(t, namespace, makeConfig({ url: socketUrl(server) }));
        await waitUntil(async () => (await agentRow(database())) !== undefined, 'the row');
        await server.query(
          `update agents set admin_state_up = false, description = 'switched off'`,
          'quantum',
        );
        const before = await agentRow(database());
        const beaten = async (): Promise<boolean> =>
          String((await agentRow(database()))?.heartbeat_timestamp) !== String(before?.heartbeat_timestamp);
        await waitUntil(beaten, 'the next heartbeat');
        const { heartbeat_timestamp: _, ...after } = (await agentRow(database())) ?? {};
        const { heartbeat_timestamp: __, ...rest } = before ?? {};
        assert.deepEqual(after, rest);
      });

      test('of once is waited for no longer than --timeout, and is all that is missing then', async (t) => {
        const { server, rows } = database();
        const { namespace } = makeHost(t);
        await rows.network({ id: NETWORK, type: 'local' });
        await rows.port({ id: portId(1), network: NETWORK, host: 'host1' });
        makeTapsOf(namespace, portId(1));
        const config = makeConfig({ url: socketUrl(server) });
        const once = ['--config-file', config.path, 'once'];
        assert.equal((await runCli(namespace, once)).code, 0);
        const held = lockAgents(database(), 8);
        await waitUntil(() => isLocked(database()), 'the lock');
        const ran = await runCli(namespace, [...once, '--timeout', '3', '--query-timeout', '20']);
        assert.equal(ran.code, 0, ran.stdout);
        assert.match(ran.stderr, /HEARTBEAT_NOT_WRITTEN: .*the 3 s of --timeout/);
        assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(NETWORK));
        await held;
      });

      test('delays nothing when it hangs: a new tap is wired at once, and the failure is told once', async (t) => {
        const { server, rows } = database();
        const { namespace } = makeHost(t);
        await rows.network({ id: NETWORK, type: 'local' });
        await rows.port({ id: portId(1), network: NETWORK, host: 'host1' });
        const config = makeConfig({ url: socketUrl(server), database: ['query_timeout = 4'] });
        const agent = await startAgent(t, namespace, config);
        await waitUntil(async () => (await agentRow(database())) !== undefined, 'the row');
        const held = lockAgents(database(), 20);
        await waitUntil(async () => (await waiting(server)).length > 0, 'a heartbeat hangs');
        const hanging = await waiting(server);
        makeTapsOf(namespace, portId(1));
        await waitForStatus(rows, portId(1), 'ACTIVE');
        assert.deepEqual(await waiting(server), hanging, 'the same heartbeat hangs still');
        assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(NETWORK));
        const line = await agent.line(FAILED);
        assert.equal(line.code, 'HEARTBEAT_NOT_WRITTEN');
        await held;
        await agent.line(BACK);
        assert.equal(agent.saying(FAILED).length, 1);
        assert.equal(agent.saying('database lost, the data plane stays as it is').length, 0);
      });

      test('is not sent when the rights for it are missing, which is told once, and wiring goes on', async (t) => {
        const { server, rows } = database();
        const { namespace } = makeHost(t);
        await rows.network({ id: NETWORK, type: 'local' });
        await rows.port({ id: portId(1), network: NETWORK, host: 'host1' });
        await makeReader(server);
        const url = socketUrl(server).replace('://quantum:', '://reader:');
        const agent = await startAgent(t, namespace, makeConfig({ url }));
        const line = await agent.line(FAILED);
        assert.match(String(line.error), /lacks a right/);
        makeTapsOf(namespace, portId(1));
        await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(NETWORK));
        assert.equal(agent.saying(FAILED).length, 1);
      });
    });
  });
}

/** An account `reader` that may only read. */
async function makeReader(server: TestServer): Promise<void> {
  const { password } = server.client();
  const statements =
    server.engine === 'postgresql'
      ? `create role reader login password '${password()}'; grant select on all tables in schema public to reader`
      : `create user reader@localhost identified by '${password()}'; grant select on quantum.* to reader@localhost`;
  await server.query(statements, 'quantum');
}
