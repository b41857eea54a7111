import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type FleetHost, readFleet } from '../../src/database/fleet.js';
import { DatabaseError } from '../../src/model/database.js';
import { databaseSettings, ENGINES } from '../support/databases/engines.js';
import { literal, type Rows, rowsOf } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';

const NETWORK = '11111111-aaaa-4000-8000-000000000001';
const port = (number: number): string => `0a1b2c3d-4e5f-4000-8000-${String(number).padStart(12, '0')}`;

for (const engine of ENGINES) {
  describe(`the fleet on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    /** A moment some seconds ago, as an agent writes it: UTC without zone. */
    const ago = (seconds: number): string =>
      engine.name === 'PostgreSQL'
        ? `timezone('utc', now()) - interval '${seconds} seconds'`
        : `utc_timestamp() - interval ${seconds} second`;
    const agent = (database: string, host: string, heartbeatS: number, adminUp = true, told = '') =>
      server.query(
        `insert into agents values (${[
          literal(`id-${host}`),
          literal('Linux bridge agent'),
          literal('neutron-linuxbridge-agent'),
          literal('N/A'),
          literal(host),
          literal(adminUp),
          ago(9_000),
          ago(7_500),
          ago(heartbeatS),
          'null',
          literal(`{"interface_mappings": {}, ${told}"devices": 3}`),
        ].join(', ')})`,
        database,
      );
    const fleetOf = async (database: string): Promise<readonly FleetHost[]> =>
      (await readFleet(databaseSettings(server, { servers: [server.client({ database })] }))).hosts;

    for (const [generation, lateAfterS] of [
      ['grizzly', 5],
      ['ml2-havana', 75],
      ['ml2-zed', 75],
    ] as const) {
      describe(`with the tables of ${generation}`, () => {
        const database = `fleet_${generation.replace('-', '_')}`;
        let rows: Rows;
        before(async () => {
          await server.createDatabase(database);
          await createSchema(server, generation, database);
          rows = rowsOf(server, generation, database);
        });
        beforeEach(() => rows.clear());

        it('an agent is alive until its heartbeat is older than a server of its generation waits', async () => {
          await agent(database, 'compute-1', lateAfterS - 3);
          await agent(database, 'compute-2', lateAfterS + 3);
          const hosts = await fleetOf(database);
          assert.deepEqual(
            hosts.map(({ host, state }) => [host, state]),
            [
              ['compute-2', 'late'],
              ['compute-1', 'alive'],
            ],
          );
          assert.ok(hosts.every(({ upForS }) => upForS !== null && Math.abs(upForS - 7_500) < 5));
          assert.ok(hosts.every(({ devices, adminUp }) => devices === 3 && adminUp === true));
        });

        it('each host tells where its tunnels end, and of two with one address each names the other', async () => {
          for (const [host, address] of [
            ['compute-1', '2001:db8::1'],
            ['compute-2', '192.0.2.2'],
            ['compute-3', '2001:DB8:0::1'],
            ['compute-4', ''],
            ['compute-5', 'nonsense'],
          ] as const)
            await agent(database, host, 0, true, `"tunneling_ip": "${address}", `);
          assert.deepEqual(
            (await fleetOf(database)).map(({ endpoint, sharesEndpointWith }) => [
              endpoint,
              ...sharesEndpointWith,
            ]),
            [['2001:db8::1', 'compute-3'], ['192.0.2.2'], ['2001:db8::1', 'compute-1'], [null], [null]],
          );
        });

        it('ports are counted by host and status', async () => {
          await agent(database, 'compute-1', 0);
          await rows.network({ id: NETWORK, type: 'local' });
          await rows.port({ id: port(1), network: NETWORK, host: 'compute-1', status: 'ACTIVE' });
          await rows.port({ id: port(2), network: NETWORK, host: 'compute-1', status: 'ACTIVE' });
          await rows.port({ id: port(3), network: NETWORK, host: 'compute-1', status: 'DOWN' });
          assert.deepEqual(
            (await fleetOf(database)).map(({ ports }) => ports),
            [{ ACTIVE: 2, DOWN: 1 }],
          );
        });

        it('a host with ports but without an agent is found', async () => {
          await agent(database, 'compute-1', 0);
          await rows.network({ id: NETWORK, type: 'local' });
          await rows.port({ id: port(1), network: NETWORK, host: 'compute-9', status: 'DOWN' });
          const [missing] = await fleetOf(database);
          assert.deepEqual(
            [missing?.host, missing?.state, missing?.ports],
            ['compute-9', 'no-agent', { DOWN: 1 }],
          );
        });

        it('agents of other kinds, and ports that are bound to no host, are left out', async () => {
          await agent(database, 'compute-1', 0);
          await server.query(`update agents set agent_type = 'DHCP agent'`, database);
          await rows.network({ id: NETWORK, type: 'local' });
          await rows.port({ id: port(1), network: NETWORK, host: '' });
          assert.deepEqual(await fleetOf(database), []);
        });
      });
    }

    it('ports whose binding failed are counted apart, those of other drivers not at all', async () => {
      const database = 'fleet_ml2_zed';
      const rows = rowsOf(server, 'ml2-zed', database);
      await rows.clear();
      await agent(database, 'compute-1', 0, false);
      await rows.network({ id: NETWORK, type: 'local' });
      for (const [number, vifType] of [
        [1, 'binding_failed'],
        [2, 'ovs'],
      ] as const) {
        await rows.port({ id: port(number), network: NETWORK });
        await rows.binding({ port: port(number), host: 'compute-1', vifType });
      }
      const [host] = await fleetOf(database);
      assert.deepEqual([host?.ports, host?.adminUp], [{ binding_failed: 1 }, false]);
    });

    for (const generation of ['essex', 'folsom'] as const) {
      it(`the ${generation} generation has no agents, and fleet says so`, async () => {
        const database = `fleet_${generation}`;
        await server.createDatabase(database);
        await createSchema(server, generation, database);
        await assert.rejects(fleetOf(database), (error: unknown) => {
          assert.ok(error instanceof DatabaseError && error.kind === 'schema');
          assert.match(
            error.message,
            new RegExp(`${generation} generation, in which agents do not report themselves`),
          );
          return true;
        });
      });
    }
  });
}
