import { describe, test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { startRelay } from '../support/databases/relay.js';
import { networkId, portId, withDatabase } from '../support/host/host.js';
import { ip, makeNamespace, makeTap } from '../support/host/netns.js';
import { runTestsInGuest } from '../support/host/uml.js';

const PLACE = { address: '10.9.0.1', port: 5999 };

describe('guests that mean harm, on a kernel with VLANs', () => {
  withDatabase(startPostgres, 'folsom', (database) => {
    test('tagged frames and one VLAN for two networks, in a User-mode Linux guest', async (t) => {
      const { server, rows } = database();
      await rows.network({ id: networkId(1), type: 'flat', physicalNetwork: 'physnet1' });
      for (const n of [2, 3])
        await rows.network({ id: networkId(n), type: 'vlan', physicalNetwork: 'physnet2', vlanId: 100 });
      for (const n of [1, 2, 3]) await rows.port({ id: portId(n), network: networkId(n) });
      const namespace = makeNamespace(t);
      makeTap(namespace, 'uml0');
      ip(namespace, 'address', 'add', `${PLACE.address}/24`, 'dev', 'uml0');
      ip(namespace, 'link', 'set', 'uml0', 'up');
      await startRelay(t, server, { namespace, ...PLACE });
      const url = server.url().replace(/@127\.0\.0\.1:\d+/, `@${PLACE.address}:${PLACE.port}`);
      await runTestsInGuest(t, 'test/fault/guest/vlan.ts', {
        card: { namespace, tap: 'uml0' },
        environment: { FAULT_DATABASE_URL: url },
      });
    });
  });
});
