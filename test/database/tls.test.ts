import assert from 'node:assert/strict';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import type { DatabaseErrorKind } from '../../src/model/database.js';
import type { DatabaseServer, TlsSettings } from '../../src/model/settings.js';
import { type Certificates, makeCertificates } from '../support/databases/certificates.js';
import { databaseSettings, ENGINES, type EngineName } from '../support/databases/engines.js';
import { failureOf, NOTHING } from '../support/databases/probe.js';
import {
  PASSWORD,
  privateFolder,
  removeFolder,
  systemUser,
  type TestServer,
} from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';

for (const engine of ENGINES) {
  describe(`TLS to ${engine.name}`, () => {
    let server: TestServer;
    let folder: string;
    let files: Certificates;
    before(async () => {
      folder = privateFolder('tls');
      files = makeCertificates(folder);
      chmodSync(folder, 0o755);
      const user = systemUser('postgres');
      if (user) chownSync(files.server.key, user.uid, user.gid);
      server = await engine.start({ settings: serverSettings(engine.name, files) });
      await createSchema(server, 'grizzly');
      await demandTls(server);
    });
    after(async () => {
      await server.destroy();
      removeFolder(folder);
    });

    const client = (tls: TlsSettings | null, changes: Partial<DatabaseServer> = {}) =>
      openDatabase(
        databaseSettings(server, { servers: [server.client({ host: 'localhost', tls, ...changes })] }),
      );
    const verified = (): TlsSettings => ({
      verify: true,
      verifyHostname: true,
      caFile: files.ca,
      certFile: null,
      keyFile: null,
    });
    async function reads(tls: TlsSettings | null, changes: Partial<DatabaseServer> = {}): Promise<void> {
      const agent = client(tls, changes);
      assert.equal((await agent.read(NOTHING)).generation, 'grizzly');
      await agent.close();
    }
    async function fails(
      kind: DatabaseErrorKind,
      tls: TlsSettings | null,
      changes: Partial<DatabaseServer> = {},
    ) {
      const failure = await failureOf(client(tls, changes).read(NOTHING));
      assert.equal(failure.kind, kind, failure.message);
    }

    it('an account that must use TLS is let in with it', () => reads(verified(), { user: 'encrypted' }));
    it('an account that must use TLS is refused without it', () =>
      fails('authentication', null, { user: 'encrypted' }));
    it('a certificate of another authority is refused', () =>
      fails('tls', { ...verified(), caFile: files.otherCa }));
    it('a certificate for another name is refused', () => fails('tls', verified(), { host: '127.0.0.1' }));
    it('a certificate for another name will do when names are not checked', () =>
      reads({ ...verified(), verifyHostname: false }, { host: '127.0.0.1' }));
    it('any certificate will do when nothing is checked', () =>
      reads({ ...verified(), verify: false, caFile: null }, { user: 'encrypted' }));
    it('an account that must show a certificate is refused without one', () =>
      fails('authentication', verified(), { user: 'certified' }));
    it('an account that must show a certificate is let in with it', () =>
      reads(
        { ...verified(), certFile: files.client.cert, keyFile: files.client.key },
        { user: 'certified' },
      ));
  });
}

function serverSettings(engine: EngineName, { ca, server }: Certificates): readonly string[] {
  return engine === 'PostgreSQL'
    ? ['ssl=on', `ssl_ca_file=${ca}`, `ssl_cert_file=${server.cert}`, `ssl_key_file=${server.key}`]
    : [`ssl-ca=${ca}`, `ssl-cert=${server.cert}`, `ssl-key=${server.key}`];
}

/** Accounts `encrypted` (TLS only) and `certified` (a client certificate as well). */
async function demandTls(server: TestServer): Promise<void> {
  if (server.engine === 'mysql') {
    for (const [user, demand] of [
      ['encrypted', 'ssl'],
      ['certified', 'x509'],
    ]) {
      await server.query(
        `create user ${user}@'127.0.0.1' identified by '${PASSWORD}' require ${demand};
         grant all on quantum.* to ${user}@'127.0.0.1'`,
      );
    }
    return;
  }
  for (const user of ['encrypted', 'certified']) {
    await server.query(`create role ${user} superuser login password '${PASSWORD}'`);
  }
  const rules = `local all all trust
hostssl all encrypted all scram-sha-256
hostssl all certified all scram-sha-256 clientcert=verify-ca
host all quantum all scram-sha-256
`;
  writeFileSync(join(server.folder, 'data', 'pg_hba.conf'), rules);
  await server.query('select pg_reload_conf()');
}
