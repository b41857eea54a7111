import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Database, TapQuestion } from '../../src/model/database.js';
import { networkId, portId } from '../../src/model/ids.js';
import type { Network, Port, Segment } from '../../src/model/port.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import type { Rows } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';
import type { TestGeneration } from '../support/databases/tables.js';

const N = '11111111-aaaa-4000-8000-000000000001';
const P = '0a1b2c3d-4e5f-4000-8000-000000000001';

for (const engine of ENGINES) {
  describe(`what only some generations have, on ${engine.name}`, () => {
    let server: TestServer;
    const open: Database[] = [];
    before(async () => {
      server = await engine.start();
    });
    afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));
    after(() => server.destroy());

    async function start(generation: TestGeneration): Promise<{ rows: Rows; agent: Database }> {
      const { rows, settings } = await freshDatabase(server, generation);
      const agent = openDatabase(settings);
      open.push(agent);
      return { rows, agent };
    }
    const askPort = async (agent: Database, tap: TapQuestion): Promise<Port | undefined> =>
      (await agent.read({ taps: [tap], bridges: [] })).ports[0];
    const byId = (agent: Database, id = P): Promise<Port | undefined> =>
      askPort(agent, { by: 'id', id: portId(id), wired: false });
    const network = async (agent: Database, id = N): Promise<Network | undefined> =>
      (await agent.read({ taps: [], bridges: [{ by: 'id', id: networkId(id) }] })).networks[0];
    const segments = async (agent: Database): Promise<readonly Segment[]> =>
      (await network(agent))?.segments ?? [];

    for (const generation of ['folsom', 'grizzly'] as const) {
      it(`${generation}: vlan_id -1 is flat, -2 is local`, async () => {
        const { rows, agent } = await start(generation);
        await rows.network({ id: N, type: 'flat', physicalNetwork: 'physnet2' });
        assert.deepEqual(await segments(agent), [{ kind: 'flat', physicalNetwork: 'physnet2' }]);
        await rows.clear();
        await rows.network({ id: N, type: 'local' });
        assert.deepEqual(await segments(agent), [{ kind: 'local' }]);
      });

      it(`${generation}: a NULL physical network makes a flat or VLAN binding bad`, async () => {
        const { rows, agent } = await start(generation);
        for (const row of [{ type: 'flat' }, { type: 'vlan', vlanId: 5 }] as const) {
          await rows.network({ id: N, physicalNetwork: null, ...row });
          const [segment] = await segments(agent);
          assert.equal(segment?.kind === 'bad' ? segment.code : segment?.kind, 'PHYSICAL_NETWORK_MISSING');
          await rows.clear();
        }
      });

      for (const vlanId of [0, 4095, -3, null]) {
        it(`${generation}: vlan_id ${vlanId} is bad`, async () => {
          const { rows, agent } = await start(generation);
          await rows.network({ id: N, type: 'vlan', physicalNetwork: 'physnet1', vlanId });
          const [segment] = await segments(agent);
          const problem = vlanId === null ? 'vlan_id is NULL' : `vlan_id is "${vlanId}"`;
          assert.deepEqual(segment, { kind: 'bad', code: 'VLAN_ID_INVALID', problem });
        });
      }
    }

    it('folsom: no port has a host, none is plugged by the hypervisor', async () => {
      const { rows, agent } = await start('folsom');
      await rows.port({ id: P, network: N, deviceOwner: 'compute:nova' });
      const port = await byId(agent);
      assert.deepEqual([port?.binding, port?.pluggedByHypervisor], [{ kind: 'unhosted' }, false]);
    });

    for (const generation of ['grizzly', 'ml2-havana', 'ml2-zed'] as const) {
      it(`${generation}: the host of a port is here, elsewhere, or not said`, async () => {
        const { rows, agent } = await start(generation);
        const binding = async (host?: string): Promise<unknown> => {
          await rows.clear();
          await rows.port({ id: P, network: N, ...(host !== undefined && { host }) });
          return (await byId(agent))?.binding;
        };
        assert.deepEqual(await binding('host1'), { kind: 'here' });
        assert.deepEqual(await binding('HOST1'), { kind: 'elsewhere', host: 'HOST1' });
        assert.deepEqual(await binding('host2'), { kind: 'elsewhere', host: 'host2' });
        assert.deepEqual(await binding(''), { kind: 'unhosted' });
        assert.deepEqual(await binding(), { kind: 'unhosted' });
      });

      it(`${generation}: a service’s port that is bound to another host stands by here`, async () => {
        const { rows, agent } = await start(generation);
        await rows.port({ id: P, network: N, deviceOwner: 'network:router_interface', host: 'host2' });
        const port = await byId(agent);
        assert.deepEqual([port?.binding, port?.segment], [{ kind: 'standby', host: 'host2' }, null]);
      });

      it(`${generation}: a virtual machine’s port is plugged by the hypervisor`, async () => {
        const { rows, agent } = await start(generation);
        await rows.port({ id: P, network: N, deviceOwner: 'compute:nova' });
        assert.equal((await byId(agent))?.pluggedByHypervisor, true);
        await rows.clear();
        await rows.port({ id: P, network: N, deviceOwner: 'network:dhcp' });
        assert.equal((await byId(agent))?.pluggedByHypervisor, false);
      });
    }

    for (const generation of ['ml2-havana', 'ml2-zed'] as const) {
      for (const vifType of ['ovs', 'unbound', 'binding_failed']) {
        it(`${generation}: vif_type ${vifType} is another driver’s`, async () => {
          const { rows, agent } = await start(generation);
          await rows.port({ id: P, network: N });
          await rows.binding({ port: P, host: 'host1', vifType });
          assert.deepEqual((await byId(agent))?.binding, { kind: 'other-driver', vifType });
        });
      }

      it(`${generation}: the binding names the segment of its port`, async () => {
        const { rows, agent } = await start(generation);
        await rows.network({ id: N, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 10 });
        await rows.segment('s2', { id: N, type: 'vlan', physicalNetwork: 'physnet2', vlanId: 20 });
        await rows.port({ id: P, network: N });
        await rows.binding({ port: P, host: 'host1', segment: 's2' });
        assert.deepEqual((await byId(agent))?.segment, {
          kind: 'vlan',
          physicalNetwork: 'physnet2',
          vlanId: 20,
        });
        assert.equal((await segments(agent)).length, 2);
      });

      it(`${generation}: a port whose binding names no segment leaves it to the network`, async () => {
        const { rows, agent } = await start(generation);
        await rows.network({ id: N, type: 'flat', physicalNetwork: 'physnet1' });
        await rows.port({ id: P, network: N, host: 'host1' });
        assert.equal((await byId(agent))?.segment, null);
        assert.deepEqual(await segments(agent), [{ kind: 'flat', physicalNetwork: 'physnet1' }]);
      });

      it(`${generation}: a VXLAN segment is of a kind that cannot be made`, async () => {
        const { rows, agent } = await start(generation);
        await rows.network({ id: N, type: 'vxlan', vlanId: 1001 });
        assert.deepEqual(await segments(agent), [{ kind: 'vxlan', vni: 1001 }]);
      });
    }

    it('ml2-zed: of several levels the highest tells the segment', async () => {
      const { rows, agent } = await start('ml2-zed');
      await rows.network({ id: N, type: 'vxlan', vlanId: 7 });
      await rows.segment('s1', { id: N, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 33 });
      await rows.port({ id: P, network: N });
      await rows.binding({ port: P, host: 'host1', segment: N });
      await rows.binding({ port: P, host: 'host1', segment: 's1', level: 1 });
      assert.deepEqual((await byId(agent))?.segment, {
        kind: 'vlan',
        physicalNetwork: 'physnet1',
        vlanId: 33,
      });
    });

    it('ml2-zed: an INACTIVE binding for this host is an arriving port, on the source it stays here', async () => {
      const { rows, agent } = await start('ml2-zed');
      await rows.port({ id: P, network: N, host: 'host2' });
      await rows.binding({ port: P, host: 'host1', status: 'INACTIVE' });
      assert.deepEqual((await byId(agent))?.binding, { kind: 'arriving' });
      await rows.clear();
      await rows.port({ id: P, network: N, host: 'host1' });
      await rows.binding({ port: P, host: 'host2', status: 'INACTIVE' });
      assert.deepEqual((await byId(agent))?.binding, { kind: 'here' });
    });

    it('ml2-zed: networks have an MTU', async () => {
      const { rows, agent } = await start('ml2-zed');
      await rows.network({ id: N, type: 'local' });
      assert.equal((await network(agent))?.mtu, 1500);
    });

    it('essex: the tap is named after interface_id, which may be the device itself', async () => {
      const { rows, agent } = await start('essex');
      await rows.port({ id: 'port-a', network: N, interfaceId: P });
      await rows.port({ id: 'port-b', network: N, interfaceId: 'gw-0a1b2c3d-4e' });
      await rows.port({ id: 'port-c', network: N, interfaceId: null });
      const tap = await askPort(agent, { by: 'suffix', suffix: P.slice(0, 11), wired: false });
      const gateway = await askPort(agent, { by: 'device', device: 'gw-0a1b2c3d-4e', wired: false });
      assert.deepEqual([tap?.id, tap?.interfaceId, tap?.deviceName], ['port-a', P, null]);
      assert.deepEqual([gateway?.id, gateway?.deviceName], ['port-b', 'gw-0a1b2c3d-4e']);
      assert.equal((await byId(agent, 'port-c'))?.interfaceId, '');
    });
  });
}
