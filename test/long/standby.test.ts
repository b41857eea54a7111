import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startPostgres, startStandby } from '../support/databases/postgres.js';
import { type Rows, rowsOf } from '../support/databases/rows.js';
import { type TestServer, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import { makeConfig, type RunningAgent, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  tapOf,
  waitForMaster,
  waitForStatus,
} from '../support/host/host.js';
import { type Cleanup, makeNamespace } from '../support/host/netns.js';
import { startWitness } from '../support/host/witness.js';

const NETWORK = networkId(1);
const HELD = 'removals held, see accept';

interface Pair {
  readonly namespace: string;
  readonly primary: TestServer;
  readonly standby: TestServer;
  readonly rows: Rows;
  /** The same on the standby. */
  readonly copies: Rows;
  readonly configFile: string;
  readonly agent: RunningAgent;
}

/** A primary, its streaming standby, and an agent that has wired ports 1 to 3 of a local network. */
async function makePair(t: Cleanup): Promise<Pair> {
  const primary = await startPostgres();
  t.after(() => primary.destroy());
  await createSchema(primary, 'grizzly');
  const rows = rowsOf(primary, 'grizzly');
  await rows.network({ id: NETWORK, type: 'local' });
  for (const n of [1, 2, 3, 5]) await rows.port({ id: portId(n), network: NETWORK, host: 'host1' });
  const standby = await startStandby(primary);
  t.after(() => standby.destroy());
  const namespace = makeNamespace(t);
  makeTapsOf(namespace, portId(1), portId(2), portId(3));
  const config = makeConfig({
    url: `${socketUrl(primary)}, ${socketUrl(standby)}`,
    agent: ['log_level = debug', 'max_removals = 10'],
  });
  const agent = await startAgent(t, namespace, config);
  for (const n of [1, 2, 3]) await waitForStatus(rows, portId(n), 'ACTIVE');
  return {
    namespace,
    primary,
    standby,
    rows,
    copies: rowsOf(standby, 'grizzly'),
    configFile: config.path,
    agent,
  };
}

const deleteRow = (server: TestServer, n: number): Promise<unknown> =>
  server.query(`delete from ports where id = '${portId(n)}'`, 'quantum');

/** What has been polled so far: each poll is a transaction of its own. */
async function polls(standby: TestServer, count: number): Promise<void> {
  const seen = async (): Promise<number> => {
    const [row] = await standby.query(
      `select xact_commit as n from pg_stat_database where datname = 'quantum'`,
    );
    return Number(row?.n);
  };
  const before = await seen();
  await waitUntil(async () => (await seen()) >= before + count, `${count} polls`, 30_000);
}

describe('a built agent on a PostgreSQL primary with a streaming standby that is promoted', () => {
  test('works on through the loss of the primary and the promotion, and then holds no removal back', async (t) => {
    const { namespace, primary, standby, copies, agent } = await makePair(t);
    for (const n of [1, 2, 3]) await waitForStatus(copies, portId(n), 'ACTIVE');
    const witness = await startWitness(t, namespace);
    await primary.kill();
    await agent.line('another database server than the first is used');
    // A standby can be read: a port that is new here is wired, only its status has to wait.
    makeTapsOf(namespace, portId(5));
    await waitForMaster(namespace, tapOf(portId(5)), bridgeOf(NETWORK));
    assert.equal(await copies.statusOf(portId(5)), 'DOWN');
    await standby.query('select pg_promote()');
    await waitForStatus(copies, portId(5), 'ACTIVE');
    await witness.expectToStayIn(bridgeOf(NETWORK), ...[1, 2, 3].map((n) => tapOf(portId(n))));

    await deleteRow(standby, 1);
    await waitForMaster(namespace, tapOf(portId(1)), null);
    assert.equal(agent.saying(HELD).length, 0);
    for (const n of [2, 3, 5]) assert.equal(masterOf(namespace, tapOf(portId(n))), bridgeOf(NETWORK));
  });

  test('takes no wire away because of a row that the standby never received, before and after the promotion', async (t) => {
    const { namespace, primary, standby, rows, copies, agent, configFile } = await makePair(t);
    for (const n of [1, 2, 3]) await waitForStatus(copies, portId(n), 'ACTIVE');
    await standby.query(`alter system set primary_conninfo = ''`);
    await standby.query('select pg_reload_conf()');
    const receivers = 'select 1 from pg_stat_replication';
    await waitUntil(async () => (await primary.query(receivers)).length === 0, 'the standby is cut off');
    await rows.port({ id: portId(4), network: NETWORK, host: 'host1' });
    makeTapsOf(namespace, portId(4));
    await waitForStatus(rows, portId(4), 'ACTIVE');
    const witness = await startWitness(t, namespace);

    await primary.kill();
    assert.match(
      String((await agent.line(HELD)).reason),
      /read-only server took over|database went back in time/,
    );
    await polls(standby, 20);
    await standby.query('select pg_promote()');
    await polls(standby, 20);
    await witness.expectToStayIn(bridgeOf(NETWORK), ...[1, 2, 3, 4].map((n) => tapOf(portId(n))));
    assert.equal(masterOf(namespace, tapOf(portId(4))), bridgeOf(NETWORK));

    const fingerprint = String(agent.saying(HELD).at(-1)?.fingerprint);
    const accept = await runCli(namespace, ['--config-file', configFile, 'accept', fingerprint]);
    assert.equal(accept.code, 0, accept.stderr);
    await waitForMaster(namespace, tapOf(portId(4)), null);
    await deleteRow(standby, 1);
    await waitForMaster(namespace, tapOf(portId(1)), null);
    for (const n of [2, 3]) assert.equal(masterOf(namespace, tapOf(portId(n))), bridgeOf(NETWORK));
  });
});
