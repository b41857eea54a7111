import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  waitForStatus,
} from '../support/host/host.js';
import { ip } from '../support/host/netns.js';

const NETWORK = networkId(1);
const BRIDGE = bridgeOf(NETWORK);
const COMPUTE = 'compute:nova';

onUsualEngine('PostgreSQL', 'grizzly', (database) => {
  test('once wires what is bound here or nowhere, and leaves alone what is bound elsewhere', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: NETWORK, type: 'local' });
    await rows.port({ id: portId(1), network: NETWORK, host: 'host1' });
    await rows.port({ id: portId(2), network: NETWORK });
    await rows.port({ id: portId(3), network: NETWORK, host: 'host2', status: 'ACTIVE' });
    makeTapsOf(namespace, portId(1), portId(2), portId(3));
    const config = makeConfig({ url: socketUrl(server) });

    const once = await runCli(namespace, ['--config-file', config.path, '--json', 'once']);

    assert.equal(once.code, 0, once.stderr);
    assert.equal(masterOf(namespace, tapOf(portId(1))), BRIDGE);
    assert.equal(masterOf(namespace, tapOf(portId(2))), BRIDGE);
    assert.equal(masterOf(namespace, tapOf(portId(3))), null);
    assert.equal(await rows.statusOf(portId(3)), 'ACTIVE');
    const { warnings } = JSON.parse(once.stdout) as { warnings: { code: string; port?: string }[] };
    assert.deepEqual(
      warnings.filter(({ code }) => code === 'PORT_BOUND_ELSEWHERE').map(({ port }) => port),
      [portId(3)],
    );
  });

  test('once gives libvirt its time, then wires the tap of an instance itself', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: NETWORK, type: 'local' });
    await rows.port({ id: portId(1), network: NETWORK, host: 'host1', deviceOwner: COMPUTE });
    makeTapsOf(namespace, portId(1));
    const config = makeConfig({ url: socketUrl(server), agent: ['plug_grace = 1'] });

    const started = performance.now();
    const once = await runCli(namespace, ['--config-file', config.path, 'once']);

    assert.equal(once.code, 0, once.stderr);
    assert.ok(performance.now() - started >= 1000, 'it waited');
    assert.equal(masterOf(namespace, tapOf(portId(1))), BRIDGE);
    assert.equal(await rows.statusOf(portId(1)), 'ACTIVE');
  });

  test('the running agent makes the bridge at once and leaves the tap to libvirt, which plugs it', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: NETWORK, type: 'local' });
    await rows.port({ id: portId(1), network: NETWORK, host: 'host1', deviceOwner: COMPUTE });
    const config = makeConfig({ url: socketUrl(server), agent: ['plug_grace = 60'] });
    await startAgent(t, namespace, config);
    makeTapsOf(namespace, portId(1));
    await waitForMaster(namespace, BRIDGE, null);
    assert.equal(masterOf(namespace, tapOf(portId(1))), null);

    ip(namespace, 'link', 'set', tapOf(portId(1)), 'master', BRIDGE, 'up');

    await waitForStatus(rows, portId(1), 'ACTIVE');
    assert.equal(masterOf(namespace, tapOf(portId(1))), BRIDGE);
  });

  test('the running agent plugs the tap of an instance when libvirt has not', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: NETWORK, type: 'local' });
    await rows.port({ id: portId(1), network: NETWORK, host: 'host1', deviceOwner: COMPUTE });
    const config = makeConfig({ url: socketUrl(server), agent: ['polling_interval = 60'] });
    const agent = await startAgent(t, namespace, config);
    makeTapsOf(namespace, portId(1));
    await waitForMaster(namespace, BRIDGE, null);
    await agent.line('host changed');
    const before = agent.lines().length;

    await waitForMaster(namespace, tapOf(portId(1)), BRIDGE);
    assert.equal((await agent.line('host changed', before)).trigger, 'kernel');
  });

  test('a port that is bound to another host while its tap is here stays wired, and its status is left alone', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: NETWORK, type: 'local' });
    await rows.port({ id: portId(1), network: NETWORK, host: 'host1' });
    makeTapsOf(namespace, portId(1));
    const config = makeConfig({ url: socketUrl(server) });
    const agent = await startAgent(t, namespace, config);
    await waitForStatus(rows, portId(1), 'ACTIVE');

    await server.query(
      `update portbindingports set host = 'host2'; update ports set status = 'BUILD'`,
      'quantum',
    );

    assert.equal((await agent.warning('PORT_BOUND_ELSEWHERE')).port, portId(1));
    assert.equal(masterOf(namespace, tapOf(portId(1))), BRIDGE);
    assert.equal(await rows.statusOf(portId(1)), 'BUILD');
  });

  test('a port bound here whose tap goes away is written DOWN', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await rows.network({ id: NETWORK, type: 'local' });
    await rows.port({ id: portId(1), network: NETWORK, host: 'host1' });
    makeTapsOf(namespace, portId(1));
    await startAgent(t, namespace, makeConfig({ url: socketUrl(server) }));
    await waitForStatus(rows, portId(1), 'ACTIVE');

    ip(namespace, 'link', 'del', tapOf(portId(1)));

    await waitForStatus(rows, portId(1), 'DOWN');
  });
});
