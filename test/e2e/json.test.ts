import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { makeConfig, runCli, socketUrl } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, makeTaps } from '../support/host/netns.js';

const [LOCAL, UNMAPPED] = [networkId(1), networkId(2)];
const KEYS = [
  'host',
  'generation',
  'inSync',
  'operations',
  'held',
  'failed',
  'statuses',
  'warnings',
  'timings',
];

interface Printed {
  readonly operations: readonly { op: string; device: string; reason: string; commands: string[] }[];
  readonly statuses: unknown;
  readonly warnings: readonly { code: string; message: string; port?: string; network?: string }[];
  readonly timings: Record<string, number>;
  readonly [key: string]: unknown;
}

/** More ports than a pipe has room for in a report: it takes 64 KiB before anybody reads. */
const MANY_PORTS = Array.from(
  { length: 120 },
  (_, at) => `${at.toString(16).padStart(8, '0')}-1111-4222-8333-444455556666`,
);
const PIPE_BYTES = 65_536;

/** Runs what follows, and reads what it prints only when it has given its lock back: all that is left is to end. */
const WITH_LATE_READER = [
  'bash',
  '-c',
  `set -o pipefail
   locked() { grep -q "^[^ ]* *10 .* 514c4241 " /proc/net/netlink; }
   free() { ! locked; }
   await() { for _ in {1..9000}; do if "$1"; then return; fi; sleep 0.01; done; exit 1; }
   "$@" | { await locked; await free; cat; }`,
  'bash',
];

async function makeCloud(t: Cleanup, { server, rows }: TestDatabase) {
  const { namespace } = makeHost(t);
  await rows.network({ id: LOCAL, type: 'local' });
  await rows.network({ id: UNMAPPED, type: 'flat', physicalNetwork: 'physnet9' });
  await rows.port({ id: portId(1), network: LOCAL });
  for (const port of [portId(2), portId(3)]) await rows.port({ id: port, network: UNMAPPED });
  makeTapsOf(namespace, ...[1, 2, 3].map(portId));
  const config = makeConfig({ url: socketUrl(server) });
  return async (...args: readonly string[]): Promise<Printed> => {
    const { stdout } = await runCli(namespace, ['--config-file', config.path, ...args]);
    return JSON.parse(stdout) as Printed;
  };
}

describe('plan --json and once --json', () => {
  withDatabase(startPostgres, 'folsom', (database) => {
    for (const command of ['plan', 'once']) {
      test(`${command} prints one object with exactly the documented keys, on one line`, async (t) => {
        const print = await makeCloud(t, database());
        const printed = await print(command, '--json');
        assert.deepEqual(Object.keys(printed), KEYS);
        assert.deepEqual(
          { host: printed.host, generation: printed.generation, held: printed.held, failed: printed.failed },
          { host: 'host1', generation: 'folsom', held: [], failed: [] },
        );
        for (const ms of Object.values(printed.timings)) assert.equal(typeof ms, 'number');
      });
    }

    test('every operation names its device and its reason, and says itself in iproute2’s words', async (t) => {
      const print = await makeCloud(t, database());
      const { operations, inSync } = await print('plan', '--json');
      assert.equal(inSync, false);
      for (const { op, device, reason, commands } of operations) {
        assert.ok(op && device && reason, JSON.stringify({ op, device, reason }));
        assert.ok(commands.length > 0);
      }
      assert.deepEqual(
        operations.filter(({ op }) => op === 'attach').map(({ commands }) => commands),
        [[`ip link set ${tapOf(portId(1))} master ${bridgeOf(LOCAL)} group 7433314`]],
      );
    });

    test('a port that is not wired has a warning of its own with its full id, also when its network is at fault', async (t) => {
      const print = await makeCloud(t, database());
      const { warnings } = await print('plan', '--json');
      const unmapped = warnings.filter(({ code }) => code === 'PHYSICAL_NETWORK_UNMAPPED');
      assert.deepEqual(unmapped.flatMap(({ port }) => (port === undefined ? [] : [port])).sort(), [
        portId(2),
        portId(3),
      ]);
      for (const { message } of unmapped) assert.match(message, /physnet9/);
    });

    test('once prints a large object whole, also when its reader comes late', async (t) => {
      const { server, rows } = database();
      const { namespace } = makeHost(t);
      await rows.network({ id: LOCAL, type: 'local' });
      for (const port of MANY_PORTS) await rows.port({ id: port, network: LOCAL });
      makeTaps(namespace, MANY_PORTS.map(tapOf));
      const args = ['--config-file', makeConfig({ url: socketUrl(server) }).path, 'once', '--json'];
      const { code, stdout } = await runCli(namespace, args, { prefix: WITH_LATE_READER });
      assert.equal(code, 0);
      assert.ok(stdout.endsWith('}\n'), `it ends after ${stdout.length} characters`);
      assert.ok(stdout.length > PIPE_BYTES, `${stdout.length} characters do not fill the pipe`);
      assert.equal((JSON.parse(stdout) as { statuses: unknown[] }).statuses.length, MANY_PORTS.length);
    });

    test('once tells the statuses it wrote, with full ids', async (t) => {
      const print = await makeCloud(t, database());
      const { statuses, inSync } = await print('once', '--json');
      assert.equal(inSync, true);
      assert.deepEqual(statuses, [{ port: portId(1), status: 'ACTIVE' }]);
    });
  });
});
