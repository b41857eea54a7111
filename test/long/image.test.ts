import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { startPostgres } from '../support/databases/postgres.js';
import { startRelay } from '../support/databases/relay.js';
import { rowsOf } from '../support/databases/rows.js';
import { PASSWORD, privateFolder, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import { makeDebian } from '../support/host/container.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  tapOf,
  waitForMaster,
  waitForStatus,
} from '../support/host/host.js';
import {
  buildImage,
  composeServices,
  type Images,
  type RunningService,
  runService,
  type Service,
} from '../support/host/image.js';
import { killInMove, localsOf, moveRecords } from '../support/host/kill-in-move.js';
import { type Cleanup, ip, makeNamespace } from '../support/host/netns.js';

const PROFILES = [
  { profile: 'postgresql', start: startPostgres, port: 5432 },
  { profile: 'mysql', start: startMariadb, port: 3306 },
] as const;

describe('the image, built by Buildah and run as Compose reads docker-compose.yml', () => {
  let images: Images;
  let debian13: string;
  before(async () => {
    images = await buildImage();
    debian13 = makeDebian('trixie', ['docker-compose']);
  });

  for (const { profile, start, port } of PROFILES) {
    test(`with ${profile} it makes the tables, wires a tap, is healthy, and leaves the wire when it ends`, async (t) => {
      const services = composeServices(debian13, profile);
      const service = (name: string): Service => {
        const found = services[`${name}-${profile}`];
        assert.ok(found, Object.keys(services).join());
        assert.equal(found.network_mode, 'host');
        return found;
      };
      const server = await start();
      t.after(() => server.destroy());
      const namespace = makeNamespace(t);
      await startRelay(t, server, { namespace, address: '127.0.0.1', port });
      const place = { namespace, password: PASSWORD, state: privateFolder('state') };
      const version = { ...service('schema'), command: ['--version'] };
      assert.match((await runService(t, images, version, place).ended).output, /^\d+\.\d+\.\d+\n$/);
      const made = await runService(t, images, service('schema'), place).ended;
      assert.equal(made.code, 0, made.output);

      const rows = rowsOf(server, 'grizzly');
      await rows.network({ id: networkId(1), type: 'local' });
      const values = `'${portId(1)}', '${networkId(1)}', 'fa:16:3e:00:00:01', true, 'DOWN', 'guest', ''`;
      const columns = 'id, network_id, mac_address, admin_state_up, status, device_id, device_owner';
      await server.query(`insert into ports (${columns}) values (${values})`, 'quantum');
      makeTapsOf(namespace, portId(1));
      const agent = runService(t, images, service('agent'), place);
      await waitForStatus(rows, portId(1), 'ACTIVE');
      await waitUntil(agent.isHealthy, 'its health check succeeds');
      agent.stop();
      const { code, output } = await agent.ended;
      assert.equal(code, 0, output);
      assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(networkId(1)));
    });
  }

  /** Starts the agent's container again and again, each with processes and files of its own, in the network of one host. */
  function agentIn(t: Cleanup, namespace: string) {
    const place = { namespace, password: PASSWORD, state: privateFolder('state') };
    const service = composeServices(debian13, 'postgresql')['agent-postgresql'];
    assert.ok(service);
    const environment = {
      ...service.environment,
      QUANTUM_HOST: 'host1',
      QUANTUM_PHYSICAL_INTERFACE_MAPPINGS: 'physnet1:eth1',
    };
    return { state: place.state, start: () => runService(t, images, { ...service, environment }, place) };
  }

  const says = (agent: RunningService, words: RegExp): Promise<void> =>
    waitUntil(() => words.test(agent.output()), `${words} in the log`).catch((error: Error) => {
      throw new Error(`${error.message}; the log is\n${agent.output()}`);
    });

  const killed = async (agent: RunningService): Promise<void> => {
    agent.kill();
    await agent.ended;
  };

  test('a new container after one that was killed has its guard, and what it knew of ports', async (t) => {
    const server = await startPostgres();
    t.after(() => server.destroy());
    await createSchema(server, 'grizzly');
    const rows = rowsOf(server, 'grizzly');
    const [namespace, bridge] = [makeNamespace(t), bridgeOf(networkId(1))];
    await startRelay(t, server, { namespace, address: '127.0.0.1', port: 5432 });
    await rows.network({ id: networkId(1), type: 'local' });
    for (const n of [1, 2, 3]) await rows.port({ id: portId(n), network: networkId(1) });
    makeTapsOf(namespace, ...[1, 2, 3].map(portId));
    const { start } = agentIn(t, namespace);
    const first = start();
    for (const n of [1, 2, 3]) await waitForStatus(rows, portId(n), 'ACTIVE');
    await server.query(`delete from ports where id = '${portId(1)}'`, 'quantum');
    await waitForMaster(namespace, tapOf(portId(1)), null);
    await killed(first);

    // One removal was free, and is counted by the next agent too.
    await server.query(`delete from ports where id = '${portId(2)}'`, 'quantum');
    const second = start();
    await says(second, /within guard_window.*removals held/);
    assert.equal(masterOf(namespace, tapOf(portId(2))), bridge);
    await killed(second);

    // A guest starts again while there is neither an agent nor a database.
    await server.stop();
    ip(namespace, 'link', 'delete', tapOf(portId(3)));
    makeTapsOf(namespace, portId(3));
    const third = start();
    await waitForMaster(namespace, tapOf(portId(3)), bridge);
    await says(third, /database lost, the data plane stays as it is/);
    assert.equal(masterOf(namespace, tapOf(portId(2))), bridge);
  });

  test('a new container after one that was killed in a move of addresses ends the move, without a database', async (t) => {
    const { namespace } = makeHost(t);
    const { state, start } = agentIn(t, namespace);
    killInMove(namespace, bridgeOf(networkId(1)), state);
    const agent = start();
    await says(agent, /a move of addresses that was cut short has been ended/);
    assert.deepEqual(localsOf(namespace, 'eth1'), ['10.1.0.5']);
    assert.deepEqual(localsOf(namespace, bridgeOf(networkId(1))), []);
    await waitUntil(() => moveRecords(state).length === 0, 'the record is gone');
  });

  test('it runs on the Node that the packages carry', async (t) => {
    const node: Service = {
      command: [],
      environment: {},
      network_mode: 'host',
      cap_drop: ['ALL'],
      secrets: [],
    };
    const place = { namespace: makeNamespace(t), password: '', state: privateFolder('state') };
    const asNode = { ...images, entrypoint: ['node', '--version'] };
    assert.match((await runService(t, asNode, node, place).ended).output, /^v26\./);
  });
});
