import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { inspectDatabase } from '../../src/database/inspect.js';
import { unservedBy } from '../../src/database/unserved.js';
import { portId } from '../../src/model/ids.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import type { TestServer } from '../support/databases/servers.js';

/** As a real server has them, as far as they are read. */
const TABLES = [
  'create table qos_port_policy_bindings (policy_id varchar(36), port_id varchar(36) unique)',
  'create table trunks (id varchar(36) primary key, port_id varchar(36) unique)',
  'create table subports (port_id varchar(36) primary key, trunk_id varchar(36))',
  'create table allowedaddresspairs (port_id varchar(36), mac_address varchar(32), ip_address varchar(64))',
  'create table subnets (id varchar(36) primary key, segment_id varchar(36))',
  'create table segmenthostmappings (segment_id varchar(36), host varchar(255))',
];
const [SHAPED, PARENT, PLAIN, ELSEWHERE] = ['p-shaped', 'p-parent', 'p-plain', 'p-elsewhere'];

for (const engine of ENGINES) {
  describe(`what ports ask for and do not get, on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    async function filled() {
      const { database, rows, settings } = await freshDatabase(server, 'ml2-zed');
      const owner = server.engine === 'postgresql' ? ['set role quantum'] : [];
      await server.query([...owner, ...TABLES].join(';\n'), database);
      for (const id of [SHAPED, PARENT, PLAIN]) await rows.port({ id, network: 'n1', host: 'host1' });
      await rows.port({ id: ELSEWHERE, network: 'n1', host: 'host2' });
      const inserts = [
        `insert into qos_port_policy_bindings values ('q', '${SHAPED}'), ('q', '${ELSEWHERE}')`,
        `insert into trunks values ('t', '${PARENT}')`,
        `insert into allowedaddresspairs values ('${PARENT}', 'm', '10.0.0.1'), ('${PARENT}', 'm', '10.0.0.2')`,
      ];
      await server.query(inserts.join(';\n'), database);
      const counts = async (): Promise<(readonly [number | null, string])[]> => {
        const { details } = await inspectDatabase(settings, []);
        for (const { statement } of details?.unserved ?? []) await server.query(statement, database);
        return (details?.unserved ?? []).map(({ rows: count, what }) => [count, what.split(':')[0] ?? '']);
      };
      return { database, rows, settings, counts };
    }

    it('is counted for this host, each with the SELECT that shows the ports', async () => {
      const { counts } = await filled();
      assert.deepEqual(await counts(), [
        [1, 'ports of this host with a QoS policy'],
        [1, 'ports of this host that are the parents of trunks'],
        [1, 'ports of this host with allowed address pairs'],
      ]);
    });

    it('is named for one port', async () => {
      const { settings } = await filled();
      assert.deepEqual(await unservedBy(settings, portId(SHAPED)), [
        'it has a QoS policy, and its traffic is not shaped',
      ]);
      assert.equal((await unservedBy(settings, portId(PARENT))).length, 2);
      assert.deepEqual(await unservedBy(settings, portId(PLAIN)), []);
    });

    it('has the ports whose binding failed here', async () => {
      const { rows, counts } = await filled();
      await rows.port({ id: 'p-failed', network: 'n1' });
      await rows.binding({ port: 'p-failed', host: 'host1', vifType: 'binding_failed' });
      assert.ok((await counts()).some(([count, what]) => count === 1 && /binding failed$/.test(what)));
    });

    it('has the segments of routed networks on which the server makes no port for this host', async () => {
      const { database, rows, counts } = await filled();
      await rows.network({ id: 'n1', type: 'flat', physicalNetwork: 'physnet1' });
      await rows.segment('s2', { id: 'n2', type: 'flat', physicalNetwork: 'physnet2' });
      await server.query("insert into subnets values ('u1', 'n1'), ('u2', null)", database);
      const isTold = async () => (await counts()).some(([, what]) => what.startsWith('segments of routed'));
      assert.equal(await isTold(), true);
      await server.query("insert into segmenthostmappings values ('n1', 'host1')", database);
      assert.equal(await isTold(), false);
    });

    it('costs nothing where the account may not read it: it is not known', async () => {
      const { database, settings, counts } = await filled();
      if (server.engine !== 'postgresql') return;
      await server.query(
        'reset role; revoke all on qos_port_policy_bindings from quantum; alter table qos_port_policy_bindings owner to postgres',
        database,
      );
      assert.deepEqual((await counts())[0], [null, 'ports of this host with a QoS policy']);
      assert.deepEqual(await unservedBy(settings, portId(SHAPED)), []);
    });
  });
}
