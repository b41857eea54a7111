import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type {
  Answer,
  BridgeQuestion,
  Database,
  StatusChange,
  TapQuestion,
} from '../../src/model/database.js';
import { networkId, portId } from '../../src/model/ids.js';
import { databaseSettings, ENGINES } from '../support/databases/engines.js';
import { type Rows, rowsOf } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';
import { createSchema, type TestGeneration } from '../support/databases/tables.js';

const NETWORK = '11111111-aaaa-4000-8000-000000000001';
const PORT = '0a1b2c3d-4e5f-4000-8000-000000000001';
const SAME_PREFIX = '0a1b2c3d-4eff-4000-8000-000000000002';
const OTHER = '99999999-9999-4000-8000-000000000003';

interface Words {
  readonly generation: TestGeneration;
  readonly name: string;
  readonly hasHosts: boolean;
  readonly active: string;
}

const GENERATIONS: readonly Words[] = [
  { generation: 'essex', name: 'essex', hasHosts: false, active: 'UP' },
  { generation: 'folsom', name: 'folsom', hasHosts: false, active: 'ACTIVE' },
  { generation: 'grizzly', name: 'grizzly', hasHosts: true, active: 'ACTIVE' },
  { generation: 'ml2-havana', name: 'ml2', hasHosts: true, active: 'ACTIVE' },
  { generation: 'ml2-zed', name: 'ml2', hasHosts: true, active: 'ACTIVE' },
];

const byId = (id: string, wired = false): TapQuestion => ({ by: 'id', id: portId(id), wired });
const bySuffix = (suffix: string, wired = false): TapQuestion => ({ by: 'suffix', suffix, wired });
const bridge = (id: string): BridgeQuestion => ({ by: 'id', id: networkId(id) });
const idsOf = (answer: Answer): readonly string[] => answer.ports.map(({ id }) => id).sort();

for (const engine of ENGINES) {
  describe(`one database contract on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());
    for (const { generation, name, hasHosts, active } of GENERATIONS) {
      describe(`with the tables of ${generation}`, () => {
        const database = `contract_${generation.replace('-', '_')}`;
        let rows: Rows;
        let agent: Database;

        const open = (readOnly = false): Database => {
          return openDatabase(databaseSettings(server, { servers: [server.client({ database })], readOnly }));
        };
        const ask = (
          taps: readonly TapQuestion[],
          bridges: readonly BridgeQuestion[] = [],
        ): Promise<Answer> => agent.read({ taps, bridges });

        before(async () => {
          await server.createDatabase(database);
          await createSchema(server, generation, database);
          rows = rowsOf(server, generation, database);
          agent = open();
        });
        after(() => agent.close());
        beforeEach(() => rows.clear());

        it('tells the generation and whether it has hosts', async () => {
          const answer = await ask([]);
          assert.deepEqual([answer.generation, answer.hasHosts], [name, hasHosts]);
        });

        it('finds a port by its whole id', async () => {
          await rows.port({ id: PORT, network: NETWORK });
          assert.deepEqual(idsOf(await ask([byId(PORT), byId(OTHER)])), [PORT]);
        });

        it('finds every port whose id begins with the 11 characters of a tap', async () => {
          await rows.port({ id: PORT, network: NETWORK });
          await rows.port({ id: SAME_PREFIX, network: NETWORK });
          await rows.port({ id: OTHER, network: NETWORK });
          assert.deepEqual(idsOf(await ask([bySuffix('0a1b2c3d-4e')])), [PORT, SAME_PREFIX]);
        });

        it('takes a suffix shorter than 11 characters for a whole id', async () => {
          await rows.port({ id: 'port-1', network: NETWORK });
          await rows.port({ id: 'port-10', network: NETWORK });
          assert.deepEqual(idsOf(await ask([bySuffix('port-1')])), ['port-1']);
        });

        it('does not take an id in other letters for the one asked for', async () => {
          await rows.port({ id: PORT.toUpperCase(), network: NETWORK });
          assert.deepEqual(idsOf(await ask([byId(PORT), bySuffix('0a1b2c3d-4e')])), []);
        });

        it('asks a tap’s suffix as a value, whatever it holds', async () => {
          await rows.port({ id: PORT, network: NETWORK });
          assert.deepEqual(idsOf(await ask([bySuffix("' or ''='"), bySuffix('%'), bySuffix('a\\')])), []);
        });

        it('reads thousands of ports in one snapshot', async () => {
          const ids = Array.from(
            { length: 2500 },
            (_, at) => `${String(at).padStart(8, '0')}-0000-4000-8000-x`,
          );
          await rows.port({ id: ids[0] ?? '', network: NETWORK });
          await rows.port({ id: ids[2499] ?? '', network: NETWORK });
          const taps = ids.flatMap((id, at) => (at % 5 ? [byId(id)] : [bySuffix(id.slice(0, 11))]));
          assert.deepEqual(idsOf(await ask(taps)), [ids[0], ids[2499]]);
        });

        it('reads admin state, status and the words for it', async () => {
          await rows.port({ id: PORT, network: NETWORK, status: active });
          await rows.port({ id: OTHER, network: NETWORK, adminUp: false, status: null });
          const answer = await ask([byId(PORT), byId(OTHER)]);
          const read = answer.ports.map(({ id, adminUp, status, statusWords, networkId: network }) => ({
            id,
            adminUp,
            status,
            statusWords,
            network,
          }));
          const statusWords = { active, down: 'DOWN' };
          assert.deepEqual(
            read.sort((a, b) => (a.id < b.id ? -1 : 1)),
            [
              { id: PORT, adminUp: true, status: active, statusWords, network: NETWORK },
              { id: OTHER, adminUp: false, status: null, statusWords, network: NETWORK },
            ],
          );
        });

        it('reads a VLAN network with its port', async () => {
          await rows.port({ id: PORT, network: NETWORK });
          await rows.network({ id: NETWORK, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 100 });
          const { networks } = await ask([byId(PORT)]);
          const physicalNetwork = generation === 'essex' ? 'physical_interface' : 'physnet1';
          assert.deepEqual(
            networks.map(({ id, rowPresent, segments }) => ({ id, rowPresent, segments })),
            [{ id: NETWORK, rowPresent: true, segments: [{ kind: 'vlan', physicalNetwork, vlanId: 100 }] }],
          );
        });

        it('finds the network of a bridge that no port belongs to, by id and by prefix', async () => {
          await rows.network({ id: NETWORK, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 7 });
          const found = async (question: BridgeQuestion): Promise<readonly string[]> =>
            (await ask([], [question])).networks.map(({ id }) => id);
          assert.deepEqual(await found(bridge(NETWORK)), [NETWORK]);
          assert.deepEqual(await found({ by: 'suffix', suffix: NETWORK.slice(0, 11) }), [NETWORK]);
        });

        it('tells a network without binding, a binding without network, and neither apart', async () => {
          await rows.network({ id: NETWORK });
          await rows.segment(OTHER, { id: OTHER, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 9 });
          const { networks } = await ask([], [bridge(NETWORK), bridge(OTHER), bridge(PORT)]);
          const told = new Map(
            networks.map(({ id, rowPresent, segments }) => [`${id}`, [rowPresent, segments.length]]),
          );
          assert.deepEqual(
            told,
            new Map([
              [NETWORK, [true, 0]],
              [OTHER, [false, 1]],
            ]),
          );
        });

        it('gives a VLAN id that cannot be as a bad segment of that network only', async () => {
          await rows.network({ id: NETWORK, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 5000 });
          await rows.network({ id: OTHER, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 8 });
          const { networks } = await ask([], [bridge(NETWORK), bridge(OTHER)]);
          const codes = networks.map(({ segments: [segment] }) =>
            segment?.kind === 'bad' ? segment.code : segment?.kind,
          );
          assert.deepEqual(codes.sort(), ['VLAN_ID_INVALID', 'vlan']);
        });

        it('names a port with a NULL admin state or network in a warning and serves the others', async () => {
          await rows.port({ id: PORT, network: null });
          await rows.port({ id: SAME_PREFIX, network: NETWORK, adminUp: null });
          await rows.port({ id: OTHER, network: NETWORK });
          const answer = await ask([bySuffix('0a1b2c3d-4e'), byId(OTHER)]);
          assert.deepEqual(idsOf(answer), [OTHER]);
          assert.deepEqual(answer.warnings.map(({ code, port }) => [code, port]).sort(), [
            ['PORT_BAD_ROW', PORT],
            ['PORT_BAD_ROW', SAME_PREFIX],
          ]);
        });

        it('names the device of a bad row, also where that is not named after the port’s id', async () => {
          const named = generation === 'essex' ? OTHER : PORT;
          await rows.port({ id: PORT, network: null, interfaceId: named });
          const { warnings } = await ask([bySuffix(named.slice(0, 11))]);
          assert.deepEqual(
            warnings.map(({ port, device }) => [port, device]),
            [[PORT, `tap${named.slice(0, 11)}`]],
          );
        });

        if (generation === 'essex') {
          it('names the device of a bad row that is called like its interface id', async () => {
            await rows.port({ id: PORT, network: null, interfaceId: 'gw-0a1b2c3d-4e' });
            const { warnings } = await ask([{ by: 'device', device: 'gw-0a1b2c3d-4e', wired: true }]);
            assert.deepEqual(
              warnings.map(({ device }) => device),
              ['gw-0a1b2c3d-4e'],
            );
          });
        }

        it('shows what a bad row holds in bounded, printable text', async () => {
          await rows.port({ id: PORT, network: `evil\n\u001b[31m/${'x'.repeat(20)}` });
          const [warning] = (await ask([byId(PORT)])).warnings;
          assert.match(warning?.message ?? '', /network_id "evil\\u\{a\}\\u\{1b\}\[31m\/x{20}"/);
        });

        it('writes a status only over the one it was read as', async () => {
          await rows.port({ id: PORT, network: NETWORK, status: 'DOWN' });
          await rows.port({ id: OTHER, network: NETWORK, status: 'ERROR' });
          const change = (id: string): StatusChange => ({
            port: portId(id),
            from: 'DOWN',
            to: active,
            bound: 'anywhere',
          });
          assert.equal(await agent.writeStatuses([change(PORT), change(OTHER), change(SAME_PREFIX)]), 1);
          assert.deepEqual([await rows.statusOf(PORT), await rows.statusOf(OTHER)], [active, 'ERROR']);
        });

        it('writes a status where there was none', async () => {
          await rows.port({ id: PORT, network: NETWORK, status: null });
          assert.equal(
            await agent.writeStatuses([{ port: portId(PORT), from: null, to: active, bound: 'anywhere' }]),
            1,
          );
          assert.equal(await rows.statusOf(PORT), active);
        });

        it('writes nothing when it is read-only', async () => {
          await rows.port({ id: PORT, network: NETWORK, status: 'DOWN' });
          const reader = open(true);
          assert.equal(
            await reader.writeStatuses([{ port: portId(PORT), from: 'DOWN', to: active, bound: 'anywhere' }]),
            0,
          );
          await reader.close();
          assert.equal(await rows.statusOf(PORT), 'DOWN');
        });

        it('names empty tables only when something that is here has no row', async () => {
          const silent = await ask([byId(PORT)]);
          const wired = await ask([byId(PORT, true)]);
          const bindings = silent.generation === 'ml2' ? /segments$/ : /^(network|vlan)_bindings$/;
          assert.deepEqual(silent.emptyTables, []);
          assert.equal(wired.emptyTables[0], 'ports');
          assert.match(wired.emptyTables[1] ?? '', bindings);
          await rows.port({ id: OTHER, network: NETWORK });
          await rows.network({ id: NETWORK, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 3 });
          assert.deepEqual((await ask([byId(PORT, true)], [bridge(OTHER)])).emptyTables, []);
        });

        it('names empty tables when a wired tap of an unknown port has no row, and no bridge is the agent’s', async () => {
          const inMappedBridge = bySuffix('0a1b2c3d-4e', true);
          assert.equal((await ask([inMappedBridge])).emptyTables[0], 'ports');
          assert.deepEqual((await ask([bySuffix('0a1b2c3d-4e')])).emptyTables, []);
          await rows.port({ id: PORT, network: NETWORK });
          await rows.network({ id: NETWORK });
          assert.deepEqual((await ask([inMappedBridge])).emptyTables, []);
        });

        it('names an empty bindings table when the bridge’s network row is still there', async () => {
          await rows.port({ id: OTHER, network: NETWORK });
          await rows.network({ id: NETWORK });
          assert.equal((await ask([], [bridge(NETWORK)])).emptyTables.length, 1);
        });
      });
    }
  });
}
