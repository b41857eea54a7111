import { startPostgres, startStandby } from './postgres.js';
import { rowsOf } from './rows.js';
import { type TestServer, waitUntil } from './servers.js';
import { createSchema } from './tables.js';

/** A PostgreSQL primary with Grizzly's tables and one port, and a standby that the port has reached. */
export async function startFollowedPrimary(
  port: string,
): Promise<[primary: TestServer, standby: TestServer]> {
  const primary = await startPostgres();
  try {
    await createSchema(primary, 'grizzly');
    await rowsOf(primary, 'grizzly').port({ id: port, network: 'n' });
    const standby = await startStandby(primary);
    const rows = rowsOf(standby, 'grizzly');
    await waitUntil(async () => (await rows.statusOf(port)) === 'DOWN', 'the row has reached the standby');
    return [primary, standby];
  } catch (error) {
    await primary.destroy();
    throw error;
  }
}
