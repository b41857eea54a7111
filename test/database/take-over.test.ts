import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openHeartbeats } from '../../src/database/heartbeat.js';
import type { SelfReport } from '../../src/model/database.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { literal } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';

const ADDRESS = '192.0.2.7';
const SERVED = { address: ADDRESS, isPopulated: true };
/** As Neutron's agent writes it on a host with tunnels. */
const NEUTRONS = `{"tunneling_ip": "${ADDRESS}", "tunnel_types": ["vxlan"], "l2_population": true}`;

for (const engine of ENGINES) {
  describe(`the row in agents of the agent before, on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    /** Writes `configurations` as the agent before; gives what stands in the row after beats that tell of these tunnels. */
    async function start() {
      const { database, settings } = await freshDatabase(server, 'ml2-zed');
      const beat = async (...served: SelfReport['tunnels'][]): Promise<unknown[]> => {
        const heart = openHeartbeats(settings);
        const report = { upForMs: 0, devices: 1, interfaceMappings: new Map(), bridgeMappings: new Map() };
        for (const tunnels of served) await heart.beat({ ...report, tunnels });
        await heart.close();
        const [row] = await server.query('select configurations from agents', database);
        const { tunneling_ip, tunnel_types, l2_population } = JSON.parse(String(row?.configurations));
        return [tunneling_ip, tunnel_types, l2_population];
      };
      await beat(null, null);
      const leave = (configurations: string) =>
        server.query(`update agents set configurations = ${literal(configurations)}`, database);
      return { leave, beat };
    }

    it('names the end of the tunnels that are served here, whatever was there', async () => {
      const { leave, beat } = await start();
      await leave(NEUTRONS.replace(ADDRESS, '192.0.2.8'));
      const groups = { address: ADDRESS, isPopulated: false };
      assert.deepEqual(await beat(SERVED), [ADDRESS, ['vxlan'], true]);
      assert.deepEqual(await beat(SERVED, groups), [ADDRESS, ['vxlan'], false]);
    });

    it('keeps the end of tunnels that cannot be served, and not their types, so that nothing new is bound here', async () => {
      const { leave, beat } = await start();
      await leave(NEUTRONS);
      assert.deepEqual(await beat(null, null), [ADDRESS, [], false]);
      await leave('{}');
      assert.deepEqual(await beat(SERVED, null, null), [ADDRESS, [], false]);
    });

    it('what cannot be an address, or is no JSON, is not kept', async () => {
      const { leave, beat } = await start();
      for (const bad of [
        '{"tunneling_ip": 7}',
        '{"tunneling_ip": "x", "tunnel_types": ["vxlan"]}',
        'null',
        '{',
      ]) {
        await leave(bad);
        assert.deepEqual(await beat(null), ['', [], false], bad);
      }
    });
  });
}
