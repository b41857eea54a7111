import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { usually } from '../support/databases/engines.js';
import { makeSite, OPEN_ENGINES } from '../support/databases/outside-database.js';
import { type Rows, rowsOf } from '../support/databases/rows.js';
import { DATABASE, PASSWORD, USER, waitUntil } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import { guestProgram, startGuestHost } from '../support/host/guest-host.js';
import { bridgeOf, networkId, portId, tapOf } from '../support/host/host.js';
import type { IpLink } from '../support/host/netns.js';

const [N1, N2] = [networkId(1), networkId(2)];
const GATEWAY = 'gw-0a1b2c3d-4e';

/** The file of an Essex compute node; every network of Essex is a VLAN on its one interface. */
const essexFile = (scheme: string, port: number): string => `[DATABASE]
connection = ${scheme}
name = ${DATABASE}
user = ${USER}
pass = ${PASSWORD}
host = 10.200.0.1
port = ${port}

[LINUX_BRIDGE]
physical_interface = eth1

[AGENT]
polling_interval = 1
root_helper = sudo
`;

/** Ports whose taps are called after their interface ids: one plugged, one admin down, and a gateway's. */
async function fill(rows: Rows): Promise<void> {
  await rows.network({ id: N1, type: 'vlan', vlanId: 101 });
  await rows.network({ id: N2, type: 'vlan', vlanId: 102 });
  await rows.port({ id: 'port-1', network: N1, interfaceId: portId(1) });
  await rows.port({ id: 'port-2', network: N2, interfaceId: portId(2), adminUp: false, status: 'UP' });
  await rows.port({ id: 'port-3', network: N2, interfaceId: GATEWAY });
}

for (const { name, start } of usually('MariaDB', OPEN_ENGINES)) {
  describe(`an Essex database on ${name} and the Essex file as it is, on a kernel with VLANs`, () => {
    test('the running agent wires taps and the gateway by interface id, on VLANs of the one interface', async (t) => {
      const { server, cards } = await makeSite(t, start, 1);
      await createSchema(server, 'essex');
      const rows = rowsOf(server, 'essex');
      await fill(rows);
      const [card] = cards;
      assert.ok(card);
      const host = await startGuestHost(t, card, '10.200.0.2/24');
      writeFileSync(join(host.folder, 'agent.ini'), essexFile(server.engine, server.port));
      await host.run(
        'ip link add eth1 up type veth peer name far',
        'ip link set far up',
        ...[tapOf(portId(1)), tapOf(portId(2)), GATEWAY].map((tap) => `ip tuntap add dev ${tap} mode tap`),
        `${guestProgram('/run/out/agent.ini', 'run')} > /run/out/log 2>&1 &`,
      );
      const isWired = async (): Promise<boolean> =>
        (await rows.statusOf('port-1')) === 'UP' && (await rows.statusOf('port-3')) === 'UP';
      await waitUntil(isWired, 'both ports are UP');
      await waitUntil(async () => (await rows.statusOf('port-2')) === 'DOWN', 'port 2 is DOWN');

      const links = JSON.parse(await host.run('ip -j -d link show')) as IpLink[];
      const masterOf = (device: string) => links.find(({ ifname }) => ifname === device)?.master;
      assert.deepEqual([tapOf(portId(1)), tapOf(portId(2)), GATEWAY, 'eth1.101', 'eth1.102'].map(masterOf), [
        bridgeOf(N1),
        undefined,
        bridgeOf(N2),
        bridgeOf(N1),
        bridgeOf(N2),
      ]);
    });
  });
}
