import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { makeConfig, type Ran, runCli, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, ip } from '../support/host/netns.js';

const [FLAT, UNMAPPED, EMPTY] = [networkId(1), networkId(2), networkId(3)];

/** Port 1 is wired on a flat network, port 2 sits on an unmapped one, port 3 is admin down, port 4 has no tap. */
async function makeCloud(t: Cleanup, { server, rows }: TestDatabase) {
  const { namespace } = makeHost(t);
  await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.network({ id: UNMAPPED, type: 'flat', physicalNetwork: 'elsewhere' });
  await rows.network({ id: EMPTY });
  await rows.port({ id: portId(1), network: FLAT });
  await rows.port({ id: portId(2), network: UNMAPPED });
  await rows.port({ id: portId(3), network: FLAT, adminUp: false });
  await rows.port({ id: portId(4), network: EMPTY });
  makeTapsOf(namespace, portId(1), portId(2), portId(3), portId(9));
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1' });
  const cli = (...args: readonly string[]): Promise<Ran> =>
    runCli(namespace, ['--config-file', config.path, ...args]);
  const explained = async (what: string): Promise<Ran & { readonly json: Explained }> => {
    const ran = await cli('--json', 'explain', what);
    return { ...ran, json: JSON.parse(ran.stdout) };
  };
  const start = async (): Promise<void> => {
    await startAgent(t, namespace, config);
    await waitForStatus(rows, portId(1), 'ACTIVE');
  };
  return { namespace, config, cli, explained, start };
}

interface Explained {
  readonly kind: string;
  readonly wired: boolean;
  readonly broken: string | null;
  readonly chain: readonly { readonly name: string; readonly holds: boolean; readonly text: string }[];
  readonly lastOperation: {
    readonly op: string;
    readonly device: string;
    readonly error: string | null;
  } | null;
}

withDatabase(startPostgres, 'folsom', (database) => {
  test('a wired port is explained link by link, with the last operation on it, and exit 0', async (t) => {
    const { explained, start } = await makeCloud(t, database());
    await start();
    const { code, json } = await explained(portId(1));
    assert.equal(code, 0);
    assert.deepEqual(
      json.chain.map(({ name }) => name),
      ['row', 'admin state', 'host', 'binding', 'mapping', 'interface', 'bridge', 'tap'],
    );
    assert.equal(json.broken, null);
    assert.equal(json.lastOperation?.device, tapOf(portId(1)));
    assert.equal(json.lastOperation?.error, null);
  });

  test('a port, its tap, and the beginnings of both explain the same', async (t) => {
    const { explained, start } = await makeCloud(t, database());
    await start();
    const whole = (await explained(portId(1))).json.chain;
    for (const what of [tapOf(portId(1)), tapOf(portId(1)).slice(0, 6), portId(1).slice(0, 8)]) {
      assert.deepEqual((await explained(what)).json.chain, whole, what);
    }
  });

  test('the first broken link of an unmapped network is the mapping, with its remedy, and exit 1', async (t) => {
    const { cli, explained, start } = await makeCloud(t, database());
    await start();
    const { code, json } = await explained(portId(2));
    assert.equal(code, 1);
    assert.equal(json.broken, 'mapping');

    const { stdout } = await cli('explain', portId(2));
    assert.match(stdout, /^=> {2}mapping /m);
    assert.match(stdout, /PHYSICAL_NETWORK_UNMAPPED: Add it to/);
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.length > 80),
      [],
    );
  });

  test('a port that is admin down, one without a tap and a tap without a row each show their broken link', async (t) => {
    const { explained, start } = await makeCloud(t, database());
    await start();
    assert.equal((await explained(portId(3))).json.broken, 'admin state');
    assert.equal((await explained(portId(4))).json.broken, 'binding');
    assert.ok((await explained(portId(4))).json.chain.some(({ name, holds }) => name === 'tap' && !holds));
    assert.equal((await explained(tapOf(portId(9)))).json.broken, 'row');
  });

  test('a network is explained by its id and by its bridge', async (t) => {
    const { explained, start } = await makeCloud(t, database());
    await start();
    for (const what of [FLAT, bridgeOf(FLAT), FLAT.slice(0, 5)]) {
      const { code, json } = await explained(what);
      assert.equal(code, 0, what);
      assert.equal(json.kind, 'network');
    }
    assert.equal((await explained(UNMAPPED)).json.broken, 'mapping');
  });

  test('what was undone behind the agent’s back is the broken link, also when no agent runs', async (t) => {
    const { namespace, cli, explained } = await makeCloud(t, database());
    await cli('once');
    assert.equal((await explained(portId(1))).code, 0);
    ip(namespace, 'link', 'set', tapOf(portId(1)), 'nomaster');
    const { code, json } = await explained(portId(1));
    assert.deepEqual([code, json.broken, json.lastOperation], [1, 'tap', null]);
  });

  test('a tap that stays although its mapping was taken away is where it should be', async (t) => {
    const { namespace, config, cli, explained } = await makeCloud(t, database());
    ip(namespace, 'link', 'add', 'br-ex', 'type', 'bridge');
    ip(namespace, 'link', 'set', 'br-ex', 'up');
    const { server } = database();
    const agent = ['bridge_mappings = physnet1:br-ex'];
    config.write({ url: socketUrl(server), agent });
    await cli('once');
    assert.equal((await explained(portId(1))).code, 0);
    config.write({ url: socketUrl(server) });
    const { json } = await explained(portId(1));
    assert.equal(json.broken, 'mapping');
    assert.ok(json.chain.some(({ name, holds }) => name === 'tap' && holds));
  });

  test('what names nothing, and what may name several things, exits 1 and says so', async (t) => {
    const { cli } = await makeCloud(t, database());
    const nothing = await cli('explain', 'tapffffffff-00');
    assert.equal(nothing.code, 1);
    assert.match(nothing.stderr, /no port, tap, network or bridge is called tapffffffff-00/);
    const several = await cli('explain', 'tap');
    assert.equal(several.code, 1);
    assert.match(several.stderr, new RegExp(`port ${portId(1)}`));
  });

  test('without a database explain exits 75', async (t) => {
    const { cli } = await makeCloud(t, database());
    const { code, stderr } = await cli(
      '--sql-connection',
      'postgresql://nobody@127.0.0.1:1/x',
      'explain',
      portId(1),
    );
    assert.equal(code, 75);
    assert.match(stderr, /DATABASE_UNREACHABLE/);
  });
});
