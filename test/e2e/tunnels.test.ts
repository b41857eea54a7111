import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '../support/databases/servers.js';
import { startCapture } from '../support/host/capture.js';
import { startFlows } from '../support/host/flows.js';
import { onUsualEngine, type TestDatabase } from '../support/host/host.js';
import { type Cleanup, command, ip } from '../support/host/netns.js';
import {
  type Booted,
  boot,
  type CloudHost,
  makeTunnelCloud,
  OTHER_TENANT,
  waitForFloodList,
  waitForMesh,
} from '../support/host/tunnel-cloud.js';
import type { Family } from '../support/host/wire.js';

const TUNNELLED = 'udp port 8472';

/** Three hosts with a guest each of one network, and a fourth with one of another. */
async function makeStage(t: Cleanup, database: TestDatabase, family: Family) {
  const hosts = await makeTunnelCloud(t, database, { family, hosts: 4 });
  const [one, two, three, fourth] = hosts;
  assert.ok(one && two && three && fourth);
  const members: readonly [CloudHost, CloudHost, CloudHost] = [one, two, three];
  const guests: Booted[] = [];
  for (const [at, host] of members.entries()) guests.push(await boot(t, database, host, at + 1));
  const stranger = await boot(t, database, fourth, 4, OTHER_TENANT);
  await waitForMesh(members);
  await waitForFloodList(fourth, [], OTHER_TENANT);
  return { members, guests, fourth, stranger };
}

/** Has the guest ask for an address that nobody has: a broadcast. */
const askForNobody = ({ namespace }: Booted): void => {
  ip(namespace, 'neighbour', 'flush', 'all');
  command('ip', 'netns', 'exec', namespace, 'bash', '-c', 'echo > /dev/udp/10.77.0.99/9');
};

onUsualEngine('PostgreSQL', 'ml2-zed', (database) => {
  for (const family of ['IPv4', 'IPv6'] as const) {
    test(`guests of three hosts reach each other over ${family}, and their broadcasts reach only hosts of the network`, async (t) => {
      const { members, guests, fourth, stranger } = await makeStage(t, database(), family);
      const pairs = guests.flatMap((from) => guests.filter((to) => to !== from).map((to) => ({ from, to })));
      const elsewhere = await startCapture(t, fourth.namespace, 'eth0', TUNNELLED);
      const heard = await startCapture(t, stranger.namespace, 'eth0', 'arp or udp');
      const flows = await startFlows(t, pairs);
      const [asking, ...others] = guests;
      assert.ok(asking);
      const asked = await Promise.all(
        others.map(({ namespace }) => startCapture(t, namespace, 'eth0', 'arp host 10.77.0.99')),
      );
      askForNobody(asking);
      await waitUntil(() => asked.every(({ count }) => count() > 0), 'the broadcast reaches its network');
      const counted = await flows.count();
      assert.equal(counted.length, 6);
      assert.deepEqual(
        counted.filter(({ sent, lost }) => sent === 0 || lost > 0),
        [],
      );
      assert.deepEqual([elsewhere.count(), heard.count()], [0, 0]);
      for (const { agent } of members)
        assert.deepEqual(
          agent()
            .saying('warning')
            .map(({ code }) => code),
          [],
        );
    });
  }
});
