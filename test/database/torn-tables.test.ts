import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { inspectDatabase } from '../../src/database/inspect.js';
import { freshDatabase } from '../support/databases/engines.js';
import { startMariadb } from '../support/databases/mariadb.js';
import type { TestServer } from '../support/databases/servers.js';

describe('tables without transactions, on MariaDB', () => {
  let server: TestServer;
  before(async () => {
    server = await startMariadb();
  });
  after(() => server.destroy());

  it('are named by schema check, and those with them are not', async () => {
    const { database, settings } = await freshDatabase(server, 'grizzly');
    const torn = async () => (await inspectDatabase(settings, [])).details?.torn;
    assert.deepEqual(await torn(), []);
    await server.query('alter table ports engine=MyISAM; alter table agents engine=MyISAM', database);
    assert.deepEqual(await torn(), [{ table: 'ports', engine: 'MyISAM' }], 'nothing is wired from agents');
  });
});
