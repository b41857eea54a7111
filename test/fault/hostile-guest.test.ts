import assert from 'node:assert/strict';
import { release } from 'node:os';
import { describe, test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, socketUrl, startAgent } from '../support/host/agent.js';
import { markedFrame, NO_OPTIONS, openWire, routerAdvertisement } from '../support/host/frames.js';
import {
  bridgeOf,
  linkNames,
  makeHost,
  masterOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  waitForMaster,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, command, ip } from '../support/host/netns.js';
import { makeGuest } from '../support/host/traffic.js';
import { severalPolls } from './fault.js';

const NETWORK = networkId(1);
/** A network that shares the 11 characters with NETWORK that a bridge is named after. */
const TWIN = `${NETWORK.slice(0, 11)}11-4222-8333-444455550000`;

/** Addresses and routes that an advertisement of a guest gave this host. */
function givenByGuest(namespace: string): string[] {
  const addresses = ip(namespace, '-6', '-o', 'address', 'show').split('\n');
  const routes = ip(namespace, '-6', 'route', 'show', 'table', 'all').split('\n');
  return [...addresses, ...routes].filter((line) => /fd00:bad|proto ra|via fe80/.test(line));
}

async function advertise(t: Cleanup, namespace: string, link: string, options?: Buffer): Promise<void> {
  const wire = openWire(t, namespace, link);
  for (let sent = 0; sent < 5; sent++) {
    wire.send(routerAdvertisement(options));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function makeCloud(t: Cleanup, { server, rows }: TestDatabase, port: { deviceOwner?: string } = {}) {
  const { namespace } = makeHost(t);
  await rows.network({ id: NETWORK, type: 'local' });
  await rows.port({ id: portId(1), network: NETWORK, host: 'host1', ...port });
  const config = makeConfig({ url: socketUrl(server), agent: ['plug_grace = 60'] });
  return { namespace, config };
}

describe('a guest that means harm', () => {
  withDatabase(startPostgres, 'grizzly', (database) => {
    test('the advertisement of these tests is a good one: a device that no agent serves takes it', async (t) => {
      const { namespace } = makeHost(t);
      const guest = makeGuest(t, namespace, 'plain', 1);
      ip(namespace, 'link', 'set', 'plain', 'up');
      await advertise(t, guest.namespace, 'eth0');
      assert.ok(givenByGuest(namespace).length >= 2, 'an address and a route');
    });

    test('router advertisements on a wired tap give the host neither address nor route', async (t) => {
      const { namespace, config } = await makeCloud(t, database());
      const guest = makeGuest(t, namespace, tapOf(portId(1)), 1);
      await startAgent(t, namespace, config);
      await waitForStatus(database().rows, portId(1), 'ACTIVE');
      await advertise(t, guest.namespace, 'eth0');
      assert.deepEqual(givenByGuest(namespace), []);
    });

    test('nor on a tap that is up and is left for libvirt to plug', async (t) => {
      const { namespace, config } = await makeCloud(t, database(), { deviceOwner: 'compute:nova' });
      await startAgent(t, namespace, config);
      const guest = makeGuest(t, namespace, tapOf(portId(1)), 1);
      ip(namespace, 'link', 'set', tapOf(portId(1)), 'up');
      await waitForMaster(namespace, bridgeOf(NETWORK), null);
      await severalPolls({ config });
      await advertise(t, guest.namespace, 'eth0');
      assert.equal(masterOf(namespace, tapOf(portId(1))), null);
      assert.deepEqual(givenByGuest(namespace), []);
    });

    test('nor on a tap that is up and in no bridge, since its port is set down', async (t) => {
      const { namespace, config } = await makeCloud(t, database());
      await database().rows.port({ id: portId(2), network: NETWORK, host: 'host1', adminUp: false });
      const guest = makeGuest(t, namespace, tapOf(portId(2)), 2);
      ip(namespace, 'link', 'set', tapOf(portId(2)), 'up');
      await startAgent(t, namespace, config);
      await severalPolls({ config });
      await advertise(t, guest.namespace, 'eth0');
      assert.equal(masterOf(namespace, tapOf(portId(2))), null);
      assert.deepEqual(givenByGuest(namespace), []);
    });

    for (const [what, options] of [
      ['', undefined],
      [' behind another header', NO_OPTIONS],
    ] as const) {
      test(`nor on a flat network${what}: the host and other guests take those of the wire, and other guests those of guests`, async (t) => {
        const { server, rows } = database();
        const { namespace, outside } = makeHost(t);
        ip(namespace, 'address', 'add', '10.1.0.5/24', 'dev', 'eth1');
        await rows.network({ id: NETWORK, type: 'flat', physicalNetwork: 'physnet1' });
        for (const n of [1, 2]) await rows.port({ id: portId(n), network: NETWORK, host: 'host1' });
        const [from, other] = [1, 2].map((n) => makeGuest(t, namespace, tapOf(portId(n)), n));
        await startAgent(t, namespace, makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1' }));
        for (const n of [1, 2]) await waitForStatus(rows, portId(n), 'ACTIVE');
        const heard = openWire(t, other?.namespace ?? '', 'eth0');
        await advertise(t, from?.namespace ?? '', 'eth0', options);
        const sent = routerAdvertisement(options);
        assert.ok(heard.received().some((frame) => frame.equals(sent)));
        assert.deepEqual(givenByGuest(namespace), []);

        await waitUntil(async () => {
          await advertise(t, outside, 'far', options);
          return givenByGuest(namespace).length >= 2;
        }, 'an address and a route by the wire');
      });
    }

    test('a guest that invents MAC addresses fills no more of the host’s memory than 65,536 of them take', async (t) => {
      const { namespace, config } = await makeCloud(t, database());
      const guest = makeGuest(t, namespace, tapOf(portId(1)), 1);
      await startAgent(t, namespace, config);
      await waitForStatus(database().rows, portId(1), 'ACTIVE');
      const wire = openWire(t, guest.namespace, 'eth0');
      for (let n = 0; n < 70_000; n += 1) wire.send(frameOf(n));
      const learned = command('bridge', '-n', namespace, 'fdb', 'show', 'br', bridgeOf(NETWORK))
        .split('\n')
        .filter((line) => !line.includes('permanent'));
      assert.ok(learned.length > 60_000, `the frames came in: ${learned.length} were learned`);
      // 70,000 where the kernel is older than 6.7.
      assert.ok(learned.length <= 65_536 + 1 || !canBound(), `${learned.length} were learned`);
    });

    test('two networks that share the characters of a bridge name are never joined, not for one frame', async (t) => {
      const { namespace, config } = await makeCloud(t, database());
      const { rows } = database();
      await rows.network({ id: TWIN, type: 'local' });
      await rows.port({ id: portId(2), network: TWIN, host: 'host1' });
      const [one, two] = [1, 2].map((n) => makeGuest(t, namespace, tapOf(portId(n)), n));
      assert.ok(one && two);
      const [from, to] = [openWire(t, two.namespace, 'eth0'), openWire(t, one.namespace, 'eth0')];
      const back = openWire(t, two.namespace, 'eth0');
      const flood = setInterval(() => {
        from.send(markedFrame('from two'));
        to.send(markedFrame('from one'));
      }, 1);
      t.after(() => clearInterval(flood));

      const agent = await startAgent(t, namespace, config);
      await agent.warning('NETWORK_PREFIX_CONFLICT');
      await waitUntil(
        () => [1, 2].some((n) => masterOf(namespace, tapOf(portId(n))) !== null),
        'one of the two is wired',
      );
      await severalPolls({ config });

      const wired = [1, 2].filter((n) => masterOf(namespace, tapOf(portId(n))) !== null);
      assert.equal(wired.length, 1);
      assert.deepEqual(
        linkNames(namespace).filter((name) => name.startsWith('brq')),
        [bridgeOf(NETWORK)],
      );
      assert.deepEqual(strangeFrames(to.received(), 'from two'), []);
      assert.deepEqual(strangeFrames(back.received(), 'from one'), []);
    });
  });
});

/** A frame to everybody from a MAC address of its own. */
function frameOf(n: number): Buffer {
  const frame = Buffer.alloc(60, 'ffffffffffff02000000000088b5', 'hex');
  frame.writeUInt32BE(n, 8);
  return frame;
}

function canBound(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 7);
}

const strangeFrames = (frames: readonly Buffer[], text: string): Buffer[] =>
  frames.filter((frame) => frame.includes(text));
