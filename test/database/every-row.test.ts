import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectTo, disconnect } from '../../src/database/connect.js';
import type { Connection, Snapshot } from '../../src/database/connection.js';
import { openDatabase } from '../../src/database/database.js';
import { detectGeneration, readSchema } from '../../src/database/generations/detect.js';
import { readSnapshot } from '../../src/database/read.js';
import { DatabaseError, type Question, type TapQuestion } from '../../src/model/database.js';
import { networkId, portId } from '../../src/model/ids.js';
import type { DatabaseSettings } from '../../src/model/settings.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { startMariadb } from '../support/databases/mariadb.js';
import { startPostgres } from '../support/databases/postgres.js';
import { failureOf } from '../support/databases/probe.js';
import { numbersSql } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';
import type { TestGeneration } from '../support/databases/tables.js';

const NETWORK = '11111111-aaaa-4000-8000-000000000001';
const PORTS = Array.from(
  { length: 12 },
  (_, at) => `${String(at).padStart(8, '0')}-bbbb-4000-8000-000000000001`,
);
const taps: readonly TapQuestion[] = PORTS.map((id) => ({ by: 'id', id: portId(id), wired: true }));
const ALL: Question = { taps, bridges: [{ by: 'id', id: networkId(NETWORK) }] };
const PREFIX = 'aaaaaaaa-aa';

/** Twelve ports of one network. */
async function twelve(server: TestServer, generation: TestGeneration = 'grizzly') {
  const fresh = await freshDatabase(server, generation);
  await fresh.rows.network({ id: NETWORK, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 5 });
  for (const id of PORTS) await fresh.rows.port({ id, network: NETWORK, host: 'host1' });
  return fresh;
}

const seen = async (settings: DatabaseSettings): Promise<number> => {
  const agent = openDatabase(settings);
  try {
    const { ports, networks } = await agent.read(ALL);
    assert.equal(networks[0]?.segments.length, 1);
    return ports.length;
  } finally {
    await agent.close();
  }
};

describe('a MariaDB that shows less than there is', () => {
  let server: TestServer;
  before(async () => {
    server = await startMariadb();
  });
  after(() => server.destroy());

  for (const limit of [0, 1, 10])
    it(`sql_select_limit = ${limit} on the whole server hides no row`, async () => {
      const { settings } = await twelve(server);
      await server.query(`set global sql_select_limit = ${limit}`);
      try {
        assert.equal(await seen(settings), PORTS.length);
      } finally {
        await server.query('set global sql_select_limit = 18446744073709551615');
      }
    });

  it('a limit that comes back under the agent, as through a pooler that gives it another session, hides no row', async () => {
    const { settings } = await twelve(server);
    const fresh = await connectTo(settings.servers[0], settings);
    await fresh.select(fresh.builder.raw('set session sql_select_limit = 1'));
    const { connection, schema } = await readSchema(fresh);
    const generation = detectGeneration(schema, 'the database');
    const { answer } = await readSnapshot({ connection, generation, heartbeat: null }, ALL, 'host1');
    await disconnect(connection);
    assert.equal(answer.ports.length, PORTS.length);
  });

  it('system_versioning_asof on the whole server shows no older state', async () => {
    const { database, settings } = await freshDatabase(server, null);
    await server.query(`set global system_versioning_asof = '2020-01-01'`);
    try {
      const connection = await connectTo(settings.servers[0], settings);
      await server.query(
        'create table versioned (id integer) with system versioning; insert into versioned values (1)',
        database,
      );
      assert.equal((await connection.select(connection.builder('versioned'))).length, 1);
      await disconnect(connection);
    } finally {
      await server.query('set global system_versioning_asof = default');
    }
  });
});

describe('a PostgreSQL that shows less than there is', () => {
  let server: TestServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.destroy());

  it('row security is told, and takes no row away', async () => {
    const { database, settings } = await twelve(server);
    const agent = openDatabase(settings);
    await agent.read(ALL);
    await server.query(
      `alter table ports enable row level security; alter table ports force row level security;
       create policy few on ports using (id > '00000001')`,
      database,
    );
    const failure = await failureOf(agent.read(ALL));
    assert.equal(failure.kind, 'rows-hidden');
    assert.match(failure.message, /has rows that user "quantum" may not see: .*"ports"/);
    await server.query('alter role quantum bypassrls');
    assert.equal((await agent.read(ALL)).ports.length, PORTS.length);
    await server.query('alter role quantum nobypassrls');
    await agent.close();
  });

  it('row security is told also where the session has lost its settings, as behind a pooler', async () => {
    const { database, settings } = await twelve(server);
    await server.query(
      `alter table ports enable row level security; alter table ports force row level security;
       create policy few on ports using (id > '00000001')`,
      database,
    );
    const fresh = await connectTo(settings.servers[0], settings);
    await fresh.select(fresh.builder.raw('reset all'));
    const { connection, schema } = await readSchema(fresh);
    const generation = detectGeneration(schema, 'the database');
    const reading = readSnapshot({ connection, generation, heartbeat: null }, ALL, 'host1');
    await assert.rejects(reading, /row-level security/);
    connection.cut();
  });

  it("tables in a schema of the role's own name do not come before those of public", async () => {
    const { database, settings, rows } = await twelve(server);
    const agent = openDatabase(settings);
    const { server: name } = await agent.read(ALL);
    await server.query(
      'create schema quantum authorization quantum; create table quantum.ports as select * from ports limit 3;' +
        'alter table quantum.ports owner to quantum',
      database,
    );
    const after = await agent.read(ALL);
    assert.deepEqual([after.ports.length, after.server], [PORTS.length, name]);
    await agent.writeStatuses([
      { port: portId(PORTS[0] ?? ''), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' },
    ]);
    await agent.close();
    assert.equal(await seen(settings), PORTS.length);
    assert.equal(await rows.statusOf(PORTS[0] ?? ''), 'ACTIVE');
  });

  it('a whole second set of tables in the search path is refused by name, until one is out of it', async () => {
    const { database, settings } = await twelve(server);
    await server.query(
      ['ports', 'networks', 'network_bindings', 'portbindingports']
        .map((table) => `create table own.${table} (like public.${table})`)
        .reduce((all, one) => `${all}; ${one}`, 'create schema own') +
        `; grant usage on schema own to quantum; alter role quantum in database ${database} set search_path = own, public`,
      database,
    );
    const agent = openDatabase(settings);
    const failure = await failureOf(agent.read(ALL));
    assert.equal(failure.kind, 'schema');
    assert.match(failure.message, /holds the tables twice, in the schemas "(own|public)" and "(own|public)"/);
    await server.query(`alter role quantum in database ${database} set search_path = public`);
    assert.equal((await agent.read(ALL)).ports.length, PORTS.length);
    await agent.close();
  });

  it('a temporary table of the same session shadows nothing', async () => {
    const { settings } = await twelve(server);
    const fresh = await connectTo(settings.servers[0], settings);
    const { connection, schema } = await readSchema(fresh);
    await connection.select(connection.builder.raw('create temporary table ports (id text)'));
    const generation = detectGeneration(schema, 'x');
    const { answer } = await readSnapshot({ connection, generation, heartbeat: null }, ALL, 'host1');
    await disconnect(connection);
    assert.equal(answer.ports.length, PORTS.length);
  });
});

for (const engine of ENGINES) {
  describe(`more rows than a host can have, and fewer than the server counts, on ${engine.name}`, () => {
    let server: TestServer;
    before(async () => {
      server = await engine.start();
    });
    after(() => server.destroy());

    it('rows that something on the way cuts off are told and not taken for deleted ones', async () => {
      const { settings } = await twelve(server);
      const { connection, schema } = await readSchema(await connectTo(settings.servers[0], settings));
      const generation = detectGeneration(schema, 'the database');
      await assert.rejects(
        readSnapshot({ connection: cutting(connection, 5), generation, heartbeat: null }, ALL, 'host1'),
        (error) =>
          error instanceof DatabaseError && /counts 14 rows for this host and gave \d+: /.test(error.message),
      );
      connection.cut();
    });

    it('150,000 rows of one prefix cost only the tap that is named after it', async () => {
      const { database, settings } = await twelve(server);
      const tail = "lpad(cast(n as char(12)), 12, '0')";
      const id = `concat('${PREFIX}aa-4000-8000-', ${tail})`;
      await server.query(
        `insert into ports (id, network_id, admin_state_up, status, device_owner)
         select ${id}, '${NETWORK}', true, 'DOWN', '' from ${numbersSql(server.engine, 150_000)}`,
        database,
      );
      const agent = openDatabase(settings);
      const suffixes = [PREFIX, ...PORTS.map((id) => id.slice(0, 11))];
      const question: Question = {
        ...ALL,
        taps: [...taps, ...suffixes.map((suffix) => ({ by: 'suffix', suffix, wired: true }) as const)],
      };
      const { ports, warnings } = await agent.read(question);
      assert.deepEqual(ports.map(({ id }) => id).sort(), PORTS);
      assert.deepEqual(
        warnings.map(({ code, device }) => [code, device]),
        [['PORT_BAD_ROW', `tap${PREFIX}`]],
      );
      assert.deepEqual((await agent.read(question)).ports.length, PORTS.length);
      await agent.close();
    });

    it('a network with more segments than can be read says nothing, and every other one is served', async () => {
      const { database, settings } = await twelve(server, 'ml2-zed');
      const text = "concat('s', n)";
      await server.query(
        `insert into networks (id, name) values ('crowded', 'n');
         insert into networksegments (id, network_id, network_type, physical_network, segmentation_id)
         select ${text}, 'crowded', 'vlan', ${text}, 7 from ${numbersSql(server.engine, 5_000)}`,
        database,
      );
      const agent = openDatabase(settings);
      const bridges = [...ALL.bridges, { by: 'id', id: networkId('crowded') } as const];
      const { ports, networks } = await agent.read({ taps, bridges });
      await agent.close();
      assert.equal(ports.length, PORTS.length);
      assert.deepEqual(
        networks
          .map(({ id, rowPresent, segments }) => [id, rowPresent, segments.map(({ kind }) => kind)])
          .sort(),
        [
          [NETWORK, true, ['vlan']],
          ['crowded', true, ['bad']],
        ],
      );
    });
  });
}

/** A connection through something that lets no more than `rowsMax` rows of a SELECT pass. */
function cutting(connection: Connection, rowsMax: number): Connection {
  const cut = (snapshot: Snapshot): Snapshot => ({
    ...snapshot,
    rows: snapshot.rows.map((rows) => rows.slice(0, rowsMax)),
  });
  return {
    ...connection,
    beginSnapshot: async (first, heartbeat) => cut(await connection.beginSnapshot(first, heartbeat)),
    select: async (query) => (await connection.select(query)).slice(0, rowsMax),
  };
}
