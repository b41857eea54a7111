import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  tapOf,
  waitForMaster,
  waitForStatus,
  withDatabase,
} from '../support/host.js';
import { startPostgres } from '../support/postgres.js';

describe('one agent for each network namespace', () => {
  withDatabase(startPostgres, 'folsom', (database) => {
    for (const command of ['run', 'once']) {
      test(`${command} exits 69 and says why where an agent runs; the first one is not disturbed`, async (t) => {
        const { server, rows } = database();
        const { namespace } = makeHost(t);
        await rows.network({ id: networkId(1), type: 'local' });
        await rows.port({ id: portId(1), network: networkId(1) });
        const config = makeConfig({ url: socketUrl(server) });
        const agent = await startAgent(t, namespace, config);

        const second = await runCli(namespace, ['--config-file', config.path, command]);

        assert.deepEqual({ code: second.code, stdout: second.stdout }, { code: 69, stdout: '' });
        assert.match(second.stderr, /another agent serves this host/);
        makeTapsOf(namespace, portId(1));
        await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(networkId(1)));
        const accept = await runCli(namespace, ['--config-file', config.path, 'accept']);
        assert.equal(accept.code, 0, 'its control socket still answers');
        agent.signal('SIGTERM');
        assert.equal(await agent.ended(), 0);
      });
    }

    test('the agents of two namespaces share a machine, a run_dir and a database, each with its own taps', async (t) => {
      const { server, rows } = database();
      const [one, two] = [makeHost(t), makeHost(t)];
      await rows.network({ id: networkId(1), type: 'local' });
      await rows.port({ id: portId(1), network: networkId(1) });
      await rows.port({ id: portId(2), network: networkId(1) });
      makeTapsOf(one.namespace, portId(1));
      makeTapsOf(two.namespace, portId(2));
      const config = makeConfig({ url: socketUrl(server) });
      const agents = [await startAgent(t, one.namespace, config), await startAgent(t, two.namespace, config)];
      for (const port of [portId(1), portId(2)]) await waitForStatus(rows, port, 'ACTIVE');
      for (const { namespace } of [one, two]) {
        assert.equal((await runCli(namespace, ['--config-file', config.path, 'accept'])).code, 0);
      }
      for (const agent of agents) {
        agent.signal('SIGTERM');
        assert.equal(await agent.ended(), 0);
      }
    });

    test('plan works beside a running agent', async (t) => {
      const { namespace } = makeHost(t);
      const config = makeConfig({ url: socketUrl(database().server) });
      await startAgent(t, namespace, config);
      const { code } = await runCli(namespace, ['--config-file', config.path, 'plan']);
      assert.equal(code, 0);
    });

    test('accept exits 69 where no agent runs', async (t) => {
      const { namespace } = makeHost(t);
      const config = makeConfig({ url: socketUrl(database().server) });
      const { code, stderr } = await runCli(namespace, ['--config-file', config.path, 'accept']);
      assert.equal(code, 69);
      assert.match(stderr, /NO_AGENT: no agent runs here/);
    });
  });
});
