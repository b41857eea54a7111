import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { makeConfig, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  setDuplicateAddressDetection,
  type TestDatabase,
  tapOf,
  waitForMaster,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, ip, ipJson } from '../support/host/netns.js';
import { openConversation } from '../support/host/tcp.js';

const [NETWORK, PORT] = [networkId(1), portId(1)];
const BRIDGE = bridgeOf(NETWORK);

/** Addresses and routes of a device as `ip` tells them, without what must differ: the device and counters. */
function carriedBy(namespace: string, device: string) {
  const addresses = ipJson<{ addr_info?: { family: string; local: string; prefixlen: number }[] }>(
    namespace,
    'address',
    'show',
    'dev',
    device,
  ).flatMap(({ addr_info = [] }) => addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`));
  const routes = ['-4', '-6'].flatMap((family) =>
    ip(namespace, family, 'route', 'show', 'table', 'all', 'dev', device)
      .split('\n')
      // Multicast and anycast routes of IPv6 are the kernel's own affair on each link.
      .filter((route) => route !== '' && !/^(multicast|anycast)/.test(route))
      .map((route) => route.replace(/\s+/g, ' ').trim()),
  );
  return { addresses: addresses.sort(), routes: routes.sort() };
}

/** The interface carries the host's only addresses, its default routes and more routes, with metrics and a source. */
function addressUplink({ namespace, outside }: { namespace: string; outside: string }): void {
  ip(outside, 'address', 'add', '10.1.0.1/24', 'dev', 'far');
  ip(outside, 'address', 'add', 'fd00:1::1/64', 'dev', 'far', 'nodad');
  for (const address of ['10.1.0.5/24', '10.1.0.6/24', '172.16.0.5/16'])
    ip(namespace, 'address', 'add', address, 'dev', 'eth1');
  ip(namespace, 'address', 'add', 'fd00:1::5/64', 'dev', 'eth1', 'nodad');
  ip(namespace, 'route', 'add', 'default', 'via', '10.1.0.1', 'metric', '50', 'src', '10.1.0.6');
  ip(namespace, 'route', 'add', 'default', 'via', '10.1.0.254', 'metric', '60');
  ip(namespace, 'route', 'add', '192.168.50.0/24', 'via', '10.1.0.1');
  ip(namespace, 'route', 'add', '192.168.60.0/24', 'via', '10.1.0.1', 'table', '100');
  ip(namespace, '-6', 'route', 'add', 'default', 'via', 'fd00:1::1');
}

async function makeFlatHost(t: Cleanup, { server, rows }: TestDatabase) {
  const host = makeHost(t);
  setDuplicateAddressDetection(host.namespace, true);
  addressUplink(host);
  await rows.network({ id: NETWORK, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.port({ id: PORT, network: NETWORK });
  // Some other host's: wholly empty tables would be held back by the guard.
  await rows.network({ id: networkId(2), type: 'local' });
  await rows.port({ id: portId(2), network: networkId(2) });
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1' });
  await startAgent(t, host.namespace, config);
  const deleteNetwork = () =>
    server.query(
      `delete from ports where id = '${PORT}'; delete from network_bindings where network_id = '${NETWORK}';
       delete from networks where id = '${NETWORK}'`,
      'quantum',
    );
  return { ...host, rows, deleteNetwork };
}

describe('a flat network on the interface that carries all of the host’s addresses', () => {
  withDatabase(startMariadb, 'folsom', (database) => {
    test('every address and route goes to the bridge, and all of them come back when the network is deleted', async (t) => {
      const { namespace, rows, deleteNetwork } = await makeFlatHost(t, database());
      const before = carriedBy(namespace, 'eth1');
      makeTapsOf(namespace, PORT);
      await waitForStatus(rows, PORT, 'ACTIVE');
      assert.equal(masterOf(namespace, 'eth1'), BRIDGE);
      assert.deepEqual(carriedBy(namespace, BRIDGE), before);
      assert.deepEqual(carriedBy(namespace, 'eth1').addresses, []);

      ip(namespace, 'link', 'del', tapOf(PORT));
      await deleteNetwork();

      await waitForMaster(namespace, BRIDGE, undefined);
      assert.equal(masterOf(namespace, 'eth1'), null);
      assert.deepEqual(carriedBy(namespace, 'eth1'), before);
    });

    for (const [family, address] of [
      ['IPv4', '10.1.0.5'],
      ['IPv6', 'fd00:1::5'],
    ] as const) {
      test(`a TCP connection over ${family} that was open before stays open there and back`, async (t) => {
        const { namespace, outside, rows, deleteNetwork } = await makeFlatHost(t, database());
        const talk = await openConversation(t, { namespace, address, port: 7777 }, outside);
        await talk.exchange('before');

        makeTapsOf(namespace, PORT);
        await waitForStatus(rows, PORT, 'ACTIVE');
        assert.equal(masterOf(namespace, 'eth1'), BRIDGE);
        await talk.exchange('on the bridge');

        ip(namespace, 'link', 'del', tapOf(PORT));
        await deleteNetwork();
        await waitForMaster(namespace, BRIDGE, undefined);
        await talk.exchange('back on the interface');
      });
    }
  });
});
