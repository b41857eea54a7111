import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import { startMariadb } from '../support/mariadb.js';
import { databaseSettings } from '../support/schema-engines.js';
import { failureOf, NOTHING } from '../support/schema-probe.js';
import { freePort, type TestServer } from '../support/schema-servers.js';
import { createSchema } from '../support/schema-tables.js';

/** Debian's galera-4, which mariadb-server brings along. */
const PROVIDER = '/usr/lib/galera/libgalera_smm.so';

describe('a Galera node that is out of its cluster', () => {
  let node: TestServer;
  let healthy: TestServer;
  before(async () => {
    assert.ok(existsSync(PROVIDER), 'galera-4 is not installed');
    const port = await freePort();
    node = await startMariadb({
      settings: [
        'wsrep-on=ON',
        `wsrep-provider=${PROVIDER}`,
        'wsrep-cluster-address=gcomm://',
        'binlog-format=ROW',
        'innodb-autoinc-lock-mode=2',
        `wsrep-provider-options=base_host=127.0.0.1;base_port=${port};gmcast.listen_addr=tcp://127.0.0.1:${port};pc.announce_timeout=PT1S;pc.wait_prim_timeout=PT1S`,
      ],
    });
    healthy = await startMariadb();
    await createSchema(node, 'grizzly');
    await createSchema(healthy, 'folsom');
    // It is sent to a cluster that is not there: from now on it answers with 1047.
    await node.query("set global wsrep_cluster_address = 'gcomm://127.0.0.1:1'").catch(() => {});
  });
  after(async () => {
    await node.destroy();
    await healthy.destroy();
  });

  it('counts as down, in one sentence', async () => {
    const failure = await failureOf(openDatabase(databaseSettings(node)).read(NOTHING));
    assert.equal(failure.kind, 'unreachable');
    assert.match(failure.message, /WSREP has not yet prepared node/);
  });

  it('is passed over for the next server of the list', async () => {
    const agent = openDatabase(databaseSettings(node, { servers: [node.client(), healthy.client()] }));
    assert.equal((await agent.read(NOTHING)).generation, 'folsom');
    await agent.close();
  });
});
