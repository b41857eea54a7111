import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { usually } from '../support/databases/engines.js';
import { makeSite, OPEN_ENGINES } from '../support/databases/outside-database.js';
import { type Rows, rowsOf } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import { type GuestHost, guestProgram, startGuestHost } from '../support/host/guest-host.js';
import { bridgeOf, networkId, portId, tapOf } from '../support/host/host.js';
import type { Cleanup, IpLink } from '../support/host/netns.js';
import { folsomFile } from '../support/words/legacy-config.js';

const PORTS = [1, 2, 3, 4] as const;
const [LOCAL, FLAT, VLAN] = [networkId(1), networkId(2), networkId(3)];

/** Ports 1 and 2 on a local and a flat network, port 3 on VLAN 1000, port 4 on it too but admin down. */
async function fill(rows: Rows): Promise<void> {
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
  await rows.network({ id: VLAN, type: 'vlan', physicalNetwork: 'physnet1', vlanId: 1000 });
  for (const [port, network] of [
    [1, LOCAL],
    [2, FLAT],
    [3, VLAN],
  ] as const)
    await rows.port({ id: portId(port), network });
  await rows.port({ id: portId(4), network: VLAN, adminUp: false, status: 'ACTIVE' });
}

/** A compute node: its database over `vec0`, its guests' networks on `eth1`, which carries an address of the host. */
async function makeNode(
  t: Cleanup,
  start: () => Promise<TestServer>,
): Promise<{ host: GuestHost; rows: Rows }> {
  const { server, url, cards } = await makeSite(t, start, 1);
  await createSchema(server, 'folsom');
  const rows = rowsOf(server, 'folsom');
  await fill(rows);
  const [card] = cards;
  assert.ok(card);
  const host = await startGuestHost(t, card, '10.200.0.2/24');
  writeFileSync(join(host.folder, 'linuxbridge_conf.ini'), folsomFile(`${url}?charset=utf8`));
  await host.run(
    'ip link add eth1 up type veth peer name far',
    'ip link set far up',
    'ip address add 10.1.0.5/24 dev eth1',
    ...PORTS.map((port) => `ip tuntap add dev ${tapOf(portId(port))} mode tap`),
  );
  return { host, rows };
}

const program = (...args: readonly string[]): string =>
  guestProgram('/run/out/linuxbridge_conf.ini', ...args);

for (const { name, start } of usually('MariaDB', OPEN_ENGINES)) {
  describe(`a Folsom database on ${name} and the legacy file as it is, on a kernel with VLANs`, () => {
    test('once wires flat, local and VLAN networks and writes the statuses; plan then says in sync and ends with 0', async (t) => {
      const { host, rows } = await makeNode(t, start);
      await host.run(program('once'));

      const links = JSON.parse(await host.run('ip -j -d link show')) as IpLink[];
      const masterOf = (device: string) => links.find(({ ifname }) => ifname === device)?.master;
      assert.deepEqual(
        PORTS.map((port) => masterOf(tapOf(portId(port)))),
        [bridgeOf(LOCAL), bridgeOf(FLAT), bridgeOf(VLAN), undefined],
      );
      assert.deepEqual(['eth1', 'eth1.1000'].map(masterOf), [bridgeOf(FLAT), bridgeOf(VLAN)]);
      const uplink = links.find(({ ifname }) => ifname === 'eth1.1000');
      assert.deepEqual([uplink?.link, uplink?.linkinfo?.info_data?.id], ['eth1', 1000]);
      assert.match(await host.run(`ip address show dev ${bridgeOf(FLAT)}`), /inet 10\.1\.0\.5\/24/);
      assert.deepEqual(await Promise.all(PORTS.map((port) => rows.statusOf(portId(port)))), [
        'ACTIVE',
        'ACTIVE',
        'ACTIVE',
        'DOWN',
      ]);

      const plan = await host.attempt(`${program('plan', '--json')} 2> /dev/null`);
      assert.equal(plan.status, 0, plan.output);
      const { inSync, operations, generation } = JSON.parse(plan.output);
      assert.deepEqual(
        { inSync, operations, generation },
        { inSync: true, operations: [], generation: 'folsom' },
      );
    });
  });
}
