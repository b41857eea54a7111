import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { startPostgres } from '../support/databases/postgres.js';
import { startRelay } from '../support/databases/relay.js';
import { rowsOf } from '../support/databases/rows.js';
import { PASSWORD, privateFolder, waitUntil } from '../support/databases/servers.js';
import { makeDebian } from '../support/host/container.js';
import {
  bridgeOf,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  tapOf,
  waitForStatus,
} from '../support/host/host.js';
import { buildImage, composeServices, type Images, runService, type Service } from '../support/host/image.js';
import { makeNamespace } from '../support/host/netns.js';

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
