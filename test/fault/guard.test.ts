import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { startStandby } from '../support/databases/postgres.js';
import { type TestServer, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  linkNames,
  makeHost,
  masterOf,
  networkId,
  onUsualEngine,
  portId,
  type TestDatabase,
  tapOf,
  waitForStatus,
} from '../support/host/host.js';
import { type Cleanup, ip } from '../support/host/netns.js';
import { makeGuest, startTraffic } from '../support/host/traffic.js';
import { startQuietWitness } from '../support/host/witness.js';
import { restoreRows, takeDump } from './dump.js';
import { HELD, severalPolls } from './fault.js';

const [FLAT, LOCAL] = [networkId(1), networkId(2)];
const [PORT, LATER, ELSEWHERE] = [portId(1), portId(2), portId(3)];

async function fillTables({ rows }: TestDatabase): Promise<void> {
  await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.port({ id: PORT, network: FLAT, host: 'host1' });
  await rows.port({ id: ELSEWHERE, network: LOCAL, host: 'host2' });
}

/** One tap, on a flat network: its guest talks to somebody at the other end of the uplink's cable. */
async function makeOneTapHost(t: Cleanup, { server }: TestDatabase, urls: readonly string[] = []) {
  const { namespace, outside } = makeHost(t);
  const guest = makeGuest(t, namespace, tapOf(PORT), 1);
  ip(outside, 'address', 'add', '10.77.0.9/24', 'dev', 'far');
  const url = [socketUrl(server), ...urls].join(' ');
  const config = makeConfig({ url, mappings: 'physnet1:eth1' });
  const cli = (...args: readonly string[]) => runCli(namespace, ['--config-file', config.path, ...args]);
  assert.equal((await cli('once')).code, 0);
  const traffic = await startTraffic(t, guest, { namespace: outside, address: '10.77.0.9' });
  const witness = await startQuietWitness(t, namespace);
  const devices = linkNames(namespace);
  return {
    namespace,
    config,
    cli,
    sql: (statement: string) => server.query(statement, 'quantum'),
    start: () => startAgent(t, namespace, config),
    assertUnharmed: async () => {
      await witness.expectNothingOn(...devices);
      const { sent, lost } = await traffic.stop();
      assert.ok(sent > 0);
      assert.equal(lost, 0, `${lost} of ${sent} packets were lost`);
    },
  };
}

onUsualEngine('MariaDB', 'grizzly', (database) => {
  test('the only tap of a host stays wired when its row is missing, although one removal would be free', async (t) => {
    await fillTables(database());
    const host = await makeOneTapHost(t, database());
    const agent = await host.start();
    await host.sql(`delete from ports where id = '${PORT}'`);
    const held = await agent.line(HELD);
    assert.match(String(held.reason), /last wired tap/);
    await severalPolls(host);
    await host.assertUnharmed();
  });

  test('once from cron holds what the daemon holds, every time, and also with guard_release = auto', async (t) => {
    await fillTables(database());
    const host = await makeOneTapHost(t, database());
    await host.sql('delete from ports');
    for (let run = 0; run < 3; run++) {
      for (const release of ['operator', 'auto']) {
        const { code, stdout } = await host.cli('--guard-release', release, '--json', 'once');
        assert.equal(code, 3, stdout);
        assert.match(JSON.parse(stdout).held[0].reason, /table ports is wholly empty/);
      }
    }
    await host.assertUnharmed();
  });

  test('a promoted standby that lags takes no tap away', async (t) => {
    const { server, rows } = database();
    await fillTables(database());
    const standby = await startLagging(server);
    t.after(() => standby.destroy());
    const host = await makeOneTapHost(t, database(), [socketUrl(standby)]);
    // Bound later than what the standby has: on it, one tap of two has no row.
    await rows.port({ id: LATER, network: LOCAL, host: 'host1' });
    makeGuest(t, host.namespace, tapOf(LATER), 2);
    const agent = await host.start();
    await waitForStatus(rows, LATER, 'ACTIVE');
    if (server.engine === 'mysql') await host.sql('flush engine logs');
    await server.kill();
    try {
      const held = await agent.line(HELD);
      assert.equal(held.held, 1);
      if (server.engine === 'postgresql') await standby.query('select pg_promote()');
      await severalPolls(host);
      assert.equal(masterOf(host.namespace, tapOf(LATER)), bridgeOf(LOCAL));
    } finally {
      await server.start();
    }
    await host.assertUnharmed();
  });
});

/** PostgreSQL: a streaming standby that hears no more of its primary. MariaDB: a server with the rows of this moment. */
async function startLagging(server: TestServer): Promise<TestServer> {
  if (server.engine === 'mysql') {
    const copy = await startMariadb();
    await createSchema(copy, 'grizzly');
    await copy.query(restoreRows(await takeDump(server)), 'quantum');
    return copy;
  }
  const standby = await startStandby(server);
  const receivers = async () => (await standby.query('select pid from pg_stat_wal_receiver')).length;
  await waitUntil(async () => (await receivers()) === 1, 'the standby follows');
  await standby.query("alter system set primary_conninfo = ''");
  await standby.query('select pg_reload_conf()');
  await waitUntil(async () => (await receivers()) === 0, 'the standby hears no more');
  return standby;
}
