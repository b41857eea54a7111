import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import { inspectDatabase } from '../../src/database/inspect.js';
import { unservedBy } from '../../src/database/unserved.js';
import type { Answer } from '../../src/model/database.js';
import { portId } from '../../src/model/ids.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import type { TestServer } from '../support/databases/servers.js';
import { addUnservedTables } from '../support/databases/tables.js';
import type { Cleanup } from '../support/host/netns.js';

const ROUTED = [
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

    async function filled(t: Cleanup) {
      const { database, rows, settings } = await freshDatabase(server, 'ml2-zed');
      await addUnservedTables(server, database);
      const owner = server.engine === 'postgresql' ? ['set role quantum'] : [];
      await server.query([...owner, ...ROUTED].join(';\n'), database);
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
      const question = {
        taps: [SHAPED, PARENT, PLAIN, ELSEWHERE].map(
          (id) => ({ by: 'id', id: portId(id), wired: true }) as const,
        ),
        bridges: [],
      };
      const agent = openDatabase(settings);
      t.after(() => agent.close());
      const read = (): Promise<Answer> => agent.read(question);
      return { database, rows, settings, counts, read };
    }

    it('is counted for this host, each with the SELECT that shows the ports', async (t) => {
      const { counts } = await filled(t);
      assert.deepEqual(await counts(), [
        [1, 'ports of this host with a QoS policy'],
        [1, 'ports of this host that are the parents of trunks'],
        [1, 'ports of this host with allowed address pairs'],
      ]);
    });

    it('is named for one port', async (t) => {
      const { settings } = await filled(t);
      assert.deepEqual(await unservedBy(settings, portId(SHAPED)), [
        { code: 'QOS_NOT_SERVED', text: 'it has a QoS policy, and its traffic is not shaped' },
      ]);
      assert.equal((await unservedBy(settings, portId(PARENT))).length, 2);
      assert.deepEqual(await unservedBy(settings, portId(PLAIN)), []);
    });

    it('is a warning for each kind, with its count, in the first answer', async (t) => {
      const { database, read } = await filled(t);
      await server.query("insert into qos_network_policy_bindings values ('q', 'n1')", database);
      assert.deepEqual(told(await read()), [
        ['QOS_NOT_SERVED', '3 ports'],
        ['TRUNK_NOT_SERVED', '1 port'],
        ['ADDRESS_PAIRS_NOT_ENFORCED', '1 port'],
      ]);
    });

    it('leaves an answer that is as before the same object', async (t) => {
      const { read } = await filled(t);
      const first = await read();
      assert.equal(await read(), first);
      assert.equal(await read(), first);
    });

    it('is asked for again when an answer that has changed has come a second time', async (t) => {
      const { database, read } = await filled(t);
      await read();
      await server.query(
        `insert into qos_port_policy_bindings values ('q', '${PLAIN}'); update ports set status = 'ACTIVE'`,
        database,
      );
      const changed = await read();
      assert.deepEqual(
        [changed.ports[0]?.status, told(changed)[0]],
        ['ACTIVE', ['QOS_NOT_SERVED', '1 port']],
      );
      const again = await read();
      assert.deepEqual(told(again)[0], ['QOS_NOT_SERVED', '2 ports']);
      assert.equal(await read(), again);
    });

    it('costs no answer where a table has gone bad meanwhile', async (t) => {
      const { database, read } = await filled(t);
      await read();
      await server.query("drop table trunks; update ports set status = 'ACTIVE'", database);
      await read();
      const answer = await read();
      assert.deepEqual([answer.ports.length, answer.warnings], [4, []]);
    });

    it('has the ports whose binding failed here', async (t) => {
      const { rows, counts } = await filled(t);
      await rows.port({ id: 'p-failed', network: 'n1' });
      await rows.binding({ port: 'p-failed', host: 'host1', vifType: 'binding_failed' });
      assert.ok((await counts()).some(([count, what]) => count === 1 && /binding failed$/.test(what)));
    });

    it('has the segments of routed networks on which the server makes no port for this host', async (t) => {
      const { database, rows, counts } = await filled(t);
      await rows.network({ id: 'n1', type: 'flat', physicalNetwork: 'physnet1' });
      await rows.segment('s2', { id: 'n2', type: 'flat', physicalNetwork: 'physnet2' });
      await server.query("insert into subnets values ('u1', 'n1'), ('u2', null)", database);
      const isTold = async () => (await counts()).some(([, what]) => what.startsWith('segments of routed'));
      assert.equal(await isTold(), true);
      await server.query("insert into segmenthostmappings values ('n1', 'host1')", database);
      assert.equal(await isTold(), false);
    });

    it('costs nothing where the account may not read it: it is not known', async (t) => {
      const { database, settings, counts, read } = await filled(t);
      if (server.engine !== 'postgresql') return;
      await server.query(
        'reset role; revoke all on qos_port_policy_bindings from quantum; alter table qos_port_policy_bindings owner to postgres',
        database,
      );
      assert.deepEqual((await counts())[0], [null, 'ports of this host with a QoS policy']);
      assert.deepEqual(await unservedBy(settings, portId(SHAPED)), []);
      assert.deepEqual(
        told(await read()).map(([code]) => code),
        ['TRUNK_NOT_SERVED', 'ADDRESS_PAIRS_NOT_ENFORCED'],
      );
    });
  });
}

/** The code of each warning, and how many ports it counts. */
const told = ({ warnings }: Answer): (readonly [string, string])[] =>
  warnings.map(({ code, message }) => [code, message.split(' of ')[0] ?? '']);
