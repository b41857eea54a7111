import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { Question, TapQuestion } from '../../src/model/database.js';
import { networkId, portId } from '../../src/model/ids.js';
import { ENGINES, freshDatabase } from '../support/schema-engines.js';
import { timed } from '../support/schema-probe.js';
import { type TestServer, waitUntil } from '../support/schema-servers.js';
import type { TestGeneration } from '../support/schema-tables.js';

const NETWORKS = 1000;
const TAPS = 100;
/** A question may touch a few rows more than it finds: ends of ranges, one lookup in each joined table. */
const ROWS_PER_TAP_MAX = 12;

const CASES: readonly { readonly generation: TestGeneration; readonly ports: number }[] = [
  { generation: 'folsom', ports: 100_000 },
  { generation: 'grizzly', ports: 1_000_000 },
  { generation: 'ml2-havana', ports: 100_000 },
  { generation: 'ml2-zed', ports: 100_000 },
];

for (const engine of ENGINES) {
  describe(`what a poll costs ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start(engine.name === 'MariaDB' ? { settings: ['userstat=1'] } : {});
    });
    after(() => server.destroy());

    for (const { generation, ports } of CASES) {
      it(`reads rows for ${TAPS} taps, not for ${ports} ports, in ${generation}`, async () => {
        const { database, settings } = await freshDatabase(server, generation);
        await fill(server, generation, database, ports);
        const before = await rowsRead(server, database);
        const agent = openDatabase(settings);
        const answers = [
          await agent.read(question('id', ports)),
          await agent.read(question('suffix', ports)),
        ];
        const tookMs = await timed(agent.read(question('id', ports)));
        await agent.close();
        const read = (await rowsRead(server, database)) - before;
        for (const answer of answers) assert.equal(answer.ports.length, TAPS);
        assert.ok(read >= 3 * TAPS, `${read} rows read: the witness does not count`);
        assert.ok(read <= 3 * TAPS * ROWS_PER_TAP_MAX, `${read} rows read`);
        assert.ok(tookMs < 250, `${tookMs} ms`);
      });
    }
  });
}

/** The id of a port, spread over the key as UUIDs are; the same as `ID_SQL` makes. */
const idOf = (at: number): string => {
  const hex = at.toString(16).padStart(8, '0');
  return `${[...hex].reverse().join('')}-${hex.slice(4)}-4000-8000-${hex.padStart(12, '0')}`;
};

const idSql = (engine: TestServer['engine']): string =>
  engine === 'postgresql'
    ? `reverse(lpad(to_hex(n), 8, '0')) || '-' || right(lpad(to_hex(n), 8, '0'), 4) || '-4000-8000-' || lpad(to_hex(n), 12, '0')`
    : `concat(reverse(lpad(lower(hex(n)), 8, '0')), '-', right(lpad(lower(hex(n)), 8, '0'), 4), '-4000-8000-', lpad(lower(hex(n)), 12, '0'))`;

function question(by: TapQuestion['by'], ports: number): Question {
  const ids = Array.from({ length: TAPS }, (_, at) => idOf(1 + Math.floor((at * ports) / TAPS)));
  return {
    taps: ids.map((id) =>
      by === 'id'
        ? { by, id: portId(id), wired: false }
        : { by: 'suffix', suffix: id.slice(0, 11), wired: false },
    ),
    bridges: [{ by: 'id', id: networkId('network-7') }],
  };
}

async function fill(
  server: TestServer,
  generation: TestGeneration,
  database: string,
  ports: number,
): Promise<void> {
  const isPostgres = server.engine === 'postgresql';
  const numbers = (count: number): string =>
    isPostgres ? `generate_series(1, ${count}) as n` : `(select seq as n from seq_1_to_${count}) as numbers`;
  const id = idSql(server.engine);
  const network = isPostgres ? `'network-' || n % ${NETWORKS}` : `concat('network-', n % ${NETWORKS})`;
  const ml2 = `insert into ml2_port_bindings (port_id, host, vif_type) select ${id}, 'host1', 'bridge' from ${numbers(ports)} order by 1`;
  const segments = (table: string): string =>
    `insert into ${table} (id, network_id, network_type, physical_network, segmentation_id)
     select ${network}, ${network}, 'vlan', 'physnet1', n from ${numbers(NETWORKS)}`;
  const bindings = `insert into network_bindings select ${network}, 'physnet1', n from ${numbers(NETWORKS)}`;
  const byGeneration: Readonly<Record<string, readonly string[]>> = {
    folsom: [bindings],
    grizzly: [
      bindings,
      `insert into portbindingports select ${id}, 'host1' from ${numbers(ports)} order by 1`,
    ],
    'ml2-havana': [segments('ml2_network_segments'), ml2],
    'ml2-zed': [
      segments('networksegments'),
      ml2,
      `insert into ml2_port_binding_levels (port_id, host, level, segment_id)
       select ${id}, 'host1', 0, ${network} from ${numbers(ports)} order by 1`,
    ],
  };
  const statements = [
    `insert into networks (id, name) select ${network}, 'n' from ${numbers(NETWORKS)}`,
    `insert into ports (id, network_id, admin_state_up, status, device_owner)
     select ${id}, ${network}, true, 'ACTIVE', '' from ${numbers(ports)} order by 1`,
    ...(byGeneration[generation] ?? []),
  ];
  for (const statement of statements) await server.query(statement, database);
  await server.query(isPostgres ? 'analyze' : 'analyze table ports, networks', database);
}

/** The server's own count of rows read from all tables of a database, when every session has reported its own. */
async function rowsRead(server: TestServer, database: string): Promise<number> {
  if (server.engine === 'mysql') {
    const [row] = await server.query(
      `select sum(rows_read) as total from information_schema.table_statistics where table_schema = '${database}'`,
    );
    return Number(row?.total);
  }
  const sessions = `select 1 from pg_stat_activity where datname = '${database}' and backend_type = 'client backend'`;
  await waitUntil(async () => (await server.query(sessions)).length === 0, 'every session has ended');
  const [row] = await server.query(
    'select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as total from pg_stat_user_tables',
    database,
  );
  return Number(row?.total);
}
