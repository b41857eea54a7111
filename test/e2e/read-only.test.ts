import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statementsDuring } from '../support/databases/probe.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  onUsualEngine,
  portId,
  tapOf,
  waitForMaster,
} from '../support/host/host.js';
import { ip } from '../support/host/netns.js';

const NETWORK = networkId(1);
const WRITES = /\b(insert|update|delete|replace|create|alter|drop|truncate|grant|lock)\b/i;

onUsualEngine('MariaDB', 'ml2-zed', (database) => {
  test('read_only: the agent and once do their whole work on the host, and the server’s own log shows not one write', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: NETWORK, type: 'local' });
    for (const n of [1, 2]) await rows.port({ id: portId(n), network: NETWORK, host: 'host1' });
    makeTapsOf(namespace, portId(1));
    const config = makeConfig({ url: socketUrl(server), database: ['read_only = true'] });
    const statements = await statementsDuring(server, async () => {
      const once = await runCli(namespace, ['--config-file', config.path, 'once']);
      assert.equal(once.code, 0, once.stderr);
      assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(NETWORK));
      const agent = await startAgent(t, namespace, config);
      makeTapsOf(namespace, portId(2));
      await waitForMaster(namespace, tapOf(portId(2)), bridgeOf(NETWORK));
      ip(namespace, 'link', 'del', tapOf(portId(1)));
      agent.signal('SIGHUP');
      await agent.line('settings read again');
      agent.signal('SIGTERM');
      assert.equal(await agent.ended(), 0);
    });
    assert.ok(statements.filter((text) => /select/i.test(text)).length > 10, 'the witness sees statements');
    assert.deepEqual(
      statements.filter((text) => WRITES.test(text)),
      [],
    );
    for (const n of [1, 2]) assert.equal(await rows.statusOf(portId(n)), 'DOWN');
    assert.deepEqual(await server.query('select id from agents', 'quantum'), []);
  });

  test('the witness would have seen a write: without read_only it sees those of the status and of the heartbeat', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: NETWORK, type: 'local' });
    await rows.port({ id: portId(1), network: NETWORK, host: 'host1' });
    makeTapsOf(namespace, portId(1));
    const config = makeConfig({ url: socketUrl(server) });
    const statements = await statementsDuring(server, () =>
      runCli(namespace, ['--config-file', config.path, 'once']),
    );
    const written = statements.filter((text) => WRITES.test(text));
    for (const table of ['ports', 'agents'])
      assert.ok(
        written.some((text) => text.includes(`\`${table}\``)),
        `${table} in ${written.join('; ')}`,
      );
  });
});
