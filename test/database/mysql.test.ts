import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import mysql from 'mysql2/promise';
import { openDatabase } from '../../src/database/database.js';
import type { Database } from '../../src/model/database.js';
import { portId } from '../../src/model/ids.js';
import type { DatabaseServer, TlsSettings } from '../../src/model/settings.js';
import { databaseSettings, freshDatabase } from '../support/databases/engines.js';
import { startMysql } from '../support/databases/mysql.js';
import { failureOf, NOTHING } from '../support/databases/probe.js';
import { PASSWORD, type TestServer, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';

const UNVERIFIED: TlsSettings = {
  verify: false,
  verifyHostname: false,
  caFile: null,
  certFile: null,
  keyFile: null,
};

let accounts = 0;

describe('what only MySQL does', () => {
  let server: TestServer;
  const open: Database[] = [];
  before(async () => {
    // No account is lost when it is killed.
    server = await startMysql({ settings: ['innodb-flush-log-at-trx-commit=1'] });
    await createSchema(server, 'grizzly');
  });
  afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));
  after(() => server.destroy());

  function agentOf(changes: Partial<DatabaseServer>): Database {
    const agent = openDatabase(databaseSettings(server, { servers: [server.client(changes)] }));
    open.push(agent);
    return agent;
  }

  async function reads(changes: Partial<DatabaseServer>): Promise<void> {
    assert.equal((await agentOf(changes).read(NOTHING)).generation, 'grizzly');
  }

  /** An account that the server has not seen yet; it reads everything. */
  async function newAccount(limit = ''): Promise<string> {
    accounts += 1;
    const user = `account${accounts}`;
    for (const host of ['localhost', '127.0.0.1'])
      await server.query(
        `create user ${user}@'${host}' identified by '${PASSWORD}' ${limit}; grant all on quantum.* to ${user}@'${host}'`,
      );
    return user;
  }

  /** Each makes the server forget the passwords that it has seen. */
  const FORGETS: readonly (readonly [when: string, forget: (user: string) => Promise<unknown>])[] = [
    ['is new', async () => {}],
    ['is known, after FLUSH PRIVILEGES', () => server.query('flush privileges')],
    [
      'has a new password',
      (user) => server.query(`alter user ${user}@localhost identified by '${PASSWORD}'`),
    ],
    [
      'is known, after the server was started again',
      async () => {
        await server.kill();
        await server.start();
      },
    ],
  ];

  for (const [when, forget] of FORGETS)
    it(`an account that ${when} is let in over the Unix socket`, async () => {
      const user = await newAccount();
      const { socketPath } = server;
      if (when !== 'is new') await reads({ user, socketPath });
      await forget(user);
      await reads({ user, socketPath });
    });

  it('a new account is let in without TLS under the key that the configuration names', async () => {
    await reads({ user: await newAccount() });
  });

  it('a new account is let in over TLS', async () => {
    await reads({ user: await newAccount(), tls: UNVERIFIED, publicKeyFile: null });
  });

  it('without TLS and without a key a new account is told what to set, and is let in once the server knows it', async () => {
    const user = await newAccount();
    const failure = await failureOf(agentOf({ user, publicKeyFile: null }).read(NOTHING));
    assert.equal(failure.kind, 'tls', failure.message);
    assert.match(
      failure.message,
      /has not shown that it is the right server: in sql_connection set ssl_ca .* unix_socket .* or server_public_key_path/,
    );
    await reads({ user });
    await reads({ user, publicKeyFile: null });
  });

  it('under the key of another server no account is let in', async () => {
    const publicKeyFile = join(server.folder, 'other.pem');
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
    const failure = await failureOf(agentOf({ user: await newAccount(), publicKeyFile }).read(NOTHING));
    assert.equal(failure.kind, 'authentication', failure.message);
  });

  it('a server that goes offline is away, says so, and is read again when it is back', async () => {
    const agent = agentOf({});
    await agent.read(NOTHING);
    await server.query('set global offline_mode = 1');
    await failureOf(agent.read(NOTHING));
    const failure = await failureOf(agent.read(NOTHING));
    await server.query('set global offline_mode = 0');
    assert.equal(failure.kind, 'unreachable', failure.message);
    assert.match(failure.message, /does not answer: .*offline mode/);
    assert.equal((await agent.read(NOTHING)).generation, 'grizzly');
  });

  it('an account that has all its connections in use finds the server away until one is free', async () => {
    const user = await newAccount('with max_user_connections 1');
    const { socketPath } = server;
    const first = await mysql.createConnection({ socketPath, user, password: PASSWORD });
    const agent = agentOf({ user, socketPath });
    const failure = await failureOf(agent.read(NOTHING));
    assert.equal(failure.kind, 'unreachable', failure.message);
    assert.match(failure.message, /does not answer: .*max_user_connections/);
    await first.end();
    await waitUntil(
      () =>
        agent.read(NOTHING).then(
          () => true,
          () => false,
        ),
      'it is let in',
    );
  });

  it('an account that is locked after wrong passwords is told as an account that is not let in', async () => {
    const user = await newAccount('failed_login_attempts 1 password_lock_time 1');
    const { socketPath } = server;
    await failureOf(agentOf({ user, socketPath, password: () => 'wrong' }).read(NOTHING));
    const failure = await failureOf(agentOf({ user, socketPath }).read(NOTHING));
    assert.equal(failure.kind, 'authentication', failure.message);
    assert.match(failure.message, /blocked/);
  });

  it('a server under super_read_only is suspect, refuses the first write, and goes on being read', async () => {
    const { database, rows } = await freshDatabase(server, 'grizzly');
    await rows.port({ id: 'port-1', network: 'n' });
    const agent = agentOf({ database });
    assert.equal((await agent.read(NOTHING)).suspect, null);
    await server.query('set global super_read_only = 1');
    const writing = await failureOf(
      agent.writeStatuses([{ port: portId('port-1'), from: 'DOWN', to: 'ACTIVE', bound: 'anywhere' }]),
    );
    const { suspect } = await agent.read(NOTHING);
    await server.query('set global super_read_only = 0; set global read_only = 0');
    assert.equal(suspect, 'read-only');
    assert.match(writing.message, /is read-only, so nothing can be written there/);
  });
});
