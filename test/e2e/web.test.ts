import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, type RunningAgent, socketUrl, startAgent } from '../support/host/agent.js';
import {
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  type TestDatabase,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, command, enterNamespace, ip, makeTaps } from '../support/host/netns.js';
import { HANG_LIMIT_MS } from '../support/limit.js';

const [LOCAL, UNMAPPED] = [networkId(1), networkId(2)];

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function makeCloud(
  t: Cleanup,
  { server, rows }: TestDatabase,
  agent = ['web_listen_address = 127.0.0.1:0'],
) {
  const { namespace } = makeHost(t);
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: UNMAPPED, type: 'flat', physicalNetwork: 'elsewhere' });
  await rows.port({ id: portId(1), network: LOCAL });
  await rows.port({ id: portId(2), network: UNMAPPED });
  makeTapsOf(namespace, portId(1), portId(2));
  const config = makeConfig({ url: socketUrl(server), agent });
  const start = async (): Promise<RunningAgent> => {
    const running = await startAgent(t, namespace, config);
    await waitForStatus(rows, portId(1), 'ACTIVE');
    return running;
  };
  /** From inside of the namespace, where the agent listens. */
  const get = async (address: unknown, path: string, method = 'GET'): Promise<Answer> => {
    const response = await fetch(`http://${address}${path}`, {
      method,
      signal: AbortSignal.timeout(HANG_LIMIT_MS),
    });
    return { status: response.status, text: await response.text() };
  };
  enterNamespace(t, namespace);
  return { namespace, start, get };
}

async function connectTo(t: Cleanup, address: unknown): Promise<Socket> {
  const [host, port] = String(address).split(':');
  const socket = connect(Number(port), host);
  socket.on('error', () => {});
  t.after(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

const sample = (exposition: string, series: string): number => {
  const line = exposition.split('\n').find((one) => one.startsWith(`quantum_linuxbridge_${series} `));
  return Number(line?.split(' ')[1] ?? Number.NaN);
};

withDatabase(startPostgres, 'folsom', (database) => {
  test('/metrics passes promtool and tells what the host is like', async (t) => {
    const { start, get } = await makeCloud(t, database());
    const agent = await start();
    const { address } = await agent.line('web server listens');
    const { status, text } = await get(address, '/metrics');
    assert.equal(status, 200);
    execFileSync('promtool', ['check', 'metrics'], { input: text, stdio: ['pipe', 'pipe', 'pipe'] });
    assert.equal(sample(text, 'database_up'), 1);
    assert.equal(sample(text, 'taps{state="wired"}'), 1);
    assert.equal(sample(text, 'taps{state="blocked"}'), 1);
    assert.equal(sample(text, 'warnings{code="PHYSICAL_NETWORK_UNMAPPED"}'), 1);
    assert.equal(sample(text, 'operations_total{operation="attach"}'), 1);
    assert.equal(sample(text, 'operation_failures_total{operation="attach"}'), 0);
    assert.ok(!text.includes(portId(1)) && !text.includes(LOCAL), 'no id is a label');
  });

  test('without a database the agent is healthy but not ready, and says no more to anybody', async (t) => {
    const { start, get } = await makeCloud(t, database());
    const agent = await start();
    const { address } = await agent.line('web server listens');
    assert.deepEqual(await get(address, '/-/healthy'), { status: 200, text: 'ok' });
    assert.deepEqual(await get(address, '/-/ready'), { status: 200, text: 'ok' });
    assert.match(
      (await get(address, '/-/ready?verbose')).text,
      /^\[\+\]loop ok\n\[\+\]first-poll ok\n\[\+\]database ok\n/,
    );

    const { server } = database();
    await server.stop();
    try {
      await agent.line('database lost, the data plane stays as it is');
      assert.deepEqual(await get(address, '/-/healthy'), { status: 200, text: 'ok' });
      const ready = await get(address, '/-/ready');
      assert.equal(ready.status, 503);
      assert.match(ready.text, /^\[-\]database failed: reason withheld$/m);
      assert.equal(sample((await get(address, '/metrics')).text, 'database_up'), 0);
      assert.ok(sample((await get(address, '/metrics')).text, 'poll_failures_total') > 0);
    } finally {
      await server.start();
    }
    await waitUntil(async () => (await get(address, '/-/ready')).status === 200, 'ready again');
  });

  test('what is not there is 404, and only GET and HEAD are served', async (t) => {
    const { start, get } = await makeCloud(t, database());
    const { address } = await (await start()).line('web server listens');
    assert.equal((await get(address, '/nothing')).status, 404);
    assert.equal((await get(address, '/metrics', 'POST')).status, 405);
    assert.equal((await get(address, '/metrics', 'HEAD')).status, 200);
  });

  test('without web_listen_address nothing listens', async (t) => {
    const { namespace, start } = await makeCloud(t, database(), []);
    await start();
    assert.equal(command('ip', 'netns', 'exec', namespace, 'ss', '-Hltn').trim(), '');
  });

  test('an address that cannot be had costs only the web server', async (t) => {
    const { start } = await makeCloud(t, database(), ['web_listen_address = 192.0.2.1:80']);
    const agent = await start();
    const { code, error } = await agent.line('web server failed, the agent works without it');
    assert.equal(code, 'WEB_SERVER_FAILED');
    assert.match(String(error), /EADDRNOTAVAIL/);
    agent.signal('SIGTERM');
    assert.equal(await agent.ended(), 0);
  });

  test('an address that the host has only later is listened on then', async (t) => {
    const { namespace, start, get } = await makeCloud(t, database(), ['web_listen_address = 192.0.2.1:9754']);
    const agent = await start();
    await agent.line('web server failed, the agent works without it');
    ip(namespace, 'address', 'add', '192.0.2.1/32', 'dev', 'lo');
    const { address } = await agent.line('web server listens');
    assert.deepEqual(await get(address, '/-/healthy'), { status: 200, text: 'ok' });
    assert.equal(agent.saying('web server failed, the agent works without it').length, 1);
  });

  test('2,000 requests for the page in one go cost the agent no more than one', async (t) => {
    const { namespace, start, get } = await makeCloud(t, database());
    makeTaps(
      namespace,
      Array.from({ length: 200 }, (_, number) => `tap${number}`),
    );
    const agent = await start();
    const { address } = await agent.line('web server listens');
    const greedy = await connectTo(t, address);
    greedy.pause().write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2_000));

    for (let count = 0; count < 5; count++) {
      assert.deepEqual(await get(address, '/-/healthy'), { status: 200, text: 'ok' });
    }
    const peakKibibytes = Number(
      /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1],
    );
    assert.ok(peakKibibytes < 160 * 1024, `${peakKibibytes} KiB at the most`);
  });

  test('silent connections, however many, keep no probe away', async (t) => {
    const { start, get } = await makeCloud(t, database());
    const { address } = await (await start()).line('web server listens');
    for (let count = 0; count < 70; count++) await connectTo(t, address);
    assert.deepEqual(await get(address, '/-/healthy'), { status: 200, text: 'ok' });
  });

  test('clients that stay after their answer, however many, keep no probe away', async (t) => {
    const { start, get } = await makeCloud(t, database());
    const { address } = await (await start()).line('web server listens');
    for (let count = 0; count < 70; count++) {
      const client = await connectTo(t, address);
      client.write('GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n');
    }
    assert.deepEqual(await get(address, '/-/healthy'), { status: 200, text: 'ok' });
  });

  test('a request under a foreign name is refused: its page would read what the agent says', async (t) => {
    const own = ['web_listen_address = 127.0.0.1:0', 'web_host_names = compute1.example.org'];
    const { start } = await makeCloud(t, database(), own);
    const { address } = await (await start()).line('web server listens');
    const [, port] = String(address).split(':');
    const statusFor = async (name: string): Promise<number | undefined> => {
      const asked = request(`http://${address}/-/healthy`, { headers: { host: name } }).end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    for (const name of ['localhost', `127.0.0.1:${port}`, '[::1]:1', 'host1', 'Compute1.example.org'])
      assert.equal(await statusFor(name), 200, name);
    for (const name of ['evil.example.com', `evil.example.com:${port}`, 'localhost.evil.example.com'])
      assert.equal(await statusFor(name), 421, name);
  });

  test('SIGTERM ends the agent at once while a client holds a connection open', async (t) => {
    const { start } = await makeCloud(t, database());
    const agent = await start();
    const { address } = await agent.line('web server listens');
    await connectTo(t, address);
    agent.signal('SIGTERM');
    assert.equal(await agent.ended(5_000), 0);
  });
});
