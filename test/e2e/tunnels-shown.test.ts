import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '../support/host/agent.js';
import { onUsualEngine, portId, type TestDatabase } from '../support/host/host.js';
import { type Cleanup, ip } from '../support/host/netns.js';
import { boot, makeTunnelCloud, TENANT, waitForMesh } from '../support/host/tunnel-cloud.js';

/** A guest on each of two hosts, and a port of the network on a host that no agent has told of. */
async function makeStage(t: Cleanup, database: TestDatabase) {
  const [one, two] = await makeTunnelCloud(t, database, { hosts: 2 });
  assert.ok(one && two);
  const guest = await boot(t, database, one, 1);
  await boot(t, database, two, 2);
  await waitForMesh([one, two]);
  await database.rows.port({ id: portId(3), network: TENANT.network });
  await database.rows.binding({ port: portId(3), host: 'host9', segment: TENANT.network });
  await one.agent().warning('VTEP_UNKNOWN');
  const shown = async (...command: readonly string[]) =>
    runCli(one.namespace, ['--config-file', one.config.path, ...command]);
  return { one, two, guest, shown };
}

onUsualEngine('PostgreSQL', 'ml2-zed', (database) => {
  test('explain lists each endpoint with its host and since when, and why another host is none', async (t) => {
    const { guest, shown } = await makeStage(t, database());
    for (const what of [TENANT.network, guest.port]) {
      const { code, stdout } = await shown('explain', what);
      assert.equal(code, 0, stdout);
      assert.match(stdout, /^ok {2}tunnel +vxlan-1001 is there and up: VNI 1001 from 192\.0\.2\.1 to 2/m);
      assert.match(stdout, /^ {2}192\.0\.2\.2 +host2 +in the flood list, for \d+ s$/m);
      assert.match(stdout, /^ {2}- +host9 +not known: it has no row in agents$/m);
      assert.match(stdout, /^ +VTEP_UNKNOWN: Start the agent of that host/m);
      assert.deepEqual(
        stdout.split('\n').filter((line) => line.length > 80),
        [],
      );
    }
  });

  test('status tells of a network its tunnel and which endpoints need a look, and check warns of them', async (t) => {
    const { shown } = await makeStage(t, database());
    const { stdout } = await shown('status');
    assert.match(stdout, /^ {2}tunnel VNI 1001 from 192\.0\.2\.1 to 2 endpoints \(1 not known\)$/m);
    assert.match(stdout, /^ {4}no address of host9: not known: it has no row in agents$/m);
    const { forwarding } = JSON.parse((await shown('--json', 'status')).stdout);
    for (const how of [[], ['--direct']]) {
      const checked = await shown('check', ...how);
      assert.equal(checked.code, 1, checked.stdout);
      assert.match(checked.stdout, /^WARNING: the tunnel endpoint of 1 other host\(s\) not known \|/);
    }
    assert.deepEqual(forwarding, { endpoints: 1, entries: 1, removalsPending: 0, hostsUnknown: 1 });
  });

  test('a tunnel that was deleted is planned in words of ip and bridge, and explained as what is broken', async (t) => {
    const { one, shown } = await makeStage(t, database());
    one.agent().signal('SIGTERM');
    await one.agent().ended();
    ip(one.namespace, 'link', 'delete', TENANT.tunnel);
    const planned = await shown('plan');
    assert.equal(planned.code, 2);
    assert.match(planned.stdout, /ip link add vxlan-1001 type vxlan id 1001 local 192\.0\.2\.1 dstport 8472/);
    assert.match(planned.stdout, /bridge fdb append 00:00:00:00:00:00 dev vxlan-1001 dst 192\.0\.2\.2 self/);
    assert.equal((await shown('explain', TENANT.network)).code, 1);
  });
});
