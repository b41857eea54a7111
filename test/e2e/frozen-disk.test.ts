import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { startPostgres } from '../support/databases/postgres.js';
import { waitUntil } from '../support/databases/servers.js';
import {
  type ConfigFile,
  makeConfig,
  PROGRAM,
  type RunningAgent,
  runCli,
  socketUrl,
  startAgent,
} from '../support/host/agent.js';
import { type FreezableDisk, mountFreezable } from '../support/host/frozen-disk.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  masterOf,
  networkId,
  portId,
  type TestDatabase,
  tapOf,
  waitForMaster,
  waitForStatus,
  withDatabase,
} from '../support/host/host.js';
import { type Cleanup, ip, spawnIn } from '../support/host/netns.js';

const [NETWORK, FLAT] = [networkId(1), networkId(2)];
const [FIRST, SECOND, THIRD, ON_FLAT] = [portId(1), portId(2), portId(3), portId(4)];
const NOT_KEPT = 'what is known could not be kept in state_dir, the agent works on';
const KEPT_AGAIN = 'what is known is kept in state_dir again';
const END_LIMIT_MS = 5_000;

interface Frozen {
  readonly namespace: string;
  readonly config: ConfigFile;
  readonly disk: FreezableDisk;
  readonly agent: RunningAgent;
  readonly cli: (...args: readonly string[]) => ReturnType<typeof runCli>;
}

/** An agent that has wired two taps and has its state on a disk that is frozen then. */
async function freezeUnderAgent(t: Cleanup, { server, rows }: TestDatabase): Promise<Frozen> {
  const { namespace } = makeHost(t);
  await rows.network({ id: NETWORK, type: 'local' });
  for (const id of [FIRST, SECOND, THIRD]) await rows.port({ id, network: NETWORK });
  const config = makeConfig({ url: socketUrl(server), mappings: 'physnet1:eth1' });
  const disk = mountFreezable(t, config.stateDir);
  makeTapsOf(namespace, FIRST, SECOND);
  const agent = await startAgent(t, namespace, config);
  for (const port of [FIRST, SECOND]) await waitForStatus(rows, port, 'ACTIVE');
  await disk.freeze();
  const cli: Frozen['cli'] = (...args) => runCli(namespace, ['--config-file', config.path, ...args]);
  return { namespace, config, disk, agent, cli };
}

/** A process whose last thread the kernel keeps in a write is dead and cannot be taken away yet. */
const isDead = (pid: number): boolean => /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

describe('while the disk under state_dir is frozen', () => {
  withDatabase(startPostgres, 'folsom', (database) => {
    test('new taps are wired and status answers; it is told once, with the time, and once more when it is over', async (t) => {
      const { namespace, disk, agent, cli } = await freezeUnderAgent(t, database());
      makeTapsOf(namespace, THIRD);
      await waitForStatus(database().rows, THIRD, 'ACTIVE');
      const { error, code } = await agent.line(NOT_KEPT);
      assert.equal(code, 'STATE_NOT_KEPT');
      assert.match(String(error), /state does not answer: a write that was begun at 2.* UTC has not ended$/);

      ip(namespace, 'link', 'del', tapOf(THIRD));
      makeTapsOf(namespace, THIRD);
      await waitForMaster(namespace, tapOf(THIRD), bridgeOf(NETWORK));
      const status = await cli('status');
      assert.equal(status.code, 0, status.stderr);

      await disk.thaw();
      await agent.line(KEPT_AGAIN);
      assert.equal(agent.saying(NOT_KEPT).length, 1);
      agent.signal('SIGTERM');
      assert.equal(await agent.ended(), 0);
    });

    test('a removal of the free share goes ahead as on a full disk, and the loop goes on', async (t) => {
      const { namespace, disk, agent } = await freezeUnderAgent(t, database());
      await database().server.query(`delete from ports where id = '${SECOND}'`, 'quantum');
      await waitForMaster(namespace, tapOf(SECOND), null);
      makeTapsOf(namespace, THIRD);
      await waitForMaster(namespace, tapOf(THIRD), bridgeOf(NETWORK));
      await agent.line(NOT_KEPT);
      await disk.thaw();
      await agent.line(KEPT_AGAIN);
    });

    test('addresses that cannot be written down first are not moved; they are when the disk answers', async (t) => {
      const { namespace, disk, agent } = await freezeUnderAgent(t, database());
      const { rows } = database();
      ip(namespace, 'address', 'add', '10.1.0.5/24', 'dev', 'eth1');
      await rows.network({ id: FLAT, type: 'flat', physicalNetwork: 'physnet1' });
      await rows.port({ id: ON_FLAT, network: FLAT });
      makeTapsOf(namespace, ON_FLAT);
      const { detail } = await agent.warning('OPERATION_FAILED');
      assert.match(String(detail), /could not be written down first: .* does not answer/);
      assert.match(ip(namespace, 'address', 'show', 'dev', 'eth1'), /10\.1\.0\.5/);
      makeTapsOf(namespace, THIRD);
      await waitForMaster(namespace, tapOf(THIRD), bridgeOf(NETWORK));

      await disk.thaw();
      await waitForMaster(namespace, 'eth1', bridgeOf(FLAT));
      assert.match(ip(namespace, 'address', 'show', 'dev', bridgeOf(FLAT)), /10\.1\.0\.5/);
    });

    test('SIGTERM ends the agent within 5 s: the next one starts, and the kernel keeps the dead one until the disk answers', async (t) => {
      const { namespace, config, disk, agent } = await freezeUnderAgent(t, database());
      ip(namespace, 'link', 'del', tapOf(SECOND));
      await waitForStatus(database().rows, SECOND, 'DOWN');
      agent.signal('SIGTERM');
      await waitUntil(() => isDead(agent.pid), 'the agent is dead', END_LIMIT_MS);
      const [told] = agent.saying(NOT_KEPT);
      assert.match(String(told?.error), /the kernel keeps this process until it has$/);

      const next = await startAgent(t, namespace, config);
      makeTapsOf(namespace, SECOND);
      await waitForStatus(database().rows, SECOND, 'ACTIVE');
      await disk.thaw();
      assert.equal(await agent.ended(), 0);
      assert.equal(masterOf(namespace, tapOf(FIRST)), bridgeOf(NETWORK));
      next.signal('SIGTERM');
      assert.equal(await next.ended(), 0);
    });
  });

  withDatabase(startPostgres, 'folsom', (database) => {
    test('once wires, writes the statuses, and says that its state is not kept', async (t) => {
      const { server, rows } = database();
      const { namespace } = makeHost(t);
      await rows.network({ id: NETWORK, type: 'local' });
      await rows.port({ id: FIRST, network: NETWORK });
      makeTapsOf(namespace, FIRST);
      const config = makeConfig({ url: socketUrl(server) });
      const disk = mountFreezable(t, config.stateDir);
      await disk.freeze();
      const child = spawnIn(namespace, process.execPath, PROGRAM, '--config-file', config.path, 'once');
      let stderr = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        stderr += chunk;
      });
      const ended = once(child, 'close');
      await waitUntil(() => stderr.includes('STATE_NOT_KEPT'), 'it is told');
      assert.equal(await rows.statusOf(FIRST), 'ACTIVE');
      await disk.thaw();
      const [code] = await ended;
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^quantum-linuxbridge-agent: STATE_NOT_KEPT: .* does not answer/m);
    });
  });
});
