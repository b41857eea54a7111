import assert from 'node:assert/strict';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Certificates, makeCertificates } from '../support/databases/certificates.js';
import { ENGINES, type Engine, POSTGRESQL } from '../support/databases/engines.js';
import { startInside } from '../support/databases/outside-database.js';
import { type Rows, rowsOf } from '../support/databases/rows.js';
import {
  DATABASE,
  PASSWORD,
  privateFolder,
  systemUser,
  type TestServer,
} from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import {
  makeConfig,
  type RunningAgent,
  runCli,
  type Sections,
  socketUrl,
  startAgent,
  withOption,
} from '../support/host/agent.js';
import {
  bridgeOf,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  tapOf,
  waitForMaster,
  waitForStatus,
} from '../support/host/host.js';
import { LISTED_NAME, nameAddresses } from '../support/host/name-server.js';
import { type Cleanup, ipLink, makeNamespace } from '../support/host/netns.js';
import { startQuietWitness } from '../support/host/witness.js';

const NETWORK = networkId(1);
const LOST = 'database lost, the data plane stays as it is';
const ANOTHER = 'another database server than the first is used';
const FIRST_AGAIN = 'the first database server is used again';

/** The fast settings of the test server lose the last second when it is killed. */
const DURABLE = {
  PostgreSQL: [],
  MariaDB: ['innodb-flush-log-at-trx-commit=1'],
  MySQL: ['innodb-flush-log-at-trx-commit=1'],
};

interface Site {
  readonly namespace: string;
  readonly server: TestServer;
  readonly rows: Rows;
}

/** A server of its own in the host's namespace, so that TCP on the loopback reaches it; ports 1 and 2 are bound here. */
async function makeServer(
  t: Cleanup,
  { name, start }: Engine,
  namespace: string,
  settings: readonly string[] = [],
) {
  const server = await startInside(namespace, () => start({ settings: [...DURABLE[name], ...settings] }));
  t.after(() => server.destroy());
  await createSchema(server, 'grizzly');
  const rows = rowsOf(server, 'grizzly');
  await rows.network({ id: NETWORK, type: 'local' });
  for (const n of [1, 2]) await rows.port({ id: portId(n), network: NETWORK, host: 'host1' });
  return { server, rows };
}

async function makeSite(t: Cleanup, engine: Engine, settings: readonly string[] = []): Promise<Site> {
  const namespace = makeNamespace(t);
  return { namespace, ...(await makeServer(t, engine, namespace, settings)) };
}

/** A server listens in the namespace in which it is started. */
const startAgain = ({ namespace, server }: Site): Promise<TestServer> =>
  startInside(namespace, async () => {
    await server.start();
    return server;
  });

async function wires({ namespace, rows }: Site, n: number): Promise<void> {
  makeTapsOf(namespace, portId(n));
  await waitForStatus(rows, portId(n), 'ACTIVE');
  assert.equal(masterOf(namespace, tapOf(portId(n))), bridgeOf(NETWORK));
}

const start = (t: Cleanup, { namespace }: Site, sections: Sections): Promise<RunningAgent> =>
  startAgent(t, namespace, makeConfig(sections));

for (const engine of ENGINES) {
  describe(`the built program and ${engine.name}`, () => {
    test('works over a Unix socket', async (t) => {
      const site = await makeSite(t, engine);
      await start(t, site, { url: socketUrl(site.server) });
      await wires(site, 1);
    });

    test('works over TLS with the CA and the name checked, and ends with 75 when the name is another', async (t) => {
      const folder = privateFolder('tls');
      const files = makeCertificates(folder);
      chmodSync(folder, 0o755);
      const user = systemUser('postgres');
      if (user) chownSync(files.server.key, user.uid, user.gid);
      const site = await makeSite(t, engine, tlsSettings(engine.name, files));
      await demandTls(site.server);
      const urlAt = (host: string): string => {
        const url = site.server.url().replace('127.0.0.1', host);
        return engine.name === 'PostgreSQL'
          ? withOption(url, 'sslmode', `verify-full&sslrootcert=${files.ca}`)
          : withOption(url, 'ssl_ca', files.ca);
      };
      const plain = makeConfig({ url: site.server.url().replace('127.0.0.1', 'localhost') });
      const refused = await runCli(site.namespace, ['--config-file', plain.path, 'plan']);
      assert.deepEqual([refused.code, /DATABASE_AUTHENTICATION/.test(refused.stderr)], [75, true]);
      const misnamed = makeConfig({ url: urlAt('127.0.0.1') });
      const wrong = await runCli(site.namespace, ['--config-file', misnamed.path, 'plan']);
      assert.equal(wrong.code, 75);
      assert.match(wrong.stderr, /DATABASE_TLS: /);
      await start(t, site, { url: urlAt('localhost') });
      await wires(site, 1);
    });

    test('goes on with the next server of the list when the first is killed, says so once, and returns', async (t) => {
      const site = await makeSite(t, engine);
      const other = await makeServer(t, engine, site.namespace);
      const agent = await start(t, site, { url: `${site.server.url()}, ${other.server.url()}` });
      await wires(site, 1);
      const witness = await startQuietWitness(t, site.namespace);
      await site.server.kill();
      const line = await agent.line(ANOTHER);
      assert.match(String(line.server), new RegExp(`:${other.server.port},`));
      await wires({ ...site, rows: other.rows }, 2);
      await startAgain(site);
      // The other server is given up, as a wire that breaks gives it up: the list begins at its head again.
      await other.server.kill();
      await agent.line(FIRST_AGAIN);
      await waitForStatus(site.rows, portId(2), 'ACTIVE');
      assert.deepEqual([agent.saying(ANOTHER).length, agent.saying(FIRST_AGAIN).length], [1, 1]);
      await witness.expectToStayIn(bridgeOf(NETWORK), tapOf(portId(1)));
    });

    test('takes a new password from its file without a restart', async (t) => {
      const site = await makeSite(t, engine);
      const file = join(privateFolder('password'), 'password');
      writeFileSync(file, `${PASSWORD}\n`, { mode: 0o600 });
      const url = site.server.url().replace(/:[^:@/]*@/, '@');
      const agent = await start(t, site, { url, database: [`sql_password_file = ${file}`] });
      await wires(site, 1);
      await changePassword(site.server, 'rotated');
      await site.server.kill();
      await startAgain(site);
      const line = await agent.line(LOST);
      assert.ok(ipLink(site.namespace, tapOf(portId(1)))?.master, 'the tap stays wired');
      assert.ok(!String(line.error).includes('rotated'));
      writeFileSync(file, 'rotated\n');
      await agent.line('database is back');
      await wires(site, 2);
      assert.ok(!agent.stderr().includes(PASSWORD) && !agent.stderr().includes('rotated'));
    });

    test('a server that is restored elsewhere and lacks rows takes no wire away', async (t) => {
      const site = await makeSite(t, engine);
      const other = await makeServer(t, engine, site.namespace);
      await other.server.query(`delete from ports where id = '${portId(1)}'`, DATABASE);
      const agent = await start(t, site, { url: `${site.server.url()}, ${other.server.url()}` });
      await wires(site, 1);
      await wires(site, 2);
      await site.server.kill();
      await agent.line(ANOTHER);
      const held = await agent.line('removals held, see accept');
      assert.match(String(held.reason), /another server answers than before/);
      await waitForMaster(site.namespace, tapOf(portId(1)), bridgeOf(NETWORK));
    });
  });
}

describe('the built program and a server that is known by a name', () => {
  test('uses the address at which a server takes connections, and follows the name to another one', async (t) => {
    const site = await makeSite(t, POSTGRESQL);
    const name = (...addresses: readonly string[]): void => nameAddresses(t, site.namespace, addresses);
    // Nothing listens at the first.
    name('127.0.0.2', '127.0.0.1');
    const url = site.server.url().replace('127.0.0.1', LISTED_NAME);
    const agent = await start(t, site, { url });
    await wires(site, 1);
    name('127.0.0.2');
    await site.server.kill();
    await agent.line(LOST);
    await startAgain(site);
    name('127.0.0.1');
    await agent.line('database is back');
    await wires(site, 2);
  });
});

function tlsSettings(engine: Engine['name'], { ca, server }: Certificates): readonly string[] {
  return engine === 'PostgreSQL'
    ? ['ssl=on', `ssl_ca_file=${ca}`, `ssl_cert_file=${server.cert}`, `ssl_key_file=${server.key}`]
    : [`ssl-ca=${ca}`, `ssl-cert=${server.cert}`, `ssl-key=${server.key}`];
}

/** The account is let in over TLS only. */
async function demandTls(server: TestServer): Promise<void> {
  if (server.engine === 'mysql') {
    await server.query(`alter user quantum@'127.0.0.1' require ssl`);
    return;
  }
  const file = join(server.folder, 'data', 'pg_hba.conf');
  writeFileSync(file, 'local all all trust\nhostssl all all all scram-sha-256\n');
  await server.query('select pg_reload_conf()');
}

const changePassword = (server: TestServer, password: string): Promise<unknown> =>
  server.query(
    server.engine === 'postgresql'
      ? `alter role quantum password '${password}'`
      : `alter user quantum@'127.0.0.1' identified by '${password}'`,
  );
