import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type GaleraCluster, startGalera } from '../support/databases/galera.js';
import { type Balancer, startHaproxy } from '../support/databases/haproxy.js';
import { rowsOf } from '../support/databases/rows.js';
import { DATABASE, PASSWORD, type TestServer, USER } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import { makeConfig, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeTapsOf,
  networkId,
  portId,
  tapOf,
  waitForMaster,
  waitForStatus,
} from '../support/host/host.js';
import { makeNamespace } from '../support/host/netns.js';
import { startWitness } from '../support/host/witness.js';

const NETWORK = networkId(1);

/** What Galera's usual check asks: a node that is out of its cluster, or a donor, gets no client. */
const isSynced = async (node: TestServer): Promise<boolean> => {
  const [row] = await node.query(`show status like 'wsrep_local_state'`);
  return row?.Value === '4';
};

describe('a built agent behind an HAProxy before a Galera cluster, which sends everybody to one node', () => {
  let cluster: GaleraCluster;
  let balancer: Balancer;
  before(async () => {
    cluster = await startGalera();
    await createSchema(cluster.nodes[0], 'grizzly');
    const rows = rowsOf(cluster.nodes[0], 'grizzly');
    await rows.network({ id: NETWORK, type: 'local' });
    for (const n of [1, 2, 3, 4, 5]) await rows.port({ id: portId(n), network: NETWORK, host: 'host1' });
    balancer = await startHaproxy(cluster.nodes, isSynced);
  });
  after(async () => {
    await balancer.stop();
    await cluster.destroy();
  });

  test('goes on through each node that dies in the middle of a poll, and takes no wire away', async (t) => {
    const namespace = makeNamespace(t);
    makeTapsOf(namespace, portId(1));
    const url = `mysql://${USER}:${encodeURIComponent(PASSWORD)}@localhost/${DATABASE}?unix_socket=${balancer.socketPath}`;
    const agent = await startAgent(t, namespace, makeConfig({ url, agent: ['log_level = debug'] }));
    await waitForMaster(namespace, tapOf(portId(1)), bridgeOf(NETWORK));
    const witness = await startWitness(t, namespace);
    const [a, b, c] = cluster.nodes;
    for (const [dies, serves, n] of [
      [a, b, 2],
      [b, a, 3],
      [a, b, 4],
    ] as const) {
      // Frozen first, so that the poll that is under way ends with the node.
      dies.freeze();
      await dies.kill();
      await cluster.waitForSize(c, 2);
      makeTapsOf(namespace, portId(n));
      await waitForStatus(rowsOf(serves, 'grizzly'), portId(n), 'ACTIVE');
      await cluster.rejoin(dies);
    }
    await witness.expectToStayIn(bridgeOf(NETWORK), tapOf(portId(1)));
    assert.deepEqual(
      agent.saying('operation done').filter(({ op }) => op === 'detach'),
      [],
    );
    agent.signal('SIGTERM');
    assert.equal(await agent.ended(), 0);
  });
});
