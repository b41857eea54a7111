import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { makeConfig, type Ran, runCli, socketUrl } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  withDatabase,
} from '../support/host/host.js';
import type { Cleanup } from '../support/host/netns.js';

const LOCAL = networkId(1);
/** The database's own limits, so long that only --timeout can end the command in time. */
const PATIENT = ['--connect-timeout', '20', '--query-timeout', '20'];

async function makeCloud(t: Cleanup, { server, rows }: TestDatabase) {
  const { namespace } = makeHost(t);
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.port({ id: portId(1), network: LOCAL });
  makeTapsOf(namespace, portId(1));
  const config = makeConfig({ url: socketUrl(server) });
  const folder = dirname(config.path);
  const textfile = join(folder, 'agent.prom');
  const once = (...args: readonly string[]): Promise<Ran> =>
    runCli(namespace, ['--config-file', config.path, 'once', '--textfile', textfile, ...args]);
  const metric = (name: string): number => {
    const text = readFileSync(textfile, 'utf8');
    const value = new RegExp(`^quantum_linuxbridge_${name} (\\S+)$`, 'm').exec(text)?.[1];
    return Number(value ?? Number.NaN);
  };
  return { namespace, folder, textfile, once, metric };
}

withDatabase(startPostgres, 'folsom', (database) => {
  test('--textfile leaves a file that promtool accepts, and no draft beside it', async (t) => {
    const { folder, textfile, once, metric } = await makeCloud(t, database());
    assert.equal((await once()).code, 0);
    execFileSync('promtool', ['check', 'metrics'], {
      input: readFileSync(textfile),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    assert.equal(statSync(textfile).mode & 0o777, 0o644);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.includes('prom')),
      ['agent.prom'],
    );
    assert.equal(metric('once_exit_code'), 0);
    assert.equal(metric('taps{state="wired"}'), 1);
    assert.equal(metric('in_sync'), 1);
  });

  test('a run that fails is told with its exit code, and keeps the time of the last success', async (t) => {
    const { once, metric } = await makeCloud(t, database());
    await once();
    const success = metric('once_last_success_timestamp_seconds');
    assert.ok(success > 1_600_000_000);

    const { server } = database();
    await server.stop();
    try {
      assert.equal((await once()).code, 75);
    } finally {
      await server.start();
    }
    assert.equal(metric('once_exit_code'), 75);
    assert.equal(metric('once_last_success_timestamp_seconds'), success);
    assert.ok(metric('once_last_run_timestamp_seconds') > success);
    assert.ok(
      Number.isNaN(metric('taps{state="wired"}')),
      'nothing is said about a host that was not looked at',
    );
  });

  test('--timeout ends a run that waits for a frozen server, with 75', async (t) => {
    const { once } = await makeCloud(t, database());
    const { server } = database();
    server.freeze();
    try {
      const startedMs = performance.now();
      const { code, stderr } = await once('--timeout', '0.5', ...PATIENT);
      assert.equal(code, 75);
      assert.match(stderr, /0\.5 s of --timeout/);
      assert.ok(performance.now() - startedMs < 15_000, 'it ends long before the limits of the database');
    } finally {
      server.thaw();
    }
  });

  test('a link that somebody has put in the place of the draft leads a run of root nowhere', async (t) => {
    const { folder, textfile, once } = await makeCloud(t, database());
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, `${textfile}.new`);
    assert.equal((await once()).code, 0);
    assert.equal(readFileSync(victim, 'utf8'), 'precious');
  });

  test('a FIFO in the place of the textfile holds no run up', async (t) => {
    const { textfile, once } = await makeCloud(t, database());
    execFileSync('mkfifo', [textfile]);
    const { code, stderr } = await once();
    assert.equal(code, 1);
    assert.match(stderr, /TEXTFILE_NOT_WRITTEN: .*no regular file/);
  });

  test('a textfile that cannot be written is an error of its own: exit 1, and the host is wired', async (t) => {
    const { once } = await makeCloud(t, database());
    const { code, stderr } = await once('--textfile', '/proc/no-such-folder/agent.prom');
    assert.equal(code, 1);
    assert.match(stderr, /TEXTFILE_NOT_WRITTEN/);
  });

  test('runs that cannot keep what they took away take nothing away', async (t) => {
    const { namespace, once } = await makeCloud(t, database());
    const { rows, server } = database();
    const more = [2, 3, 4, 5].map(portId);
    for (const id of more) await rows.port({ id, network: LOCAL });
    makeTapsOf(namespace, ...more);
    // As an ordinary file is no folder, nothing can be kept there.
    const unkept = ['--state-dir', '/proc/version/state'];
    assert.equal((await once()).code, 0);
    for (const id of more) {
      await server.query(`delete from ports where id = '${id}'`, 'quantum');
      const { code, stdout } = await once(...unkept);
      assert.equal(code, 3);
      assert.match(stdout, /the next run would not know of it, since state_dir cannot be written/);
      assert.equal(masterOf(namespace, tapOf(id)), bridgeOf(LOCAL));
    }
  });

  test('a second run prints nothing at all', async (t) => {
    const { once } = await makeCloud(t, database());
    await once();
    const { code, stdout, stderr } = await once();
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
  });
});
