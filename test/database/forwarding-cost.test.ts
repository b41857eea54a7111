import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectTo, disconnect } from '../../src/database/connect.js';
import type { Connection } from '../../src/database/connection.js';
import { heardForwarding, readForwarding } from '../../src/database/forwarding/read.js';
import { findForwardingSource } from '../../src/database/forwarding/source.js';
import { detectGeneration, readSchema } from '../../src/database/generations/detect.js';
import { networkId } from '../../src/model/ids.js';
import { type Plan, planOf } from '../support/databases/cost.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { numbersSql } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';

const PORTS = 100_000;
const NETWORKS = 2_000;
const HOSTS = 500;
/** Networks with a tap on the host that asks. */
const TUNNELS = Array.from({ length: 50 }, (_, at) => ({
  segment: `segment-${at}`,
  network: networkId(`network-${at}`),
  vni: at,
}));

for (const engine of ENGINES) {
  describe(`what it costs ${engine.name} to tell who is behind which tunnel`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    // Where the index is missing is a matter of PostgreSQL alone: MySQL has one with each foreign key.
    for (const withIndex of engine.name === 'PostgreSQL' ? [true, false] : [true]) {
      it(`no statement walks a table, ${withIndex ? 'with' : 'without'} the index on segments`, async () => {
        const fresh = await freshDatabase(server, 'ml2-zed');
        await fill(server, fresh.database, withIndex);
        const [first] = fresh.settings.servers;
        const { connection, schema } = await readSchema(await connectTo(first, fresh.settings));
        const source = await findForwardingSource(connection, detectGeneration(schema, 'the database'));
        assert.ok(source?.hasStandbys);
        const plans: Plan[] = [];
        const select: Connection['select'] = async (query) => {
          const { sql, bindings } = query.toSQL();
          plans.push(await planOf(connection, sql, bindings));
          return connection.select(query);
        };
        const period = () => ({ isOver: () => true });
        const reader = { connection: { ...connection, select }, source, period };
        const reading = await readForwarding(reader, { tunnels: TUNNELS, vnis: [7] }, null);
        const rows = [];
        for (const { statement } of reading.asks) rows.push(await select(statement));
        assert.equal(heardForwarding(reader, reading, rows)?.answer, reading.answer);
        await disconnect(connection);
        assert.equal(reading.answer.hosts.get('segment-7')?.length, PORTS / NETWORKS + 1);
        // agents is small, and may be walked; which segment has a VNI is asked only when a tunnel's network is gone.
        const walked = plans.flatMap(({ tables, text }) =>
          tables
            .filter(({ isWalked, table }) => isWalked && !['agents', 'networksegments'].includes(table))
            .map(() => text),
        );
        assert.deepEqual(walked, []);
        assert.ok(plans.length >= 8, `${plans.length} statements`);
      });
    }
  });
}

/** Each network has 50 ports on as many hosts, and a router that is highly available. */
async function fill(server: TestServer, database: string, withIndex: boolean): Promise<void> {
  const isPostgres = server.engine === 'postgresql';
  const numbers = (count: number): string => numbersSql(server.engine, count);
  const text = (start: string, number: string): string =>
    isPostgres ? `'${start}' || (${number})` : `concat('${start}', ${number})`;
  const whole = isPostgres ? `n / ${NETWORKS}` : `n div ${NETWORKS}`;
  const host = text('host', `(${whole} + n % ${NETWORKS}) % ${HOSTS}`);
  const name = isPostgres ? '"binary"' : '`binary`';
  const user = server.client().user;
  for (const statement of [
    'create table ha_router_agent_port_bindings (port_id varchar(36) primary key, router_id varchar(36), l3_agent_id varchar(36))',
    ...(isPostgres ? [`grant select on ha_router_agent_port_bindings to ${user}`] : []),
    `insert into ports (id, network_id, mac_address, admin_state_up, status, device_owner, device_id)
     select ${text('port', 'n')}, ${text('network-', `n % ${NETWORKS}`)}, ${text('fa:', 'n')}, true, 'ACTIVE',
       case when n <= ${NETWORKS} then 'network:ha_router_replicated_interface' else 'compute:nova' end,
       ${text('router-', `n % ${NETWORKS}`)} from ${numbers(PORTS)}`,
    `insert into ml2_port_binding_levels (port_id, host, level, segment_id)
     select ${text('port', 'n')}, ${host}, 0, ${text('segment-', `n % ${NETWORKS}`)} from ${numbers(PORTS)}`,
    `insert into agents (id, agent_type, ${name}, topic, host, admin_state_up, created_at, started_at, heartbeat_timestamp, configurations)
     select ${text('agent', 'n')}, 'Linux bridge agent', 'agent', 'N/A', ${text('host', 'n - 1')}, true, now(), now(), now(),
       ${isPostgres ? `'{"tunneling_ip": "10.0.0.' || (n % 250) || '"}'` : `concat('{"tunneling_ip": "10.0.0.', n % 250, '"}')`} from ${numbers(HOSTS)}`,
    `insert into ha_router_agent_port_bindings
     select ${text('ha', 'n')}, ${text('router-', `n % ${NETWORKS}`)}, 'agent${HOSTS}' from ${numbers(NETWORKS)}`,
    'create index i1 on ports (network_id, mac_address)',
    'create index i2 on ports (network_id, device_owner)',
    'create index i3 on ha_router_agent_port_bindings (router_id, l3_agent_id)',
    ...(withIndex ? ['create index x on ml2_port_binding_levels (segment_id, host, port_id)'] : []),
    isPostgres
      ? 'analyze'
      : 'analyze table ports, ml2_port_binding_levels, ha_router_agent_port_bindings, agents',
  ])
    await server.query(statement, database);
  // With its statistics PostgreSQL knows that an index holds all that is asked for.
  if (isPostgres) await server.query('vacuum analyze', database);
}
