import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openHeartbeats } from '../../src/database/heartbeat.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { literal } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';

const ADDRESS = '192.0.2.7';
/** As Neutron's agent writes it on a host with tunnels. */
const NEUTRONS = `{"tunneling_ip": "${ADDRESS}", "tunnel_types": ["vxlan"], "l2_population": true}`;

for (const engine of ENGINES) {
  describe(`the row in agents of the agent before, on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    /** Writes `configurations` as the agent before; gives what stands in the row after two beats. */
    async function start() {
      const { database, settings } = await freshDatabase(server, 'ml2-zed');
      const beat = async (tunnelAddress: string | null): Promise<unknown[]> => {
        const heart = openHeartbeats(settings);
        const report = { upForMs: 0, devices: 1, interfaceMappings: new Map(), bridgeMappings: new Map() };
        for (const _ of [1, 2]) await heart.beat({ ...report, tunnelAddress });
        await heart.close();
        const [row] = await server.query('select configurations from agents', database);
        const { tunneling_ip, tunnel_types } = JSON.parse(String(row?.configurations));
        return [tunneling_ip, tunnel_types];
      };
      await beat(null);
      const leave = (configurations: string) =>
        server.query(`update agents set configurations = ${literal(configurations)}`, database);
      return { leave, beat };
    }

    it('the end of its tunnels and their types stay where the files name the same address, over restarts too', async () => {
      const { leave, beat } = await start();
      await leave(NEUTRONS);
      assert.deepEqual(await beat(ADDRESS), [ADDRESS, ['vxlan']]);
      assert.deepEqual(await beat(ADDRESS), [ADDRESS, ['vxlan']]);
    });

    it('only the address stays where the files name none or another, so that nothing new is bound here', async () => {
      const { leave, beat } = await start();
      for (const other of [null, '192.0.2.8']) {
        await leave(NEUTRONS);
        assert.deepEqual(await beat(other), [ADDRESS, []]);
      }
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
        assert.deepEqual(await beat(ADDRESS), ['', []], bad);
      }
    });
  });
}
