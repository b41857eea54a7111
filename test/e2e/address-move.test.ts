import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  waitForMaster,
  withDatabase,
} from '../support/host/host.js';
import { addressesOf, killInMove, localsOf, moveRecords } from '../support/host/kill-in-move.js';
import { type Cleanup, ip } from '../support/host/netns.js';

const [NETWORK, PORT] = [networkId(1), portId(1)];
const BRIDGE = bridgeOf(NETWORK);
const lease = (namespace: string, seconds: number): string =>
  ip(
    namespace,
    ...['address', 'replace', '10.1.0.5/24', 'dev', 'eth1'],
    ...['valid_lft', `${seconds}`, 'preferred_lft', `${seconds}`],
  );

async function makeFlatHost(t: Cleanup, { server, rows }: TestDatabase, agent: readonly string[] = []) {
  const host = makeHost(t);
  await rows.network({ id: NETWORK, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.port({ id: PORT, network: NETWORK });
  makeTapsOf(host.namespace, PORT);
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1', agent });
  const cli = (...args: readonly string[]) => runCli(host.namespace, ['--config-file', config.path, ...args]);
  return { ...host, config, cli };
}

const nothingListens = 'mysql://quantum:secret@127.0.0.1:9/quantum';
describe('an agent that starts after another one was killed in a move of addresses, while no database answers', () => {
  test('run takes the move back at once, says so, and the record is gone', async (t) => {
    const host = makeHost(t);
    const config = makeConfig({ url: nothingListens, mappings: 'physnet1:eth1' });
    killInMove(host.namespace, BRIDGE, config.stateDir);
    const agent = await startAgent(t, host.namespace, config);
    const line = await agent.line('a move of addresses that was cut short has been ended');
    assert.equal(line.how, 'taken-back');
    assert.deepEqual(localsOf(host.namespace, 'eth1'), ['10.1.0.5']);
    assert.deepEqual(localsOf(host.namespace, BRIDGE), []);
    await waitUntil(() => moveRecords(config.stateDir).length === 0, 'the record is gone');
  });

  test('once does the same and ends with 75; plan changes nothing', async (t) => {
    const host = makeHost(t);
    const config = makeConfig({ url: nothingListens, mappings: 'physnet1:eth1' });
    killInMove(host.namespace, BRIDGE, config.stateDir);
    const cli = (command: string) => runCli(host.namespace, ['--config-file', config.path, command]);
    assert.equal((await cli('plan')).code, 75);
    assert.deepEqual(localsOf(host.namespace, BRIDGE), ['10.1.0.5']);
    const once = await cli('once');
    assert.equal(once.code, 75);
    assert.match(once.stderr, /a move of addresses that was cut short has been taken back/);
    assert.deepEqual(localsOf(host.namespace, 'eth1'), ['10.1.0.5']);
    assert.deepEqual(localsOf(host.namespace, BRIDGE), []);
    assert.deepEqual(moveRecords(config.stateDir), []);
  });
});

describe('the addresses of a flat network’s interface', () => {
  withDatabase(startMariadb, 'folsom', (database) => {
    test('a leased one moves with its lifetime, and plan, once and the log say ADDRESS_LEASED', async (t) => {
      const { namespace, config, cli } = await makeFlatHost(t, database());
      lease(namespace, 600);
      assert.match((await cli('plan')).stdout, /ADDRESS_LEASED/);
      assert.match((await cli('once')).stdout, /ADDRESS_LEASED/);
      assert.deepEqual(localsOf(namespace, 'eth1'), []);
      const [moved] = addressesOf(namespace, BRIDGE);
      assert.ok(moved !== undefined && moved.valid_life_time <= 600, JSON.stringify(moved));
      assert.match((await cli('plan')).stdout, /ADDRESS_LEASED/);
      assert.deepEqual(moveRecords(config.stateDir), []);
      const agent = await startAgent(t, namespace, config);
      assert.equal((await agent.warning('ADDRESS_LEASED')).device, 'eth1');
    });

    test('a renewal that appears on the enslaved interface is on the bridge at once, also while the database is down', async (t) => {
      const { namespace, config } = await makeFlatHost(t, database());
      lease(namespace, 600);
      const agent = await startAgent(t, namespace, config);
      await waitForMaster(namespace, 'eth1', BRIDGE);
      await waitForMaster(namespace, tapOf(PORT), BRIDGE);
      const { server } = database();
      server.freeze();
      try {
        await agent.line('database lost, the data plane stays as it is');
        lease(namespace, 7200);
        const renewed = (): boolean =>
          (addressesOf(namespace, BRIDGE)[0]?.valid_life_time ?? 0) > 7000 &&
          localsOf(namespace, 'eth1').length === 0;
        await waitUntil(renewed, 'the renewed lease is on the bridge');
        assert.deepEqual(localsOf(namespace, BRIDGE), ['10.1.0.5']);
      } finally {
        server.thaw();
      }
    });

    test('flat_address_move = refuse: they stay, the port is not wired, and plan says why', async (t) => {
      const { namespace, cli } = await makeFlatHost(t, database(), ['flat_address_move = refuse']);
      ip(namespace, 'address', 'add', '10.1.0.5/24', 'dev', 'eth1');
      const once = await cli('once', '--json');
      assert.equal(once.code, 0, once.stderr);
      const { warnings } = JSON.parse(once.stdout) as { warnings: { code: string; port?: string }[] };
      assert.deepEqual(
        warnings.map(({ code, port }) => [code, port]),
        [['FLAT_ADDRESS_MOVE_REFUSED', PORT]],
      );
      assert.deepEqual(localsOf(namespace, 'eth1'), ['10.1.0.5']);
      assert.equal(masterOf(namespace, tapOf(PORT)), null);
    });
  });
});
