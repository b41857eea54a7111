import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Question } from '../../src/model/database.js';
import { networkId, portId } from '../../src/model/ids.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { statementsDuring } from '../support/databases/probe.js';
import type { TestServer } from '../support/databases/servers.js';

const N = '11111111-aaaa-4000-8000-000000000001';
const P = '0a1b2c3d-4e5f-4000-8000-000000000001';
const QUESTION: Question = {
  taps: [{ by: 'id', id: portId(P), wired: false }],
  bridges: [{ by: 'id', id: networkId(N) }],
};

const HOSTILE_MYSQL = [
  'sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT',
  'autocommit=0',
  'transaction-isolation=READ-UNCOMMITTED',
  'default-time-zone=+12:00',
  'collation-server=latin1_swedish_ci',
  'character-set-server=latin1',
] as const;

/** Defaults of a server that would change what statements mean, were they taken over. */
const HOSTILE = {
  PostgreSQL: [
    'standard_conforming_strings=off',
    'default_transaction_isolation=serializable',
    'TimeZone=Pacific/Auckland',
    'client_encoding=LATIN1',
    'statement_timeout=0',
  ],
  MariaDB: HOSTILE_MYSQL,
  MySQL: HOSTILE_MYSQL,
} as const;

for (const engine of ENGINES) {
  describe(`transactions on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    for (const generation of ['essex', 'folsom', 'grizzly', 'ml2-havana', 'ml2-zed'] as const) {
      it(`a poll of ${generation} in the steady state is one transaction with three SELECTs`, async () => {
        const { rows, settings } = await freshDatabase(server, generation);
        await rows.network({ id: N, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 5 });
        await rows.port({ id: P, network: N });
        const agent = openDatabase(settings);
        await agent.read(QUESTION);
        const statements = await statementsDuring(server, () => agent.read(QUESTION));
        await agent.close();
        const verbs = statements.flatMap(
          (text) => text.match(/(^|; )(begin|start|select|commit|set|show)/gi) ?? [],
        );
        assert.deepEqual(
          verbs.map((verb) => verb.toLowerCase().replace('; ', '').replace('start', 'begin')),
          // On PostgreSQL one setting is put back for the transaction, which another client of a pooler may have changed.
          ['begin', ...(engine.name === 'PostgreSQL' ? ['set'] : []), 'select', 'select', 'select', 'commit'],
          statements.join('\n'),
        );
      });
    }

    it('sees one moment while another session moves a port from network to network', async () => {
      const { database, rows, settings } = await freshDatabase(server, 'folsom');
      await rows.network({ id: 'n0', type: 'local' });
      await rows.port({ id: P, network: 'n0' });
      const agent = openDatabase(settings);
      let isOver = false;
      const moving = (async () => {
        for (let at = 0; !isOver; at += 1) {
          const [from, to] = [`n${at % 2}`, `n${(at + 1) % 2}`];
          await server.query(
            `begin; insert into networks (id) values ('${to}');
             insert into network_bindings (network_id, vlan_id) values ('${to}', -2);
             update ports set network_id = '${to}'; delete from networks where id = '${from}';
             delete from network_bindings where network_id = '${from}'; commit`,
            database,
          );
        }
      })();
      const torn: string[] = [];
      const seen = new Set<string>();
      for (let at = 0; at < 300; at += 1) {
        const { ports, networks } = await agent.read(QUESTION);
        const id = ports[0]?.networkId ?? 'none';
        seen.add(id);
        if (
          !networks.some(
            (network) => network.id === id && network.rowPresent && network.segments.length === 1,
          )
        ) {
          torn.push(id);
        }
      }
      isOver = true;
      await moving;
      await agent.close();
      assert.deepEqual(torn, []);
      assert.deepEqual([...seen].sort(), ['n0', 'n1'], 'the port did move during the test');
    });

    it('read_only: not one write reaches the server', async () => {
      const { rows, settings } = await freshDatabase(server, 'grizzly');
      await rows.port({ id: P, network: N });
      const agent = openDatabase({ ...settings, readOnly: true });
      const statements = await statementsDuring(server, async () => {
        await agent.read(QUESTION);
        await agent.writeStatuses([{ port: portId(P), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' }]);
        await agent.close();
      });
      assert.ok(statements.length > 3);
      assert.deepEqual(
        statements.filter((text) => /\b(update|insert|delete|create|alter|drop|replace)\b/i.test(text)),
        [],
      );
    });

    it('calls that come at the same time do not mix', async () => {
      const { rows, settings } = await freshDatabase(server, 'grizzly');
      await rows.port({ id: P, network: N });
      const agent = openDatabase(settings);
      const [first, written, second] = await Promise.all([
        agent.read(QUESTION),
        agent.writeStatuses([{ port: portId(P), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' }]),
        agent.read(QUESTION),
      ]);
      await agent.close();
      assert.deepEqual([first.ports[0]?.status, written, second.ports[0]?.status], ['DOWN', 1, 'ACTIVE']);
    });
  });

  it(`does not depend on the defaults of ${engine.name}`, async () => {
    const server = await engine.start({ settings: HOSTILE[engine.name] });
    try {
      const { rows, settings } = await freshDatabase(server, 'grizzly');
      await rows.port({ id: P, network: N });
      const agent = openDatabase(settings);
      const taps = [`a\\'b`, 'x"y', P].map((suffix) => ({ by: 'suffix', suffix, wired: false }) as const);
      assert.deepEqual(
        (await agent.read({ taps, bridges: [] })).ports.map(({ id }) => id),
        [P],
      );
      assert.equal(
        await agent.writeStatuses([{ port: portId(P), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' }]),
        1,
      );
      await agent.close();
      assert.equal(await rows.statusOf(P), 'ACTIVE');
    } finally {
      await server.destroy();
    }
  });
}
