import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '../support/databases/servers.js';
import { addUnservedTables } from '../support/databases/tables.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  onUsualEngine,
  portId,
  type TestDatabase,
  tapOf,
  waitForMaster,
  waitForStatus,
} from '../support/host/host.js';
import { enterNamespace, ip, ipLink } from '../support/host/netns.js';

const [LOCAL, FLAT] = [networkId(1), networkId(2)];
const HERE = { host: 'host1' };

/** A local network with an MTU, and a flat one that also has a segment which no host here can make. */
async function fill({ server, rows }: TestDatabase): Promise<void> {
  await rows.network({ id: LOCAL, type: 'local' });
  await server.query(`update networks set mtu = 1400`, 'quantum');
  await rows.network({ id: FLAT, type: 'vxlan', vlanId: 77 });
  await rows.segment('flat-segment', { id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
}

onUsualEngine('MariaDB', 'ml2-zed', (database) => {
  test('once wires local and flat ports by the segment that their binding names, and sets the MTU', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await fill(database());
    for (const [port, network, segment] of [
      [portId(1), LOCAL, LOCAL],
      [portId(2), FLAT, 'flat-segment'],
    ] as const) {
      await rows.port({ id: port, network });
      await rows.binding({ port, ...HERE, segment });
    }
    makeTapsOf(namespace, portId(1), portId(2));
    const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1' });

    const once = await runCli(namespace, ['--config-file', config.path, '--json', 'once']);

    assert.equal(once.code, 0, once.stderr);
    assert.equal(JSON.parse(once.stdout).generation, 'ml2');
    assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(LOCAL));
    assert.equal(masterOf(namespace, tapOf(portId(2))), bridgeOf(FLAT));
    assert.equal(masterOf(namespace, 'eth1'), bridgeOf(FLAT));
    assert.equal(ipLink(namespace, tapOf(portId(1)))?.mtu, 1400);
    for (const port of [portId(1), portId(2)]) assert.equal(await rows.statusOf(port), 'ACTIVE');
  });

  test('ACTIVE that was written while a server moved the port to another host is taken back by the next poll', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await fill(database());
    await rows.port({ id: portId(1), network: LOCAL });
    await rows.binding({ port: portId(1), ...HERE, segment: LOCAL });
    makeTapsOf(namespace, portId(1));
    await startAgent(t, namespace, makeConfig({ url: socketUrl(server) }));
    await waitForStatus(rows, portId(1), 'ACTIVE');

    // As ML2 commits it: its own copy of the row said DOWN, and nothing is written over the status.
    await server.query("update ml2_port_bindings set host = 'host2'", 'quantum');

    await waitForStatus(rows, portId(1), 'DOWN');
    assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(LOCAL), 'the tap is left alone');
  });

  test('a port that Nova was told is filtered is wired, and once and explain say that nothing filters it', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await fill(database());
    await rows.port({ id: portId(1), network: LOCAL });
    const vifDetails = '{"port_filter": true}';
    await rows.binding({ port: portId(1), ...HERE, segment: LOCAL, vifDetails });
    makeTapsOf(namespace, portId(1));
    const config = makeConfig({ url: socketUrl(server) });
    const cli = (...args: string[]) =>
      runCli(namespace, ['--config-file', config.path, '--json', ...args]).then(({ stdout }) =>
        JSON.parse(stdout),
      );

    const { warnings } = await cli('once');

    assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(LOCAL));
    const codes = warnings.map(({ code }: { code: string }) => code);
    assert.deepEqual(codes, ['FIREWALL_NOT_ENFORCED']);
    const { wired, notes } = await cli('explain', portId(1));
    assert.deepEqual([wired, notes[0]?.code], [true, 'FIREWALL_NOT_ENFORCED']);
  });

  test('what ports ask for and do not get is told once: by the log, status, metrics, plan and explain', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await fill(database());
    await addUnservedTables(server, 'quantum');
    for (const port of [portId(1), portId(2)]) await rows.port({ id: port, network: LOCAL, ...HERE });
    await server.query(`insert into qos_port_policy_bindings values ('q', '${portId(1)}')`, 'quantum');
    makeTapsOf(namespace, portId(1), portId(2));
    const config = makeConfig({ url: socketUrl(server), agent: ['web_listen_address = 127.0.0.1:0'] });
    const cli = (...args: string[]) =>
      runCli(namespace, ['--config-file', config.path, '--json', ...args]).then(({ stdout }) =>
        JSON.parse(stdout),
      );
    const agent = await startAgent(t, namespace, config);
    await waitForStatus(rows, portId(1), 'ACTIVE');

    assert.match(String((await agent.warning('QOS_NOT_SERVED')).detail), /^1 port of this host/);
    assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(LOCAL));
    const codes = async (command: string): Promise<readonly string[]> =>
      (await cli(command)).warnings.map(({ code }: { code: string }) => code);
    assert.deepEqual([await codes('status'), await codes('plan')], [['QOS_NOT_SERVED'], ['QOS_NOT_SERVED']]);
    const { notes } = await cli('explain', portId(1));
    assert.equal(notes[0]?.code, 'QOS_NOT_SERVED');
    const { address } = await agent.line('web server listens');
    enterNamespace(t, namespace);
    const metrics = await (await fetch(`http://${address}/metrics`)).text();
    assert.match(metrics, /^quantum_linuxbridge_warnings\{code="QOS_NOT_SERVED"\} 1$/m);
    assert.equal(agent.saying('warning').length, 1);
  });

  test('a port of another driver, and one whose binding failed, are left alone and reported', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await fill(database());
    for (const [port, vifType] of [
      [portId(1), 'ovs'],
      [portId(2), 'binding_failed'],
    ] as const) {
      await rows.port({ id: port, network: LOCAL });
      await rows.binding({ port, ...HERE, vifType, segment: LOCAL });
    }
    makeTapsOf(namespace, portId(1), portId(2));
    const config = makeConfig({ url: socketUrl(server) });
    const once = await runCli(namespace, ['--config-file', config.path, '--json', 'once']);
    assert.equal(once.code, 0, once.stderr);
    const { warnings } = JSON.parse(once.stdout) as { warnings: { port?: string }[] };
    assert.deepEqual(warnings.map(({ port }) => port).sort(), [portId(1), portId(2)]);
    for (const port of [portId(1), portId(2)]) assert.equal(masterOf(namespace, tapOf(port)), null);
  });

  test('a live migration: the tap that arrives is wired without a status, and becomes ACTIVE when the binding does', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await fill(database());
    await rows.port({ id: portId(1), network: LOCAL, host: 'host2', status: 'BUILD' });
    await rows.binding({ port: portId(1), ...HERE, status: 'INACTIVE', segment: LOCAL });
    await startAgent(t, namespace, makeConfig({ url: socketUrl(server) }));
    makeTapsOf(namespace, portId(1));
    await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(LOCAL));
    assert.equal(await rows.statusOf(portId(1)), 'BUILD');
    await server.query(
      `delete from ml2_port_bindings where host = 'host2'; update ml2_port_bindings set status = 'ACTIVE'`,
      'quantum',
    );
    await waitForStatus(rows, portId(1), 'ACTIVE');
    assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(LOCAL));
  });

  test('a tap that goes away is written DOWN, and its bridge goes with the network', async (t) => {
    const { server, rows } = database();
    const { namespace } = makeHost(t);
    await fill(database());
    for (const port of [portId(1), portId(3)]) await rows.port({ id: port, network: LOCAL, ...HERE });
    await startAgent(t, namespace, makeConfig({ url: socketUrl(server) }));
    makeTapsOf(namespace, portId(1));
    await waitForStatus(rows, portId(1), 'ACTIVE');
    ip(namespace, 'link', 'del', tapOf(portId(1)));
    await waitForStatus(rows, portId(1), 'DOWN');
    await server.query(
      `delete from networks where id = '${LOCAL}'; delete from networksegments where network_id = '${LOCAL}'`,
      'quantum',
    );
    await waitUntil(() => ipLink(namespace, bridgeOf(LOCAL)) === undefined, 'the bridge is gone');
  });
});
