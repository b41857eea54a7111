import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import { grants } from '../../src/database/grants.js';
import { inspectDatabase, inspectGeneration } from '../../src/database/inspect.js';
import { portId } from '../../src/model/ids.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import type { TestServer } from '../support/databases/servers.js';

const PORTS = ['p-plain', 'p-off', 'p-on', 'p-untold', 'p-dhcp'] as const;
const TOLD = '{"connectivity": "l2", "port_filter": true}';

for (const engine of ENGINES) {
  describe(`ports that Nova was told are filtered, on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    async function filled() {
      const { database, rows, settings } = await freshDatabase(server, 'ml2-zed');
      for (const id of PORTS) {
        await rows.port({
          id,
          network: 'n1',
          deviceOwner: id === 'p-dhcp' ? 'network:dhcp' : 'compute:nova',
        });
        const vifDetails = id === 'p-untold' ? '{"port_filter": false}' : TOLD;
        await rows.binding({ port: id, host: 'host1', vifDetails });
      }
      await server.query(
        "insert into portsecuritybindings values ('p-off', false), ('p-on', true)",
        database,
      );
      const expected = async (changes: Partial<typeof settings> = {}): Promise<string[]> => {
        const agent = openDatabase({ ...settings, ...changes });
        const taps = PORTS.map((id) => ({ by: 'id', id: portId(id), wired: true }) as const);
        const { ports } = await agent.read({ taps, bridges: [] });
        await agent.close();
        assert.equal(ports.length, PORTS.length);
        return ports.flatMap(({ id, filterExpected }) => (filterExpected ? [`${id}`] : [])).sort();
      };
      return { database, settings, expected };
    }

    it('are those whose details say so, without port security switched off, and no services', async () => {
      const { expected } = await filled();
      assert.deepEqual(await expected(), ['p-on', 'p-plain']);
    });

    it('count as with port security where that is a broken view, and all are served', async () => {
      const { database, expected } = await filled();
      // PostgreSQL finds out when it plans; MySQL's likes miss the table behind.
      const select =
        server.engine === 'postgresql'
          ? "select 'p' as port_id, 1 / 0 = 1 as port_security_enabled"
          : 'select port_id, port_security_enabled from gone';
      const broken = [
        'alter table portsecuritybindings rename to gone',
        `create view portsecuritybindings as ${select}`,
        ...(server.engine === 'postgresql' ? ['grant select on portsecuritybindings to quantum'] : []),
        'drop table gone',
      ];
      await server.query(broken.join(';\n'), database);
      assert.deepEqual(await expected(), ['p-off', 'p-on', 'p-plain']);
    });

    it('count as with port security where the account may not read that, and all are served', async () => {
      const { database, settings, expected } = await filled();
      const { generation, namespace } = await inspectGeneration(settings);
      const user = 'narrow';
      const grantee = {
        user,
        host: '%',
        database,
        namespace: namespace ?? 'public',
        readOnly: true,
        tunnels: false,
      };
      const create =
        server.engine === 'postgresql'
          ? `create role ${user} login password 'x'`
          : `create user '${user}'@'%' identified by 'x'`;
      const rights = grants(server.engine, generation, grantee);
      assert.ok(rights.some((one) => one.includes('portsecuritybindings')));
      const given = rights.filter((one) => !one.includes('portsecuritybindings'));
      await server.query([create, ...given].join(';\n'), database);
      const servers = [server.client({ database, user, password: () => 'x' })] as const;
      assert.deepEqual(await expected({ servers, readOnly: true }), ['p-off', 'p-on', 'p-plain']);
      const inspected = await inspectDatabase({ ...settings, servers, readOnly: true }, []);
      const lacking = inspected.details?.rights.filter(({ held }) => !held);
      // MySQL does not even show a table to who may do nothing with it.
      const seen = [{ right: 'SELECT on portsecuritybindings', held: false, needed: false }];
      assert.deepEqual(lacking, server.engine === 'postgresql' ? seen : []);
    });
  });
}
