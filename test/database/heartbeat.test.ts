import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import { readFleet } from '../../src/database/fleet.js';
import { openHeartbeats } from '../../src/database/heartbeat.js';
import { makeWatermark } from '../../src/database/watermark.js';
import type { HeartbeatWriter, SelfReport } from '../../src/model/database.js';
import { linkName, physicalNetwork } from '../../src/model/ids.js';
import type { DatabaseSettings } from '../../src/model/settings.js';
import type { WentBack } from '../../src/model/watermark.js';
import { ENGINES, freshDatabase, MARIADB } from '../support/databases/engines.js';
import { failureOf, NOTHING, statementsDuring } from '../support/databases/probe.js';
import { literal } from '../support/databases/rows.js';
import { type TestServer, waitUntil } from '../support/databases/servers.js';
import type { TestGeneration } from '../support/databases/tables.js';

const REPORT: SelfReport = {
  upForMs: 3_600_000,
  devices: 3,
  interfaceMappings: new Map([[physicalNetwork('physnet1'), linkName('eth1')]]),
  bridgeMappings: new Map([[physicalNetwork('physnet2'), linkName('br-ex')]]),
  tunnels: null,
};
const CONFIGURATIONS = {
  bridge_mappings: { physnet2: 'br-ex' },
  devices: 3,
  extensions: [],
  interface_mappings: { physnet1: 'eth1' },
  l2_population: false,
  tunnel_types: [],
  tunneling_ip: '',
};
const WITH_AGENTS = ['grizzly', 'ml2-havana', 'ml2-zed'] as const;
const BINARY = { grizzly: 'quantum-linuxbridge-agent', ml2: 'neutron-linuxbridge-agent' } as const;

for (const engine of ENGINES) {
  describe(`heartbeats on ${engine.name}`, () => {
    let server: TestServer;
    const open: HeartbeatWriter[] = [];
    before(async () => {
      server = await engine.start();
    });
    afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));
    after(() => server.destroy());

    const heartOf = (settings: DatabaseSettings, watermark = makeWatermark()): HeartbeatWriter => {
      const heart = openHeartbeats(settings, watermark);
      open.push(heart);
      return heart;
    };
    const quote = engine.name !== 'PostgreSQL' ? '`' : '"';
    const ago = (column: string): string =>
      engine.name !== 'PostgreSQL'
        ? `timestampdiff(second, ${column}, utc_timestamp())`
        : `extract(epoch from timezone('utc', now()) - ${column})::integer`;
    async function start(generation: TestGeneration) {
      const { database, settings } = await freshDatabase(server, generation);
      const agents = () =>
        server.query(
          `select id, agent_type, ${quote}binary${quote} as program, topic, host, admin_state_up, description, configurations,
           ${ago('created_at')} as created, ${ago('started_at')} as started, ${ago('heartbeat_timestamp')} as beaten
           from agents order by host`,
          database,
        );
      /** A row as another agent left it, an hour old. */
      const leave = (id: string, host: string) =>
        server.query(
          `insert into agents select ${literal(id)}, 'Linux bridge agent', 'other-binary', 'N/A', ${literal(host)}, false,
           t.past, t.past, t.past, 'by hand', '{}' from (select ${
             engine.name !== 'PostgreSQL'
               ? 'utc_timestamp() - interval 2 hour'
               : `timezone('utc', now()) - interval '2 hours'`
           } as past) as t`,
          database,
        );
      return { database, settings, agents, leave };
    }

    for (const generation of WITH_AGENTS) {
      const name = generation === 'grizzly' ? 'grizzly' : 'ml2';

      it(`${generation}: the first beat makes the row that servers of the generation read`, async () => {
        const { settings, agents } = await start(generation);
        const intervalMs = await heartOf(settings).beat(REPORT);
        assert.equal(intervalMs, name === 'grizzly' ? 4_000 : 30_000);
        const [row, ...others] = await agents();
        assert.deepEqual(others, []);
        assert.equal(row?.agent_type, 'Linux bridge agent');
        assert.equal(row.program, BINARY[name]);
        assert.deepEqual([row.topic, row.host, Boolean(row.admin_state_up)], ['N/A', 'host1', true]);
        assert.deepEqual(JSON.parse(String(row.configurations)), CONFIGURATIONS);
        assert.match(String(row.id), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
        assert.ok(Math.abs(Number(row.beaten)) <= 2 && Math.abs(Number(row.created)) <= 2);
        assert.ok(Math.abs(Number(row.started) - 3600) <= 2, `started ${row.started} s ago`);
      });

      it(`${generation}: a row that is there is taken over, with what others wrote into it`, async () => {
        const { settings, agents, leave } = await start(generation);
        await leave('old', 'host1');
        await heartOf(settings).beat(REPORT);
        const [row, ...others] = await agents();
        assert.deepEqual(others, []);
        assert.deepEqual(
          [row?.id, row?.program, row?.description, Boolean(row?.admin_state_up)],
          ['old', 'other-binary', 'by hand', false],
        );
        assert.ok(Number(row?.beaten) <= 2 && Number(row?.created) > 7000);
        assert.ok(Math.abs(Number(row?.started) - 3600) <= 2);
        assert.deepEqual(JSON.parse(String(row?.configurations)), CONFIGURATIONS);
      });

      it(`${generation}: the rows of other hosts and other agents stay as they are`, async () => {
        const { database, settings, agents, leave } = await start(generation);
        await leave('other', 'host2');
        await leave('dhcp', 'host1');
        await server.query(`update agents set agent_type = 'DHCP agent' where id = 'dhcp'`, database);
        const before = (await agents()).map(({ id, started }) => [id, Math.round(Number(started) / 60)]);
        const heart = heartOf(settings);
        await heart.beat(REPORT);
        await heart.beat(REPORT);
        const after = await agents();
        assert.equal(after.length, 3);
        assert.deepEqual(
          after
            .filter(({ id }) => id === 'other' || id === 'dhcp')
            .map(({ id, started }) => [id, Math.round(Number(started) / 60)]),
          before,
        );
      });

      it(`${generation}: agents of one host that start at one time make one row`, async () => {
        const { settings, agents } = await start(generation);
        const hearts = Array.from({ length: 8 }, () => heartOf(settings));
        await Promise.all(hearts.map((heart) => heart.beat(REPORT)));
        await Promise.all(hearts.map((heart) => heart.beat(REPORT)));
        assert.equal((await agents()).length, 1);
      });
    }

    it('a row that was deleted is made again by the next beat', async () => {
      const { database, settings, agents } = await start('grizzly');
      const heart = heartOf(settings);
      await heart.beat(REPORT);
      await server.query('delete from agents', database);
      await heart.beat(REPORT);
      assert.equal((await agents()).length, 1);
    });

    it('a row that went back to an older heartbeat is told to the next one, before it is written over', async () => {
      const { database, settings, agents } = await start('grizzly');
      const signs: (WentBack | null)[] = [];
      const watermark = makeWatermark(undefined, ({ wentBack }) => void signs.push(wentBack));
      const heart = heartOf(settings, watermark);
      await heart.beat(REPORT);
      const agent = openDatabase(settings, {}, watermark);
      const { server: origin } = await agent.read(NOTHING);
      await agent.close();
      assert.ok(signs.every((sign) => sign === null));
      await server.query("update agents set heartbeat_timestamp = '2020-01-02 03:04:05'", database);
      await heart.beat(REPORT);
      const { wentBack } = watermark.seen();
      assert.equal(wentBack?.shown, '2020-01-02 03:04:05');
      assert.equal(wentBack.server, origin);
      assert.ok(Number((await agents())[0]?.beaten) <= 2, 'the host is alive all the same');
    });

    it('an answer shows that the database went back; a row that is gone, and a newer one, are no sign', async () => {
      const { database, settings } = await start('grizzly');
      const watermark = makeWatermark();
      await heartOf(settings, watermark).beat(REPORT);
      const agent = openDatabase(settings, {}, watermark);
      const signAfter = async (sql: string): Promise<WentBack | null> => {
        await server.query(sql, database);
        return (await agent.read(NOTHING)).behind;
      };
      await agent.read(NOTHING);
      assert.ok(watermark.seen().heartbeat !== null);
      const known = '2040-01-01 00:00:00';
      assert.equal(await signAfter(`update agents set heartbeat_timestamp = '${known}'`), null);
      assert.equal(await signAfter('delete from agents'), null);
      await heartOf(settings).beat(REPORT);
      for (const shown of ['2020-01-02 03:04:05', '2020-01-02 03:04:09', '2020-01-01 00:00:00'])
        assert.deepEqual(
          await signAfter(`update agents set heartbeat_timestamp = '${shown}'`),
          { known, shown },
          'what is known does not become older by what is shown',
        );
      await agent.close();
    });

    it('a further beat is one statement, by the primary key', async () => {
      const { settings } = await start('ml2-zed');
      const heart = heartOf(settings);
      await heart.beat(REPORT);
      const statements = await statementsDuring(server, () => heart.beat(REPORT));
      assert.equal(statements.length, 1, statements.join('\n'));
      assert.match(statements[0] ?? '', /^update (.public.\.)?.agents. set .* where .id. = /);
    });

    it('fleet sees the host that beats as alive', async () => {
      const { settings } = await start('grizzly');
      await heartOf(settings).beat(REPORT);
      const [host] = (await readFleet(settings)).hosts;
      assert.deepEqual([host?.host, host?.state, host?.devices], ['host1', 'alive', 3]);
    });

    it('read_only: no connection is even made', async () => {
      const { settings, agents } = await start('grizzly');
      const statements = await statementsDuring(server, () =>
        heartOf({ ...settings, readOnly: true }).beat(REPORT),
      );
      assert.deepEqual(statements, []);
      assert.deepEqual(await agents(), []);
    });

    for (const generation of ['essex', 'folsom'] as const) {
      it(`${generation}: there is nothing to write, and no connection is kept`, async () => {
        const { database, settings } = await freshDatabase(server, generation);
        assert.equal(await heartOf(settings).beat(REPORT), 300_000);
        const sessions =
          engine.name !== 'PostgreSQL'
            ? `select 1 from information_schema.processlist where db = '${database}' and user = 'quantum'`
            : `select 1 from pg_stat_activity where datname = '${database}' and usename = 'quantum'`;
        await waitUntil(async () => (await server.query(sessions)).length === 0, 'the session has ended');
      });
    }

    it('a row that somebody holds locked fails within the query timeout, and the beat after it works', async () => {
      const { database, settings, agents } = await start('grizzly');
      const heart = heartOf({ ...settings, queryTimeoutMs: 1000 });
      await heart.beat(REPORT);
      const seconds = engine.name !== 'PostgreSQL' ? 'do sleep(5)' : 'select pg_sleep(5)';
      const holding = server.query(
        `begin; update agents set description = 'held'; ${seconds}; commit`,
        database,
      );
      let isHeld = true;
      const released = holding.finally(() => {
        isHeld = false;
      });
      await holds(server);
      assert.equal((await failureOf(heart.beat(REPORT))).kind, 'unreachable');
      assert.ok(isHeld, 'it did not wait for the row');
      await released;
      await heart.beat(REPORT);
      assert.ok(Number((await agents())[0]?.beaten) <= 1);
    });

    it('names are told in ASCII, and mappings that do not fit fail in one sentence', async () => {
      const { settings, agents } = await start('grizzly');
      const heart = heartOf(settings);
      const mapped = (count: number): SelfReport => ({
        ...REPORT,
        interfaceMappings: new Map(
          Array.from({ length: count }, (_, at) => [physicalNetwork(`straße-${at}`), linkName(`eth${at}`)]),
        ),
      });
      await heart.beat(mapped(2));
      const text = String((await agents())[0]?.configurations);
      assert.match(text, /^[ -~]+$/);
      assert.deepEqual(Object.keys(JSON.parse(text).interface_mappings), ['straße-0', 'straße-1']);
      assert.match((await failureOf(heart.beat(mapped(200)))).message, /takes 4095 characters/);
    });
  });
}

/** Waits until the row is locked: until then a beat would get through. */
async function holds(server: TestServer): Promise<void> {
  const sleeping =
    server.engine === 'postgresql'
      ? `select 1 from pg_stat_activity where wait_event = 'PgSleep'`
      : `select 1 from information_schema.processlist where state = 'User sleep'`;
  await waitUntil(async () => (await server.query(sleeping)).length > 0, 'the row is locked');
}

describe('hosts whose names differ in case only, on MariaDB', () => {
  let server: TestServer;
  before(async () => {
    server = await MARIADB.start();
  });
  after(() => server.destroy());

  it('where the key takes them for one, the second is refused in one sentence and the first stays', async () => {
    const { database, settings } = await freshDatabase(server, 'ml2-zed');
    await server.query('alter table agents add unique (agent_type(50), host(50))', database);
    const [first, second] = ['Compute', 'compute'].map((host) => openHeartbeats({ ...settings, host }));
    await first?.beat(REPORT);
    const failure = await failureOf(second?.beat({ ...REPORT, devices: 9 }) ?? Promise.resolve());
    assert.match(failure.message, /differs from "compute" only/);
    const rows = await server.query('select host, configurations from agents', database);
    assert.deepEqual(
      rows.map(({ host }) => host),
      ['Compute'],
    );
    assert.match(String(rows[0]?.configurations), /"devices":3/);
    await Promise.all([first?.close(), second?.close()]);
  });
});
