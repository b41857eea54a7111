import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { schemaCheck } from '../../src/commands/schema-check.js';
import { schemaGrants } from '../../src/commands/schema-grants.js';
import { connectTo, disconnect } from '../../src/database/connect.js';
import { readForwarding } from '../../src/database/forwarding/read.js';
import { findForwardingSource } from '../../src/database/forwarding/source.js';
import { detectGeneration, readSchema } from '../../src/database/generations/detect.js';
import type { ForwardingAnswer } from '../../src/model/forwarding.js';
import { networkId } from '../../src/model/ids.js';
import type { DatabaseSettings } from '../../src/model/settings.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { outputOf } from '../support/databases/invocation.js';
import { PASSWORD, type TestServer } from '../support/databases/servers.js';

const [N, S, P] = ['11111111-aaaa-4000-8000-000000000001', 's1', '0a1b2c3d-4e5f-4000-8000-000000000001'];
const LEVELS = 'ml2_port_binding_levels';

let accounts = 0;

for (const engine of ENGINES) {
  describe(`rights and index for tunnels on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    /** A database with one port on another host, and settings of an account with the rights that `schema grants` prints. */
    async function granted(readOnly: boolean, tunnels: boolean) {
      const { database, rows, settings } = await freshDatabase(server, 'ml2-zed');
      await server.query(
        'create table ha_router_agent_port_bindings (port_id varchar(36) primary key, router_id varchar(36), l3_agent_id varchar(36))',
        database,
      );
      await rows.network({ id: N, type: 'vxlan', vlanId: 1001 });
      await rows.port({ id: P, network: N });
      await rows.binding({ port: P, host: 'host2', segment: S });
      const name = server.engine === 'postgresql' ? '"binary"' : '`binary`';
      await server.query(
        `insert into agents (id, agent_type, ${name}, topic, host, admin_state_up, created_at, started_at, heartbeat_timestamp, configurations)
         values ('a', 'Linux bridge agent', 'agent', 'N/A', 'host2', true, now(), now(), now(), '{"tunneling_ip": "192.0.2.2"}')`,
        database,
      );
      accounts += 1;
      const user = `tunnels${accounts}`;
      const administrator = server.client({
        database,
        socketPath: server.socketPath,
        user: server.engine === 'mysql' ? 'root' : 'postgres',
        password: () => null,
      });
      const { text } = await outputOf((invocation) => schemaGrants(invocation, { user, host: '127.0.0.1' }), {
        ...settings,
        servers: [administrator],
        readOnly,
        tunnels,
      });
      const create =
        server.engine === 'mysql'
          ? `create user '${user}'@'127.0.0.1' identified by '${PASSWORD}'`
          : `create role ${user} login password '${PASSWORD}'`;
      await server.query(`${create}; ${text}`, database);
      const limited = {
        ...settings,
        servers: [server.client({ database, user })],
        readOnly,
        tunnels,
      } as const;
      return { database, text, limited };
    }

    async function answerFor({ servers: [first], ...limits }: DatabaseSettings): Promise<ForwardingAnswer> {
      const { connection, schema } = await readSchema(await connectTo(first, limits));
      const source = await findForwardingSource(connection, detectGeneration(schema, 'the database'));
      assert.ok(source);
      const question = { tunnels: [{ segment: S, network: networkId(N), vni: 1001 }], vnis: [1001] };
      await connection.beginSnapshot([], null);
      const { answer } = await readForwarding({ connection, source }, question, null);
      await connection.endSnapshot();
      await disconnect(connection);
      return answer;
    }

    for (const readOnly of [false, true]) {
      it(`with exactly the granted rights it is read who is behind which tunnel, read_only = ${readOnly}`, async () => {
        const { limited, text } = await granted(readOnly, true);
        assert.match(text, /grant select on .*ha_router_agent_port_bindings/);
        assert.equal(text.match(/grant select on \S*agents to/g)?.length, 1, text);
        const { hosts, endpoints, vnis } = await answerFor(limited);
        assert.deepEqual([...hosts], [[S, ['host2']]]);
        assert.deepEqual([...endpoints], [['host2', { kind: 'address', address: '192.0.2.2' }]]);
        assert.deepEqual([...vnis], [[1001, [N]]]);
      });
    }

    it('without the right to read agents it is known which hosts there are, and said why not where their tunnels end', async () => {
      const { limited, text } = await granted(true, false);
      assert.doesNotMatch(text, /agents|ha_router/);
      const { hosts, endpoints } = await answerFor(limited);
      assert.deepEqual([...hosts], [[S, ['host2']]]);
      const problem = 'this account may not read agents';
      assert.deepEqual([...endpoints], [['host2', { kind: 'unknown', problem }]]);
    });

    it('schema check asks for the rights and the index that tunnels need, says what it costs without, and only where there are tunnels', async () => {
      const { database, limited } = await granted(true, true);
      const index = /ml2_port_binding_levels \(segment_id\)/;
      const without = await outputOf(schemaCheck, { ...limited, tunnels: false });
      assert.doesNotMatch(without.text, index);
      assert.doesNotMatch(without.text, /on agents/);
      const { code, text } = await outputOf(schemaCheck, limited);
      assert.equal(code, 1);
      assert.match(text, /SELECT on agents: held/);
      assert.match(text, /SELECT on ha_router_agent_port_bindings: held/);
      assert.match(
        text,
        new RegExp(
          `${index.source}: NOT THERE; create index on ${LEVELS} \\(segment_id, host, port_id\\): without it`,
        ),
      );
      await server.query(`create index x on ${LEVELS} (segment_id, host, port_id)`, database);
      assert.match((await outputOf(schemaCheck, limited)).text, new RegExp(`${index.source}: there\n`));
    });
  });
}
