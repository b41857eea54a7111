import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startMariadb } from '../support/databases/mariadb.js';
import { waitUntil } from '../support/databases/servers.js';
import { type ConfigFile, makeConfig, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  type TestDatabase,
  type TestHost,
  tapOf,
  waitForMaster,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, ip, ipJson, ipLink } from '../support/host/netns.js';
import { HANG_LIMIT_MS } from '../support/limit.js';

const [NETWORK, PORT] = [networkId(1), portId(1)];
const BRIDGE = bridgeOf(NETWORK);
const killedMove = join(dirname(dirname(fileURLToPath(import.meta.url))), 'kernel', 'killed-move.ts');

interface Held {
  readonly local: string;
  readonly valid_life_time: number;
}

/** The IPv4 addresses of a device. */
const addressesOf = (namespace: string, device: string): Held[] =>
  ipJson<{ addr_info?: Held[] }>(namespace, '-4', 'address', 'show', 'dev', device).flatMap(
    ({ addr_info = [] }) => addr_info,
  );
const localsOf = (namespace: string, device: string): string[] =>
  addressesOf(namespace, device).map(({ local }) => local);

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

/** An agent that was killed between the two exchanges of a move: both links carry the address, the record is there. */
function killInMove({ namespace }: TestHost, { stateDir }: ConfigFile): void {
  ip(namespace, 'address', 'add', '10.1.0.5/24', 'dev', 'eth1');
  ip(namespace, 'link', 'add', BRIDGE, 'up', 'type', 'bridge');
  const refOf = (name: string) => ({ name, index: ipLink(namespace, name)?.ifindex });
  const operation = {
    op: 'move-addresses',
    ...{ device: 'eth1', reason: 'a test asks for it', network: null, scope: 'network' },
    ...{ from: refOf('eth1'), to: refOf(BRIDGE), membership: 'join', addresses: [], routes: [] },
  };
  const program = [process.execPath, '--import', 'tsx', killedMove];
  const words = [stateDir, 'given', JSON.stringify(operation)];
  const killed = spawnSync('ip', ['netns', 'exec', namespace, ...program, ...words], {
    timeout: HANG_LIMIT_MS,
  });
  assert.equal(killed.signal, 'SIGKILL', String(killed.stderr));
  assert.deepEqual(localsOf(namespace, BRIDGE), ['10.1.0.5']);
}

const nothingListens = 'mysql://quantum:secret@127.0.0.1:9/quantum';
const records = ({ stateDir }: ConfigFile): string[] =>
  existsSync(stateDir) ? readdirSync(stateDir).filter((file) => file.startsWith('address-move')) : [];

describe('an agent that starts after another one was killed in a move of addresses, while no database answers', () => {
  test('run takes the move back at once, says so, and the record is gone', async (t) => {
    const host = makeHost(t);
    const config = makeConfig({ url: nothingListens, mappings: 'physnet1:eth1' });
    killInMove(host, config);
    assert.equal(records(config).length, 1);
    const agent = await startAgent(t, host.namespace, config);
    const line = await agent.line('a move of addresses that was cut short has been ended');
    assert.equal(line.how, 'taken-back');
    assert.deepEqual(localsOf(host.namespace, 'eth1'), ['10.1.0.5']);
    assert.deepEqual(localsOf(host.namespace, BRIDGE), []);
    assert.deepEqual(records(config), []);
  });

  test('once does the same and ends with 75; plan changes nothing', async (t) => {
    const host = makeHost(t);
    const config = makeConfig({ url: nothingListens, mappings: 'physnet1:eth1' });
    killInMove(host, config);
    const cli = (command: string) => runCli(host.namespace, ['--config-file', config.path, command]);
    assert.equal((await cli('plan')).code, 75);
    assert.deepEqual(localsOf(host.namespace, BRIDGE), ['10.1.0.5']);
    const once = await cli('once');
    assert.equal(once.code, 75);
    assert.match(once.stderr, /a move of addresses that was cut short has been taken back/);
    assert.deepEqual(localsOf(host.namespace, 'eth1'), ['10.1.0.5']);
    assert.deepEqual(localsOf(host.namespace, BRIDGE), []);
    assert.deepEqual(records(config), []);
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
      assert.deepEqual(records(config), []);
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
