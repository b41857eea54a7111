import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import { portId } from '../../src/model/ids.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import type { Rows } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';

const PORT = '0a1b2c3d-4e5f-4000-8000-000000000001';
const GENERATIONS = ['grizzly', 'ml2-havana', 'ml2-zed'] as const;

for (const engine of ENGINES) {
  describe(`a status and the binding of its port on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());
    for (const generation of GENERATIONS)
      describe(`with the tables of ${generation}`, () => {
        /** The status that is left when `host1` writes on the strength of that binding. */
        async function written(
          [from, to, bound]: ['DOWN', 'ACTIVE', 'here'] | ['ACTIVE', 'DOWN', 'elsewhere'],
          prepare: (rows: Rows) => Promise<void>,
        ): Promise<unknown> {
          const { rows, settings } = await freshDatabase(server, generation);
          await prepare(rows);
          const agent = openDatabase(settings);
          await agent.writeStatuses([{ port: portId(PORT), from, to, bound }]);
          await agent.close();
          return rows.statusOf(PORT);
        }

        const boundTo = (host: string, status: string) => (rows: Rows) =>
          rows.port({ id: PORT, network: 'n1', host, status });

        it('is written while the port is bound here', async () => {
          assert.equal(await written(['DOWN', 'ACTIVE', 'here'], boundTo('host1', 'DOWN')), 'ACTIVE');
        });

        it('is not written when the port was bound to another host since it was read', async () => {
          assert.equal(await written(['DOWN', 'ACTIVE', 'here'], boundTo('host2', 'DOWN')), 'DOWN');
        });

        it('is taken back when the port is bound to another host', async () => {
          assert.equal(await written(['ACTIVE', 'DOWN', 'elsewhere'], boundTo('host2', 'ACTIVE')), 'DOWN');
        });

        it('is not taken back when the port has come back meanwhile', async () => {
          assert.equal(await written(['ACTIVE', 'DOWN', 'elsewhere'], boundTo('host1', 'ACTIVE')), 'ACTIVE');
        });

        if (generation === 'grizzly') return;

        it('is not written when another driver has bound the port here since it was read', async () => {
          const byOther = async (rows: Rows): Promise<void> => {
            await rows.port({ id: PORT, network: 'n1' });
            await rows.binding({ port: PORT, host: 'host1', vifType: 'ovs' });
          };
          assert.equal(await written(['DOWN', 'ACTIVE', 'here'], byOther), 'DOWN');
        });

        if (generation === 'ml2-havana') return;

        it('is taken back when the port is only to come here', async () => {
          const moved = async (rows: Rows): Promise<void> => {
            await rows.port({ id: PORT, network: 'n1', status: 'ACTIVE', host: 'host2' });
            await rows.binding({ port: PORT, host: 'host1', status: 'INACTIVE' });
          };
          assert.equal(await written(['ACTIVE', 'DOWN', 'elsewhere'], moved), 'DOWN');
        });
      });
  });
}
