import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type GaleraCluster, startGalera } from '../support/databases/galera.js';
import { rowsOf } from '../support/databases/rows.js';
import { type TestServer, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import { makeConfig, socketUrl, startAgent } from '../support/host/agent.js';
import { bridgeOf, masterOf, networkId, tapOf } from '../support/host/host.js';
import { makeNamespace, makeTap } from '../support/host/netns.js';
import { startWitness } from '../support/host/witness.js';

const NETWORK = networkId(1);
/** Each node is killed three times. */
const ROUNDS = 9;
const SETTLE_LIMIT_MS = 60_000;

/** Ids that differ in the characters taps are named after. */
const idOf = (n: number): string => `${n.toString(16).padStart(8, '0')}-1111-4222-8333-444455556666`;

/** Adds ports and their taps one after the other, on whichever node takes the row, until it is told to stop. */
function addPorts(cluster: GaleraCluster, namespace: string) {
  const added: string[] = [];
  let isOver = false;
  const addOne = async (id: string): Promise<void> => {
    const statement = `insert ignore into ports (id, network_id, admin_state_up, status, device_owner)
      values ('${id}', '${NETWORK}', true, 'DOWN', '');
      insert ignore into portbindingports (port_id, host) values ('${id}', 'host1')`;
    const taken = async (): Promise<boolean> => {
      for (const node of cluster.nodes) {
        const outcome = node.query(statement, 'quantum').then(
          () => true,
          () => false,
        );
        // A node that is cut off may keep a client waiting; then the next one is asked.
        if (await Promise.race([outcome, delay(3_000, false)])) return true;
      }
      return false;
    };
    await waitUntil(taken, `some node takes port ${id}`, SETTLE_LIMIT_MS);
  };
  const running = (async () => {
    for (let n = 1; !isOver; n += 1) {
      await addOne(idOf(n));
      makeTap(namespace, tapOf(idOf(n)));
      added.push(idOf(n));
      await delay(400);
    }
  })();
  return {
    added,
    stop: async () => {
      isOver = true;
      await running;
    },
  };
}

describe('a built agent on a Galera cluster of three nodes, killed in turn under change', () => {
  let cluster: GaleraCluster;
  before(async () => {
    cluster = await startGalera();
    await createSchema(cluster.nodes[0], 'grizzly');
    await rowsOf(cluster.nodes[0], 'grizzly').network({ id: NETWORK, type: 'local' });
  });
  after(() => cluster.destroy());

  test(`wires every port, loses no status and takes no wire away in ${ROUNDS} kills`, async (t) => {
    const namespace = makeNamespace(t);
    const url = cluster.nodes.map((node) => socketUrl(node)).join(', ');
    const config = makeConfig({ url, agent: ['log_level = debug'] });
    const agent = await startAgent(t, namespace, config);
    const witness = await startWitness(t, namespace);
    const adding = addPorts(cluster, namespace);
    await waitUntil(() => adding.added.length >= 5, 'some ports are there', SETTLE_LIMIT_MS);

    for (let round = 0; round < ROUNDS; round += 1) {
      const node = cluster.nodes[round % 3];
      const other = cluster.nodes[(round + 1) % 3];
      assert.ok(node && other);
      await node.kill();
      await cluster.waitForSize(other, 2);
      const reached = adding.added.length + 3;
      await waitUntil(() => adding.added.length >= reached, 'ports are added to the two', SETTLE_LIMIT_MS);
      await cluster.rejoin(node);
    }
    await adding.stop();

    const { added } = adding;
    t.diagnostic(
      `${added.length} ports, ${agent.saying('another database server than the first is used').length} changes of server`,
    );
    for (const id of added) {
      await waitUntil(
        () => masterOf(namespace, tapOf(id)) === bridgeOf(NETWORK),
        `${tapOf(id)} is wired`,
        SETTLE_LIMIT_MS,
      );
    }
    for (const node of cluster.nodes)
      await waitUntil(() => allActive(node, added), 'every status is there', SETTLE_LIMIT_MS);
    await witness.expectToStayIn(bridgeOf(NETWORK), ...added.map(tapOf));
    assert.deepEqual(
      agent.saying('operation done').filter(({ op }) => op === 'detach'),
      [],
    );
    assert.ok(agent.saying('another database server than the first is used').length >= 3);
    agent.signal('SIGTERM');
    assert.equal(await agent.ended(), 0);
  });
});

async function allActive(node: TestServer, ids: readonly string[]): Promise<boolean> {
  const rows = await node.query(`select id from ports where status = 'ACTIVE'`, 'quantum');
  const active = new Set(rows.map(({ id }) => String(id)));
  return ids.every((id) => active.has(id));
}
