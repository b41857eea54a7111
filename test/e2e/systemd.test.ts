import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '../support/databases/postgres.js';
import { privateFolder, waitUntil } from '../support/databases/servers.js';
import { makeConfig, socketUrl, startAgent } from '../support/host/agent.js';
import { receiveDatagrams } from '../support/host/datagrams.js';
import {
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  type TestDatabase,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, enterNamespace } from '../support/host/netns.js';

const LOCAL = networkId(1);

const socketPath = (): string => join(privateFolder('notify'), 'notify.sock');

async function makeCloud(t: Cleanup, { server, rows }: TestDatabase, path: string, environment = {}) {
  const { namespace } = makeHost(t);
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.port({ id: portId(1), network: LOCAL });
  makeTapsOf(namespace, portId(1));
  const config = makeConfig({ url: socketUrl(server) });
  const start = () =>
    startAgent(t, namespace, config, { environment: { NOTIFY_SOCKET: path, ...environment } });
  return { namespace, rows, start };
}

withDatabase(startPostgres, 'folsom', (database) => {
  test('READY comes once, after the first pass, with a status line; STOPPING at the end', async (t) => {
    const path = socketPath();
    const datagrams = receiveDatagrams(t, path);
    const { rows, start } = await makeCloud(t, database(), path);
    const agent = await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');
    await waitUntil(() => datagrams.length > 0, 'READY');
    assert.match(datagrams[0] ?? '', /^READY=1\nSTATUS=in sync/);
    agent.signal('SIGTERM');
    assert.equal(await agent.ended(), 0);
    await waitUntil(() => /^STOPPING=1\n/.test(datagrams.at(-1) ?? ''), 'STOPPING');
    assert.equal(datagrams.filter((one) => one.includes('READY=1')).length, 1);
  });

  test('an agent that has to wait for its database is ready all the same', async (t) => {
    const path = socketPath();
    const datagrams = receiveDatagrams(t, path);
    const { server } = database();
    const { start } = await makeCloud(t, database(), path);
    await server.stop();
    try {
      await start();
      await waitUntil(() => datagrams.length > 0, 'READY');
      assert.match(datagrams[0] ?? '', /^READY=1\nSTATUS=serving the ports it knows; database down: /);
    } finally {
      await server.start();
    }
    await waitUntil(() => datagrams.at(-1)?.startsWith('STATUS=in sync') === true, 'the status line follows');
  });

  test('SIGHUP is told as RELOADING with the time, and ends with READY', async (t) => {
    const path = socketPath();
    const datagrams = receiveDatagrams(t, path);
    const { rows, start } = await makeCloud(t, database(), path);
    const agent = await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');
    agent.signal('SIGHUP');
    await agent.line('settings read again');
    await waitUntil(() => datagrams.some((one) => one.startsWith('RELOADING=1')), 'RELOADING');
    const at = datagrams.findIndex((one) => one.startsWith('RELOADING=1'));
    assert.match(datagrams[at] ?? '', /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    await waitUntil(() => datagrams.length > at + 1, 'READY again');
    assert.match(datagrams[at + 1] ?? '', /^READY=1\n/);
  });

  test('the watchdog is fed twice within its time', async (t) => {
    const path = socketPath();
    const datagrams = receiveDatagrams(t, path);
    const { start } = await makeCloud(t, database(), path, { WATCHDOG_USEC: '400000' });
    await start();
    const fed = (): number => datagrams.filter((one) => one === 'WATCHDOG=1').length;
    await waitUntil(() => fed() >= 5, 'five signs of life');
  });

  test('a stopped process is not fed for, so that systemd starts it again', async (t) => {
    const path = socketPath();
    const datagrams = receiveDatagrams(t, path);
    const { start } = await makeCloud(t, database(), path, { WATCHDOG_USEC: '200000' });
    const agent = await start();
    await waitUntil(() => datagrams.includes('WATCHDOG=1'), 'a sign of life');
    agent.signal('SIGSTOP');
    await waitUntil(() => /^State:\s+T/m.test(readFileSync(`/proc/${agent.pid}/status`, 'utf8')), 'stopped');
    const before = datagrams.length;
    await delay(1_000);
    assert.equal(datagrams.length, before);
  });

  test('a socket in the abstract namespace is notified too', async (t) => {
    const path = `@qlb-notify-${process.pid}`;
    const { namespace, rows, start } = await makeCloud(t, database(), path);
    // An abstract name belongs to a network namespace: that of the agent.
    enterNamespace(t, namespace);
    const datagrams = receiveDatagrams(t, path);
    await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');
    await waitUntil(() => datagrams.length > 0, 'READY');
    assert.match(datagrams[0] ?? '', /^READY=1\n/);
  });

  test('a watchdog that is meant for another process is not fed', async (t) => {
    const path = socketPath();
    const datagrams = receiveDatagrams(t, path);
    const { rows, start } = await makeCloud(t, database(), path, {
      WATCHDOG_USEC: '100000',
      WATCHDOG_PID: '1',
    });
    const agent = await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');
    agent.signal('SIGTERM');
    await agent.ended();
    assert.ok(!datagrams.includes('WATCHDOG=1'));
  });

  test('a socket that nobody listens on costs nothing', async (t) => {
    const { rows, start } = await makeCloud(t, database(), '/run/no-such-socket');
    const agent = await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');
    agent.signal('SIGTERM');
    assert.equal(await agent.ended(), 0);
  });
});
