import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ENGINES, usually } from '../support/databases/engines.js';
import { startInside } from '../support/databases/outside-database.js';
import { rowsOf } from '../support/databases/rows.js';
import type { TestServer } from '../support/databases/servers.js';
import { privateFolder } from '../support/databases/servers.js';
import { createSchema } from '../support/databases/tables.js';
import { runCli } from '../support/host/agent.js';
import {
  bridgeOf,
  linkNames,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  tapOf,
} from '../support/host/host.js';
import { type Cleanup, ipJson, ipLink } from '../support/host/netns.js';
import { startQuietWitness } from '../support/host/witness.js';
import { folsomFile } from '../support/words/legacy-config.js';

async function makeCloud(t: Cleanup, start: () => Promise<TestServer>) {
  const host = makeHost(t);
  const server = await startInside(host.namespace, start);
  t.after(() => server.destroy());
  await createSchema(server, 'folsom');
  const rows = rowsOf(server, 'folsom');
  await rows.network({ id: networkId(1), type: 'local' });
  await rows.network({ id: networkId(2), type: 'flat', physicalNetwork: 'physnet1' });
  await rows.port({ id: portId(1), network: networkId(1) });
  await rows.port({ id: portId(2), network: networkId(2) });
  await rows.port({ id: portId(3), network: networkId(2), adminUp: false, status: 'ACTIVE' });
  makeTapsOf(host.namespace, portId(1), portId(2), portId(3));
  const folder = privateFolder('legacy');
  const file = join(folder, 'linuxbridge_conf.ini');
  writeFileSync(
    file,
    folsomFile(`${server.url()}?charset=utf8`.replace('postgresql:', 'postgresql+psycopg2:')),
  );
  const flags = [
    '--config-file',
    file,
    '--state-dir',
    join(folder, 'state'),
    '--run-dir',
    join(folder, 'run'),
  ];
  const cli = (...args: readonly string[]) => runCli(host.namespace, [...flags, ...args]);
  return { host, rows, cli };
}

for (const { name, start } of usually('MariaDB', ENGINES)) {
  describe(`a Folsom database on ${name}, over TCP, with the legacy file as it is`, () => {
    test('once wires local and flat networks, writes the statuses, and leaves nothing to plan', async (t) => {
      const { host, rows, cli } = await makeCloud(t, start);
      const { namespace } = host;
      const [address] = ipJson<{ address: string }>(namespace, 'link', 'show', 'eth1');

      const once = await cli('once');
      assert.equal(once.code, 0, once.stderr + once.stdout);

      assert.equal(masterOf(namespace, tapOf(portId(1))), bridgeOf(networkId(1)));
      assert.equal(masterOf(namespace, tapOf(portId(2))), bridgeOf(networkId(2)));
      assert.equal(masterOf(namespace, tapOf(portId(3))), null);
      assert.equal(masterOf(namespace, 'eth1'), bridgeOf(networkId(2)));
      const flat = ipLink(namespace, bridgeOf(networkId(2)));
      assert.equal(flat?.address, address?.address);
      assert.equal(flat?.ifalias, `quantum-linuxbridge-agent:${networkId(2)}`);
      assert.equal(flat?.linkinfo?.info_data?.stp_state, 0);
      assert.equal(flat?.linkinfo?.info_data?.forward_delay, 0);
      assert.deepEqual(await Promise.all([1, 2, 3].map((n) => rows.statusOf(portId(n)))), [
        'ACTIVE',
        'ACTIVE',
        'DOWN',
      ]);

      const plan = await cli('plan', '--json');
      assert.equal(plan.code, 0, plan.stdout);
      const { inSync, operations, statuses, generation } = JSON.parse(plan.stdout);
      assert.deepEqual(
        { inSync, operations, statuses, generation },
        {
          inSync: true,
          operations: [],
          statuses: [],
          generation: 'folsom',
        },
      );
    });

    test('a second once changes nothing and, as cron likes it, prints nothing', async (t) => {
      const { host, cli } = await makeCloud(t, start);
      await cli('once');
      const witness = await startQuietWitness(t, host.namespace);
      const again = await cli('once');
      assert.deepEqual(again, { code: 0, stdout: '', stderr: '' });
      await witness.expectNothingOn(...linkNames(host.namespace));
    });
  });
}
