import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  linkNames,
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
import { type Cleanup, ip, ipLink } from '../support/host/netns.js';
import { startQuietWitness } from '../support/host/witness.js';

const [LOCAL, FLAT] = [networkId(1), networkId(2)];
/** So long that only an event, never the timer, can explain what happens within a test. */
const NEVER = 'polling_interval = 3600';

/** A local and a flat network with ports 1 and 2 on the local one, port 3 on the flat one; no tap yet. */
async function makeCloud(t: Cleanup, { server, rows }: TestDatabase, agent: readonly string[] = []) {
  const { namespace } = makeHost(t);
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.port({ id: portId(1), network: LOCAL });
  await rows.port({ id: portId(2), network: LOCAL });
  await rows.port({ id: portId(3), network: FLAT });
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1', agent });
  const sql = (statement: string) => server.query(statement, 'quantum');
  return { namespace, rows, sql, start: () => startAgent(t, namespace, config) };
}

onUsualEngine('MariaDB', 'folsom', (database) => {
  test('a new tap of a port that the agent has never seen is asked for and wired at once', async (t) => {
    const { namespace, rows, start } = await makeCloud(t, database(), [NEVER]);
    const agent = await start();
    makeTapsOf(namespace, portId(1));
    await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(LOCAL));
    await waitForStatus(rows, portId(1), 'ACTIVE');
    assert.ok(ipLink(namespace, tapOf(portId(1)))?.flags.includes('UP'));
    assert.equal(agent.saying('host changed').length, 1);
  });

  test('a known port’s tap that is deleted and made again is wired from memory', async (t) => {
    const { namespace, rows, start } = await makeCloud(t, database(), [NEVER]);
    makeTapsOf(namespace, portId(1));
    const agent = await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');

    const { server } = database();
    const before = agent.lines().length;
    server.freeze();
    try {
      ip(namespace, 'link', 'del', tapOf(portId(1)));
      makeTapsOf(namespace, portId(1));
      await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(LOCAL));
      assert.equal((await agent.line('host changed', before)).trigger, 'kernel');
    } finally {
      server.thaw();
    }
  });

  test('a wired tap that goes is written DOWN at once', async (t) => {
    const { namespace, rows, start } = await makeCloud(t, database(), [NEVER]);
    makeTapsOf(namespace, portId(1), portId(3));
    await start();
    for (const port of [portId(1), portId(3)]) await waitForStatus(rows, port, 'ACTIVE');
    ip(namespace, 'link', 'del', tapOf(portId(1)));
    await waitForStatus(rows, portId(1), 'DOWN');
    assert.equal(await rows.statusOf(portId(3)), 'ACTIVE');
  });

  test('a known port’s tap that comes back is written ACTIVE at once', async (t) => {
    const { namespace, rows, start } = await makeCloud(t, database(), [NEVER]);
    makeTapsOf(namespace, portId(1));
    await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');
    ip(namespace, 'link', 'del', tapOf(portId(1)));
    await waitForStatus(rows, portId(1), 'DOWN');
    makeTapsOf(namespace, portId(1));
    await waitForStatus(rows, portId(1), 'ACTIVE');
  });

  test('a port that is set admin down leaves its bridge, and comes back when it is set up', async (t) => {
    const { namespace, rows, sql, start } = await makeCloud(t, database());
    makeTapsOf(namespace, portId(1), portId(2));
    await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');
    const witness = await startQuietWitness(t, namespace);

    await sql(`update ports set admin_state_up = false where id = '${portId(1)}'`);
    await waitForMaster(namespace, tapOf(portId(1)), null);
    await waitForStatus(rows, portId(1), 'DOWN');
    await sql(`update ports set admin_state_up = true where id = '${portId(1)}'`);
    await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(LOCAL));
    await waitForStatus(rows, portId(1), 'ACTIVE');

    await witness.expectNothingOn(tapOf(portId(2)));
  });

  test('a port that is moved to another network goes over to its bridge', async (t) => {
    const { namespace, rows, sql, start } = await makeCloud(t, database());
    makeTapsOf(namespace, portId(1), portId(2));
    await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');

    await sql(`update ports set network_id = '${FLAT}', status = 'BUILD' where id = '${portId(1)}'`);

    await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(FLAT));
    await waitForStatus(rows, portId(1), 'ACTIVE');
    assert.equal(masterOf(namespace, 'eth1'), bridgeOf(FLAT));
    assert.equal(masterOf(namespace, tapOf(portId(2))), bridgeOf(LOCAL));
  });

  test('the bridge of a network that is deleted goes away, and its taps stay as devices', async (t) => {
    const { namespace, rows, sql, start } = await makeCloud(t, database());
    makeTapsOf(namespace, portId(1), portId(3));
    await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');
    await waitForStatus(rows, portId(3), 'ACTIVE');

    for (const [table, column] of [
      ['ports', 'network_id'],
      ['network_bindings', 'network_id'],
      ['networks', 'id'],
    ]) {
      await sql(`delete from ${table} where ${column} = '${FLAT}'`);
    }

    await waitForMaster(namespace, bridgeOf(FLAT), undefined);
    assert.deepEqual(linkNames(namespace), [
      bridgeOf(LOCAL),
      'eth1',
      'lo',
      tapOf(portId(1)),
      tapOf(portId(3)),
    ]);
    assert.equal(masterOf(namespace, 'eth1'), null);
    assert.equal(masterOf(namespace, tapOf(portId(3))), null);
  });

  test('a port that is deleted leaves its bridge, which stays as long as its network', async (t) => {
    const { namespace, rows, sql, start } = await makeCloud(t, database());
    makeTapsOf(namespace, portId(1), portId(2));
    await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');

    await sql(`delete from ports where id = '${portId(1)}'`);

    await waitForMaster(namespace, tapOf(portId(1)), null);
    assert.equal(masterOf(namespace, tapOf(portId(2))), bridgeOf(LOCAL));
  });

  test('a status that somebody else overwrites is set right again', async (t) => {
    const { namespace, rows, sql, start } = await makeCloud(t, database());
    makeTapsOf(namespace, portId(1));
    const agent = await start();
    await waitForStatus(rows, portId(1), 'ACTIVE');
    for (const wrong of ["'DOWN'", "'ERROR'", 'null']) {
      await sql(`update ports set status = ${wrong}`);
      await waitForStatus(rows, portId(1), 'ACTIVE');
    }
    assert.equal(agent.saying('host changed').length, 1);
  });

  test('what is changed by hand on a wired tap, its bridge or its uplink is repaired', async (t) => {
    const { namespace, rows, start } = await makeCloud(t, database(), [NEVER]);
    makeTapsOf(namespace, portId(3));
    await start();
    await waitForStatus(rows, portId(3), 'ACTIVE');

    ip(namespace, 'link', 'set', tapOf(portId(3)), 'nomaster');
    await waitForMaster(namespace, tapOf(portId(3)), bridgeOf(FLAT));
    ip(namespace, 'link', 'set', 'eth1', 'nomaster');
    await waitForMaster(namespace, 'eth1', bridgeOf(FLAT));
    ip(namespace, 'link', 'set', bridgeOf(FLAT), 'down');
    await waitUntil(
      () => ipLink(namespace, bridgeOf(FLAT))?.flags.includes('UP') === true,
      'the bridge is up again',
    );
  });
});
