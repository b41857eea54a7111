import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { usually } from '../support/databases/engines.js';
import { makeSite, OPEN_ENGINES } from '../support/databases/outside-database.js';
import { DATABASE, waitUntil } from '../support/databases/servers.js';
import { dumpFor, loadDump } from '../support/databases/zed-dump.js';
import { guestProgram, startGuestHost } from '../support/host/guest-host.js';
import { bridgeOf, tapOf } from '../support/host/host.js';
import type { IpLink } from '../support/host/netns.js';

const HOST = 'peer-host-1';

const FILE = (url: string): string => `[database]
connection = ${url}
[linux_bridge]
physical_interface_mappings = physnet1:eth1
[AGENT]
host = ${HOST}
polling_interval = 1
plug_grace = 0.5
`;

/** Every port that is bound to the host, by the kind of its network; as the database itself tells it. */
const BOUND = `select p.id, p.network_id, p.admin_state_up, s.network_type, s.segmentation_id
  from ports p join ml2_port_bindings b on b.port_id = p.id
  join networksegments s on s.network_id = p.network_id where b.host = '${HOST}'`;

describe('a database that a real Neutron (Zed) made, on a host that it names', () => {
  for (const { name, start } of usually('PostgreSQL', OPEN_ENGINES)) {
    const dump = dumpFor(name);
    // Where the dumps are not, there is nothing to test, and nothing that could be installed for it.
    if (dump === null) continue;
    test(`its local, flat and VLAN ports are wired and ACTIVE, and its agent is alive, on ${name}`, async (t) => {
      const { server, url, cards } = await makeSite(t, start, 1);
      loadDump(server, dump);
      if (server.engine === 'postgresql')
        await server.query('grant all on all tables in schema public to quantum', DATABASE);
      const ports = await server.query(BOUND, DATABASE);
      const [card] = cards;
      assert.ok(card);
      const host = await startGuestHost(t, card, '10.200.0.2/24');
      writeFileSync(join(host.folder, 'agent.ini'), FILE(url));
      await host.run(
        'ip link add eth1 up type veth peer name far',
        'ip link set far up',
        ...ports.map(({ id }) => `ip tuntap add dev ${tapOf(String(id))} mode tap`),
        `${guestProgram('/run/out/agent.ini', 'run')} > /run/out/log 2>&1 &`,
      );
      const wired = ports.filter(
        ({ network_type, admin_state_up }) => network_type !== 'vxlan' && Boolean(admin_state_up),
      );
      assert.deepEqual([...new Set(wired.map(({ network_type }) => network_type))].sort(), [
        'flat',
        'local',
        'vlan',
      ]);
      const statuses = async (): Promise<readonly unknown[]> => {
        const ids = wired.map(({ id }) => `'${id}'`).join(', ');
        return (await server.query(`select status from ports where id in (${ids})`, DATABASE)).map(
          ({ status }) => status,
        );
      };
      await waitUntil(async () => (await statuses()).every((status) => status === 'ACTIVE'), 'all ACTIVE');

      const links = JSON.parse(await host.run('ip -j -d link show')) as IpLink[];
      const masterOf = (device: string) => links.find(({ ifname }) => ifname === device)?.master;
      for (const { id, network_id } of wired)
        assert.equal(masterOf(tapOf(String(id))), bridgeOf(String(network_id)));
      const networkOf = (type: string) =>
        bridgeOf(String(ports.find(({ network_type }) => network_type === type)?.network_id));
      assert.equal(masterOf('eth1'), networkOf('flat'));
      assert.equal(masterOf('eth1.123'), networkOf('vlan'));

      const fleet = await host.attempt(
        `${guestProgram('/run/out/agent.ini', 'fleet', '--json')} 2> /dev/null`,
      );
      const hosts = JSON.parse(fleet.output).hosts as { host: string; state: string; devices: number }[];
      const own = hosts.find((each) => each.host === HOST);
      assert.deepEqual([own?.state, own?.devices], ['alive', ports.length]);
      assert.equal(hosts.find((each) => each.host === 'peer-host-2')?.state, 'late');
      const rows = await server.query('select host from agents', DATABASE);
      assert.equal(rows.length, 2, 'the row that was there was freshened, none was added');
    });
  }
});
