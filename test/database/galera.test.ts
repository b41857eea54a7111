import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Answer, Database, Question } from '../../src/model/database.js';
import { portId } from '../../src/model/ids.js';
import { databaseSettings } from '../support/databases/engines.js';
import { type GaleraCluster, startGalera } from '../support/databases/galera.js';
import { startMariadb } from '../support/databases/mariadb.js';
import { failureOf } from '../support/databases/probe.js';
import { rowsOf } from '../support/databases/rows.js';
import { type TestServer, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';

const idOf = (at: number): string => `0a1b2c3d-4e5f-4000-8000-00000000000${at}`;
const [P1, P2] = [idOf(1), idOf(2)];
const QUESTION: Question = {
  taps: [P1, P2].map((id) => ({ by: 'id', id: portId(id), wired: true })),
  bridges: [],
};
const activate = (id: string) => [
  { port: portId(id), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' } as const,
];

/** One story, told in order: each part begins where the one before ended. */
describe('a Galera cluster of three nodes', () => {
  let cluster: GaleraCluster;
  let agent: Database;
  let first: Answer;
  let [a, b, c]: TestServer[] = [];
  const statusesOn = async (node: TestServer | undefined): Promise<unknown[]> => {
    assert.ok(node);
    return Promise.all([P1, P2].map((id) => rowsOf(node, 'grizzly').statusOf(id)));
  };
  before(async () => {
    cluster = await startGalera();
    [a, b, c] = cluster.nodes;
    const [node] = cluster.nodes;
    await createSchema(node, 'grizzly');
    for (const id of [P1, P2]) await rowsOf(node, 'grizzly').port({ id, network: 'n', host: 'host1' });
    const [server, ...others] = cluster.nodes.map((each) => each.client());
    assert.ok(server);
    agent = openDatabase(databaseSettings(node, { servers: [server, ...others] }));
  });
  after(async () => {
    await agent.close();
    await cluster.destroy();
  });

  it('is read from its first node', async () => {
    first = await agent.read(QUESTION);
    assert.deepEqual([first.ports.length, first.suspect], [2, null]);
  });

  it('is read from the second, as another server, when the first is killed, and written there', async () => {
    await a?.kill();
    await agent.read(QUESTION).catch(() => {});
    await cluster.waitForSize(cluster.nodes[1], 2);
    const second = await agent.read(QUESTION);
    assert.deepEqual([second.ports.length, second.suspect], [2, null]);
    assert.notEqual(second.server, first.server);
    assert.equal(await agent.writeStatuses(activate(P1)), 1);
    await waitUntil(async () => (await statusesOn(c))[0] === 'ACTIVE', 'the third node has the change');
  });

  it('is down, in one sentence, when the last node is out of its cluster (1047)', async () => {
    await b?.kill();
    await agent.read(QUESTION).catch(() => {});
    // Until it gives the silent node up it answers, with every row.
    await waitUntil(
      () =>
        agent.read(QUESTION).then(
          () => false,
          (error: Error) => error.message.includes('WSREP has not yet prepared node'),
        ),
      'the last node says that it is out',
    );
    const failure = await failureOf(agent.read(QUESTION));
    assert.equal(failure.kind, 'unreachable', failure.message);
  });

  it('is passed over, node by node, for the one that is in the cluster', async () => {
    const [node] = cluster.nodes;
    const healthy = await startMariadb();
    try {
      await createSchema(healthy, 'folsom');
      const list = openDatabase(
        databaseSettings(node, { servers: [cluster.nodes[2].client(), healthy.client()] }),
      );
      assert.equal((await list.read(QUESTION)).generation, 'folsom');
      await list.close();
    } finally {
      await healthy.destroy();
    }
  });

  it('has lost nothing when the DBA has put it together again', async () => {
    await c?.query("set global wsrep_provider_options = 'pc.bootstrap=YES'");
    await waitUntil(
      () =>
        agent.read(QUESTION).then(
          ({ ports }) => ports.length === 2,
          () => false,
        ),
      'the third node answers again',
    );
    assert.equal(await agent.writeStatuses(activate(P2)), 1);
    for (const node of [cluster.nodes[0], cluster.nodes[1]]) {
      await cluster.rejoin(node);
      assert.deepEqual(await statusesOn(node), ['ACTIVE', 'ACTIVE']);
    }
  });

  it('is read from the first node again by a session that begins then', async () => {
    const [server, ...others] = cluster.nodes.map((each) => each.client());
    assert.ok(server);
    const later = openDatabase(databaseSettings(cluster.nodes[0], { servers: [server, ...others] }));
    try {
      assert.equal((await later.read(QUESTION)).server, first.server);
    } finally {
      await later.close();
    }
  });
});
