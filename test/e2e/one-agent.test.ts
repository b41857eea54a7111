import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { secondNode } from '../runner/second-node.js';
import { startPostgres } from '../support/databases/postgres.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
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
} from '../support/host/host.js';
import { startSquatter } from '../support/host/squatter.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ORDINARY_USER = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
/** The unit's user: may change links, and nothing else. */
const AGENT_USER = [
  ...ORDINARY_USER,
  '--inh-caps=-all,+net_admin',
  '--ambient-caps=-all,+net_admin',
  '--bounding-set=-all,+net_admin',
];

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

    test('an agent under another version of Node is seen, and it is said which process that is', async (t) => {
      const second = await secondNode(PROJECT);
      assert.ok(second.ok, 'a second Node can be had');
      const { namespace } = makeHost(t);
      const config = makeConfig({ url: socketUrl(database().server) });
      const agent = await startAgent(t, namespace, config);

      const other = await runCli(namespace, ['--config-file', config.path, 'once'], { node: second.program });

      assert.equal(other.code, 69, other.stderr);
      assert.match(other.stderr, new RegExp(`process ${agent.pid} \\(\\S*node \\S+cli\\.js\\)`));
    });

    test('root and the user of a unit see each other, whatever their folders', async (t) => {
      const { namespace } = makeHost(t);
      const config = makeConfig({ url: socketUrl(database().server) });
      chmodSync(dirname(config.path), 0o777);
      const agent = await startAgent(t, namespace, config);
      const elsewhere = ['--state-dir', '/tmp/no-such-state', '--run-dir', '/tmp/no-such-run'];
      const args = ['--config-file', config.path, ...elsewhere, 'once'];
      const user = await runCli(namespace, args, { prefix: AGENT_USER });
      assert.equal(user.code, 69, user.stderr);
      agent.signal('SIGKILL');
      await agent.ended();

      await startAgent(t, namespace, config, { prefix: AGENT_USER });
      const root = await runCli(namespace, args);
      assert.equal(root.code, 69, root.stderr);
    });

    test('a local user who takes the name that was the lock once does not keep the agent away', async (t) => {
      const { namespace } = makeHost(t);
      await startSquatter(t, namespace);
      const config = makeConfig({ url: socketUrl(database().server) });
      assert.equal((await runCli(namespace, ['--config-file', config.path, 'once'])).code, 0);
      const agent = await startAgent(t, namespace, config);
      agent.signal('SIGTERM');
      assert.equal(await agent.ended(), 0);
    });

    test('of several that start at one moment at most one works at a time, and one works in the end', async (t) => {
      const { namespace } = makeHost(t);
      const config = makeConfig({ url: socketUrl(database().server) });
      const args = ['--config-file', config.path, 'once'];
      const ran = await Promise.all([1, 2, 3].map(() => runCli(namespace, args)));
      for (const { code, stderr } of ran) assert.ok(code === 0 || code === 69, stderr);
      assert.equal((await runCli(namespace, args)).code, 0, 'nothing is left behind');
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
