import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Answer, Question, TapQuestion } from '../../src/model/database.js';
import { networkId, portId } from '../../src/model/ids.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { statementsDuring } from '../support/databases/probe.js';
import type { TestServer } from '../support/databases/servers.js';

const NETWORKS = [1, 2, 3].map((n) => `1111111${n}-aaaa-4000-8000-000000000001`);
const PORTS = [1, 2, 3].map((n) => `2222222${n}-bbbb-4000-8000-000000000001`);
const [N1 = '', N2 = '', N3 = ''] = NETWORKS;
const [P1 = '', P2 = '', P3 = ''] = PORTS;

const taps = (ids: readonly string[], wired = true): TapQuestion[] =>
  ids.map((id) => ({ by: 'id', id: portId(id), wired }));
const question = (taps: readonly TapQuestion[], bridges: readonly string[]): Question => ({
  taps,
  bridges: bridges.map((id) => ({ by: 'id', id: networkId(id) })),
});

const TWO = question(taps([P1, P2]), [N1, N2]);

/** What happens between two polls, and what is asked then. */
const STEPS: readonly (readonly [what: string, sql: string | null, asked: Question])[] = [
  ['nothing', null, TWO],
  ['a status', `update ports set status = 'ACTIVE' where id = '${P1}'`, TWO],
  ['a port is set down', `update ports set admin_state_up = false where id = '${P2}'`, TWO],
  [
    'a network has another segment',
    `update network_bindings set vlan_id = 9 where network_id = '${N1}'`,
    TWO,
  ],
  ['both at once', `update ports set admin_state_up = true; update network_bindings set vlan_id = 10`, TWO],
  ['a port moves to a network that is here', `update ports set network_id = '${N2}' where id = '${P1}'`, TWO],
  ['a port moves to another network', `update ports set network_id = '${N3}' where id = '${P1}'`, TWO],
  ['the bridges are gone', null, question(taps([P1, P2]), [])],
  [
    'a network is named by nobody any more',
    `update ports set network_id = '${N2}' where id = '${P1}'`,
    question(taps([P1, P2]), []),
  ],
  ['a port of a network that is here comes', null, question(taps([P1, P2, P3]), [N1, N2])],
  ['its bridge is made', null, question(taps([P1, P2, P3]), NETWORKS)],
  ['the taps go', null, question(taps([P1, P2, P3], false), NETWORKS)],
  [
    'a row goes while its tap is away',
    `delete from ports where id = '${P3}'`,
    question(taps([P3], false), NETWORKS),
  ],
  ['and its tap is back', null, question(taps([P3], true), NETWORKS)],
  ['a wired port loses its row', `delete from ports where id = '${P2}'`, TWO],
  ['every row of ports goes', 'delete from ports', TWO],
  ['and a network as well', `delete from network_bindings where network_id = '${N2}'`, TWO],
];

/** In an order of its own. */
const inOrder = (answer: Answer): Answer => ({
  ...answer,
  ports: answer.ports.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  networks: answer.networks.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
});

for (const engine of ENGINES) {
  describe(`one connection, poll after poll, on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    it('answers as a new connection would, whatever has changed since the poll before', async () => {
      const { database, rows, settings } = await freshDatabase(server, 'grizzly');
      for (const [at, id] of NETWORKS.entries()) {
        await rows.network({ id, type: 'vlan', physicalNetwork: 'physnet1', vlanId: at + 1 });
      }
      for (const [id, network] of [
        [P1, N1],
        [P2, N2],
        [P3, N2],
      ] as const) {
        await rows.port({ id, network, host: settings.host });
      }
      const agent = openDatabase(settings);
      await agent.read(TWO);
      for (const [what, sql, asked] of STEPS) {
        if (sql !== null) await server.query(sql, database);
        const stranger = openDatabase(settings);
        const [answer, expected] = [await agent.read(asked), await stranger.read(asked)];
        await stranger.close();
        assert.deepEqual(inOrder(answer), inOrder(expected), what);
      }
      await agent.close();
    });

    it('tells of a table that was emptied since the poll before', async () => {
      const { database, rows, settings } = await freshDatabase(server, 'grizzly');
      await rows.network({ id: N1, type: 'local' });
      await rows.port({ id: P1, network: N1, host: settings.host });
      const agent = openDatabase(settings);
      const asked = question(taps([P1]), [N1]);
      assert.deepEqual((await agent.read(asked)).emptyTables, []);
      await server.query('delete from ports', database);
      assert.deepEqual((await agent.read(asked)).emptyTables, ['ports']);
      await agent.close();
    });

    it('a row that changes costs no second transaction while its network stays the same', async () => {
      const { database, rows, settings } = await freshDatabase(server, 'grizzly');
      await rows.network({ id: N1, type: 'local' });
      await rows.port({ id: P1, network: N1, host: settings.host });
      const agent = openDatabase(settings);
      const asked = question(taps([P1]), [N1]);
      await agent.read(asked);
      await server.query(`update ports set admin_state_up = false`, database);
      const statements = await statementsDuring(server, async () => {
        assert.equal((await agent.read(asked)).ports[0]?.adminUp, false);
      });
      await agent.close();
      const begins = statements.join('; ').match(/\b(begin|start transaction)\b/gi) ?? [];
      assert.equal(begins.length, 1, statements.join('\n'));
    });
  });
}
