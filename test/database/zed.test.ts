import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openDatabase } from '../../src/database/database.js';
import { portId } from '../../src/model/ids.js';
import { databaseSettings, ENGINES } from '../support/databases/engines.js';
import type { TestServer } from '../support/databases/servers.js';
import { dumpFor, loadDump } from '../support/databases/zed-dump.js';

const HOST = 'peer-host-1';

describe('a database that a real Neutron (Zed) made', () => {
  for (const engine of ENGINES) {
    const dump = dumpFor(engine.name);
    // Where the dumps are not, there is nothing to test, and nothing that could be installed for it.
    if (dump === null) continue;
    it(`gives every port of a host its binding and its segment, on ${engine.name}`, async () => {
      const server = await engine.start();
      try {
        loadDump(server, dump);
        const hosts = await server.query('select port_id, host from ml2_port_bindings', 'quantum');
        const ids = hosts.map(({ port_id }) => String(port_id));
        const agent = openDatabase(
          databaseSettings(server, { host: HOST, servers: [administrator(server)] }),
        );
        const { generation, ports, networks, warnings } = await agent.read({
          taps: ids.map((id) => ({ by: 'suffix', suffix: id.slice(0, 11), wired: false })),
          bridges: [],
        });
        await agent.close();
        assert.deepEqual([generation, warnings], ['ml2', []]);
        const here = ports.filter(({ binding }) => binding.kind === 'here').map(({ id }) => `${id}`);
        const expected = hosts.filter(({ host }) => host === HOST).map(({ port_id }) => String(port_id));
        assert.deepEqual(here.sort(), expected.sort());
        // A standby router's port is served by another host, whose segment may not be the one here.
        const [standby, bound] = [
          ports.filter(({ segment }) => segment === null),
          ports.flatMap((port) => port.segment ?? []),
        ];
        assert.deepEqual(new Set(standby.map(({ binding }) => binding.kind)), new Set(['standby']));
        assert.deepEqual([...new Set(bound.map(({ kind }) => kind))].sort(), [
          'flat',
          'local',
          'vlan',
          'vxlan',
        ]);
        assert.deepEqual(networks.map(({ mtu }) => mtu).sort(), [1450, 1500, 1500, 1500]);
        assert.ok(ports.every(({ id }) => ids.includes(portId(id))));
      } finally {
        await server.destroy();
      }
    });
  }
});

const administrator = (server: TestServer) =>
  server.client({
    socketPath: server.socketPath,
    user: server.engine === 'mysql' ? 'root' : 'postgres',
    password: () => null,
  });
