import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  tapOf,
  waitForMaster,
  withDatabase,
} from '../support/host/host.js';
import { LISTED_NAME, makeDeadNameServer, UNKNOWN_NAME } from '../support/host/name-server.js';
import { type Cleanup, ip } from '../support/host/netns.js';

const LOST = 'database lost, the data plane stays as it is';
const END_LIMIT_MS = 5_000;
const ABSENT = 'mysql://quantum:secret@localhost/quantum?unix_socket=/nonexistent/socket';
/** Behind a link to nobody: what is sent there is dropped. */
const SILENT = 'mysql://quantum:secret@10.9.0.53:3306,10.9.0.53:3307,10.9.0.53:3308/quantum';
const NAMED = `mysql://quantum:secret@${UNKNOWN_NAME}:3306,${LISTED_NAME}:1/quantum`;
/** Without limits of the agent's own that would end the wait soon. */
const PATIENT = ['connect_timeout = 60', 'reconnect_interval = 120'];

function makeSilentHost(t: Cleanup): string {
  const { namespace } = makeHost(t);
  ip(namespace, 'address', 'add', '10.9.0.2/24', 'dev', 'eth1');
  ip(namespace, 'link', 'set', 'lo', 'up');
  makeDeadNameServer(t, namespace, 'eth1', '127.0.0.1');
  return namespace;
}

test('SIGTERM ends an agent within 5 s whose three servers do not take its connection', async (t) => {
  const namespace = makeSilentHost(t);
  const agent = await startAgent(t, namespace, makeConfig({ url: SILENT, database: PATIENT }));
  agent.signal('SIGTERM');
  assert.equal(await agent.ended(END_LIMIT_MS), 0);
});

test('SIGTERM ends an agent within 5 s whose name server is dead', async (t) => {
  const namespace = makeSilentHost(t);
  const agent = await startAgent(t, namespace, makeConfig({ url: NAMED }));
  const { error } = await agent.line(LOST);
  assert.match(String(error), /"dead\.example" was not resolved within 1000 ms/);
  agent.signal('SIGTERM');
  assert.equal(await agent.ended(END_LIMIT_MS), 0);
});

test('once --timeout ends in time when the name server is dead', async (t) => {
  const namespace = makeSilentHost(t);
  const { path } = makeConfig({ url: NAMED, database: PATIENT });
  const beganMs = performance.now();
  const { code, stderr } = await runCli(namespace, ['--config-file', path, 'once', '--timeout', '3']);
  const tookMs = performance.now() - beganMs;
  assert.equal(code, 75, stderr);
  assert.ok(tookMs < 3_000 + END_LIMIT_MS, `${tookMs} ms`);
});

test('two dead names do not keep once from the third server, which the hosts file knows', async (t) => {
  const namespace = makeSilentHost(t);
  const { path } = makeConfig({ url: NAMED.replace(UNKNOWN_NAME, `other.example:1,${UNKNOWN_NAME}`) });
  const { code, stderr } = await runCli(namespace, ['--config-file', path, 'once']);
  assert.equal(code, 75);
  assert.match(stderr, /"dead\.example" was not resolved.* at db\.example:1.*ECONNREFUSED/);
});

describe('a reload acts at once', () => {
  withDatabase(startMariadb, 'folsom', (database) => {
    for (const [when, url] of [
      ['while a failed poll waits for reconnect_interval', ABSENT],
      ['while a connection is being made', SILENT],
    ] as const) {
      test(when, async (t) => {
        const { server, rows } = database();
        const namespace = makeSilentHost(t);
        await rows.network({ id: networkId(1), type: 'local' });
        await rows.port({ id: portId(1), network: networkId(1) });
        makeTapsOf(namespace, portId(1));
        const config = makeConfig({ url, database: PATIENT });
        const agent = await startAgent(t, namespace, config);
        if (url === ABSENT) await agent.line(LOST);
        config.write({ url: socketUrl(server), database: PATIENT });
        agent.signal('SIGHUP');
        await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(networkId(1)));
      });
    }
  });
});
