import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, type Ran, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  type TestDatabase,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import type { Cleanup } from '../support/host/netns.js';

const [LOCAL, UNMAPPED] = [networkId(1), networkId(2)];
/** The database's own limits, so long that only --timeout can end the command in time. */
const PATIENT = ['--connect-timeout', '20', '--query-timeout', '20'];
const PERFDATA =
  /^\w+: [^|]+ \| age=\S+s;60;300;0 drift=\d+;0;;0 held=\d+;0;;0 failed=\d+;0;;0 unwired=\d+;0;;0 unknown=\d+;0;;0\n$/;

async function makeCloud(t: Cleanup, { server, rows }: TestDatabase) {
  const { namespace } = makeHost(t);
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: UNMAPPED, type: 'flat', physicalNetwork: 'elsewhere' });
  await rows.port({ id: portId(1), network: LOCAL });
  await rows.port({ id: portId(2), network: UNMAPPED });
  makeTapsOf(namespace, portId(1));
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1' });
  const check = (...args: readonly string[]): Promise<Ran> =>
    runCli(namespace, ['--config-file', config.path, 'check', ...args]);
  const start = async () => {
    const agent = await startAgent(t, namespace, config);
    await waitForStatus(rows, portId(1), 'ACTIVE');
    return agent;
  };
  return { namespace, config, check, start };
}

withDatabase(startPostgres, 'folsom', (database) => {
  test('a host in sync is OK, in one line with performance data', async (t) => {
    const { check, start } = await makeCloud(t, database());
    await start();
    const { code, stdout, stderr } = await check();
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, PERFDATA);
    assert.match(stdout, /^OK: 1 tap\(s\) wired/);
  });

  test('a port that cannot be wired is a WARNING, and CRITICAL where the thresholds say so', async (t) => {
    const { namespace, check, start } = await makeCloud(t, database());
    await start();
    makeTapsOf(namespace, portId(2));
    await waitUntil(async () => (await check()).code === 1, 'a warning');
    assert.match((await check()).stdout, /^WARNING: 1 port\(s\) not wired \| /);
    assert.equal((await check('-c', 'unwired=0')).code, 2);
    assert.match(
      (await check('-w', 'unwired=5')).stdout,
      /^OK: 1 tap\(s\) wired, 2 here, 1 port\(s\) not wired \|/,
    );
  });

  test('held removals are a WARNING', async (t) => {
    const { check, start } = await makeCloud(t, database());
    await start();
    await database().server.query('delete from ports', 'quantum');
    await waitUntil(async () => (await check()).code === 1, 'a warning');
    assert.match((await check()).stdout, /^WARNING: 1 removal\(s\) held/);
  });

  test('a database that has not answered for longer than the range is CRITICAL', async (t) => {
    const { check, start } = await makeCloud(t, database());
    const agent = await start();
    const { server } = database();
    await server.stop();
    try {
      await agent.line('database lost, the data plane stays as it is');
      await waitUntil(async () => (await check('-c', 'age=0.5')).code === 2, 'critical');
      assert.match((await check('-c', '0.5')).stdout, /^CRITICAL: no answer of the database for /);
    } finally {
      await server.start();
    }
  });

  test('a host without an agent is CRITICAL, and --direct looks for itself', async (t) => {
    const { namespace, config, check } = await makeCloud(t, database());
    assert.equal((await check()).code, 2);
    const drift = await check('--direct');
    assert.equal(drift.code, 1);
    assert.match(drift.stdout, PERFDATA);
    const allowed = await check('--direct', '-w', 'drift=9,unwired=9');
    assert.match(
      allowed.stdout,
      /^OK: 1 tap\(s\) here, [1-9] operation\(s\) to make, 1 port\(s\) not wired \|/,
    );
    assert.equal((await runCli(namespace, ['--config-file', config.path, 'once'])).code, 0);
    assert.match((await check('--direct')).stdout, /^OK: 1 tap\(s\) here, in sync \|/);
  });

  test('--direct holds what once holds, by what the runs before have left to remember', async (t) => {
    const { namespace, config, check } = await makeCloud(t, database());
    const { rows, server } = database();
    await rows.port({ id: portId(3), network: LOCAL });
    makeTapsOf(namespace, portId(3));
    const once = (): Promise<Ran> => runCli(namespace, ['--config-file', config.path, 'once']);
    assert.equal((await once()).code, 0);
    await server.query(`update ports set admin_state_up = false where id = '${portId(1)}'`, 'quantum');
    assert.equal((await once()).code, 0, 'one is free');
    await server.query(`update ports set admin_state_up = false where id = '${portId(3)}'`, 'quantum');
    assert.match((await check('--direct')).stdout, /^WARNING: 1 removal\(s\) held \| .* drift=0;/);
    assert.equal((await once()).code, 3);
  });

  test('--direct gives up on a frozen server within --timeout, as CRITICAL', async (t) => {
    const { check } = await makeCloud(t, database());
    const { server } = database();
    server.freeze();
    try {
      const startedMs = performance.now();
      const { code, stdout } = await check('--direct', '--timeout', '0.5', ...PATIENT);
      assert.equal(code, 2);
      assert.match(stdout, /^CRITICAL: .*0\.5 s of --timeout/);
      assert.ok(performance.now() - startedMs < 15_000, 'it ends long before the limits of the database');
    } finally {
      server.thaw();
    }
  });

  test('wrong use, wrong settings and help are UNKNOWN, on stdout', async (t) => {
    const { namespace, check } = await makeCloud(t, database());
    const wrong = [
      await check('--no-such-option'),
      await check('-w', 'age=ten'),
      await check('-w', 'speed=10'),
      await check('--timeout', 'soon'),
      await runCli(namespace, ['--polling-interval', 'x', 'check']),
    ];
    for (const { code, stdout } of wrong) {
      assert.equal(code, 3, stdout);
      assert.match(stdout, /^UNKNOWN: .+\n$/);
    }
    const help = await check('--help');
    assert.equal(help.code, 3);
    assert.match(help.stdout, /--direct/);
    assert.match(help.stdout, /^ {2}age {6}seconds since the database answered last \(60, 300\)$/m);
    assert.match(help.stdout, /default: 10\)/);
  });
});
