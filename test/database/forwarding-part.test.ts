import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Database, Question } from '../../src/model/database.js';
import { networkId, portId } from '../../src/model/ids.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import type { Rows } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';

const [TUNNELLED, FLAT] = ['11111111-aaaa-4000-8000-000000000001', '22222222-aaaa-4000-8000-000000000002'];
const [HERE, THERE, OTHER] = ['0a1b2c3d-4e5f-4000-8000-000000000001', '1a1b2c3d-4e5f', '2a1b2c3d-4e5f'];
const TAP: Question = { taps: [{ by: 'id', id: portId(HERE), wired: true }], bridges: [] };

for (const engine of ENGINES) {
  describe(`an answer's part about tunnels, on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    /** A port here and one on host2, both of one network. */
    async function opened(
      tunnels: boolean,
    ): Promise<{ rows: Rows; agent: Database; forget: () => Promise<unknown> }> {
      const { rows, settings, database } = await freshDatabase(server, 'ml2-zed');
      await rows.network({ id: TUNNELLED, type: 'vxlan', vlanId: 1001 });
      await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
      for (const [port, host] of [
        [HERE, 'host1'],
        [THERE, 'host2'],
      ] as const) {
        await rows.port({ id: port, network: TUNNELLED });
        await rows.binding({ port, host, segment: TUNNELLED });
      }
      const forget = () => server.query('delete from ml2_port_binding_levels', database);
      return { rows, agent: openDatabase({ ...settings, tunnels }), forget };
    }

    it('is read for the networks that have a tap here, and is the same object where nothing has changed', async () => {
      const { rows, agent } = await opened(true);
      const first = await agent.read(TAP);
      const tunnel = { segment: TUNNELLED, network: networkId(TUNNELLED), vni: 1001 };
      assert.deepEqual(first.forwarding?.tunnels, [tunnel]);
      assert.deepEqual(first.forwarding?.hosts.get(TUNNELLED), ['host1', 'host2']);
      for (let poll = 0; poll < 3; poll++) assert.equal(await agent.read(TAP), first);
      await rows.port({ id: OTHER, network: TUNNELLED });
      await rows.binding({ port: OTHER, host: 'host3', segment: TUNNELLED });
      const second = await agent.read(TAP);
      assert.deepEqual(second.forwarding?.hosts.get(TUNNELLED), ['host1', 'host2', 'host3']);
      assert.deepEqual(second.ports, first.ports);
      await agent.close();
    });

    it('goes with the last tap, and comes with the first', async () => {
      const { agent } = await opened(true);
      const none: Question = { taps: [], bridges: [{ by: 'id', id: networkId(TUNNELLED) }] };
      assert.equal((await agent.read(none)).forwarding, undefined);
      assert.equal((await agent.read(TAP)).forwarding?.tunnels.length, 1);
      assert.equal((await agent.read(none)).forwarding, undefined);
      await agent.close();
    });

    it('is absent where this host serves no tunnels, or the network has none', async () => {
      const without = await opened(false);
      assert.equal((await without.agent.read(TAP)).forwarding, undefined);
      await without.agent.close();
      const { rows, agent } = await opened(true);
      await rows.port({ id: OTHER, network: FLAT });
      const question: Question = { taps: [{ by: 'id', id: portId(OTHER), wired: true }], bridges: [] };
      assert.equal((await agent.read(question)).forwarding, undefined);
      await agent.close();
    });

    it('comes with the tables that are wholly empty, where no port of its networks is bound to this host any more', async () => {
      const { rows, agent, forget } = await opened(true);
      assert.deepEqual((await agent.read(TAP)).emptyTables, []);
      await forget();
      for (let poll = 0; poll < 2; poll++) {
        const { emptyTables, forwarding } = await agent.read(TAP);
        assert.deepEqual(forwarding?.hosts.get(TUNNELLED), []);
        assert.deepEqual(emptyTables, ['ml2_port_binding_levels', 'agents']);
      }
      await rows.binding({ port: THERE, host: 'host2', segment: TUNNELLED, level: 1 });
      assert.deepEqual((await agent.read(TAP)).emptyTables, ['agents']);
      await rows.binding({ port: HERE, host: 'host1', segment: TUNNELLED, level: 1 });
      assert.deepEqual((await agent.read(TAP)).emptyTables, []);
      await agent.close();
    });

    it('tells whose a VNI is where it is asked', async () => {
      const { agent } = await opened(true);
      const { forwarding } = await agent.read({ taps: [], bridges: [], vnis: [1001, 7] });
      assert.deepEqual([...(forwarding?.vnis ?? [])], [[1001, [TUNNELLED]]]);
      await agent.close();
    });
  });
}
