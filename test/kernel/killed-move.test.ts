import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { realClock } from '../../src/agent/clock.js';
import { type MoveEvent, settleInterruptedMove } from '../../src/agent/state-dir/journal.js';
import { openStore, type StateEvent } from '../../src/agent/state-dir/store.js';
import type { Kernel } from '../../src/model/kernel.js';
import { type Cleanup, ip, ipLink } from '../support/host/netns.js';
import { HANG_LIMIT_MS } from '../support/limit.js';
import { applied, BRIDGE } from './fixture.js';
import { carried, exchange, flatHost, move, openConnections, prepareBridge } from './flat-host.js';

const fixture = join(dirname(fileURLToPath(import.meta.url)), 'killed-move.ts');
const POINTS = ['written down', 'given', 'moved'] as const;

/** An agent begins a move and is killed at a point of it; gives the folder that it wrote its record into. */
function killIn(t: Cleanup, ns: string, operation: ReturnType<typeof move>, point: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'qlb-move-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const program = [process.execPath, '--import', 'tsx', fixture, folder, point, JSON.stringify(operation)];
  const killed = spawnSync('ip', ['netns', 'exec', ns, ...program], {
    encoding: 'utf8',
    timeout: HANG_LIMIT_MS,
  });
  assert.equal(killed.signal, 'SIGKILL', killed.stderr);
  assert.equal(readdirSync(folder).length, 1);
  return folder;
}

/** What the next start does first. */
async function startAgain(folder: string): Promise<(MoveEvent | StateEvent)[]> {
  const told: (MoveEvent | StateEvent)[] = [];
  const tell = (event: MoveEvent | StateEvent): void => void told.push(event);
  const store = openStore(folder, 'host1', realClock, tell);
  settleInterruptedMove(store, tell);
  await store.flush(HANG_LIMIT_MS);
  assert.deepEqual(readdirSync(folder), [], 'the record is gone');
  return told;
}

async function expectReachable(t: Cleanup, router: string): Promise<void> {
  await exchange(await openConnections(t, router), 'x');
}

/** A link-local address the kernel makes by itself, some time after a bridge has got its first port. */
const isGiven = (address: unknown): boolean => !String(address).includes('"scope":"link"');

const settled = (how: 'completed' | 'taken-back'): MoveEvent[] => [{ kind: 'move-settled', how }];

/** The bridge as the agent makes it, and the interface in it with everything moved, where the move is to go back. */
function prepare(kernel: Kernel, membership: 'join' | 'leave'): void {
  prepareBridge(kernel);
  if (membership === 'leave') applied(kernel, move(kernel, 'eth0', BRIDGE, 'join'));
}

describe('an agent killed while it moves addresses', () => {
  for (const membership of ['join', 'leave'] as const) {
    const [from, to] = membership === 'join' ? ['eth0', BRIDGE] : [BRIDGE, 'eth0'];
    for (const point of POINTS) {
      const isMoved = point === 'moved';
      const ends = isMoved ? 'leaves everything moved' : 'leaves everything as it was';
      test(`${membership}, killed ${point}: the next start ${ends}, once, and the host is reachable`, async (t) => {
        const { ns, router, kernel } = await flatHost(t);
        const all = carried(ns, 'eth0');
        prepare(kernel, membership);
        const folder = killIn(t, ns, move(kernel, from, to, membership), point);
        assert.deepEqual(await startAgain(folder), point === 'given' ? settled('taken-back') : []);
        const [holder, other] = isMoved ? [to, from] : [from, to];
        assert.deepEqual(carried(ns, holder), all);
        assert.deepEqual(carried(ns, other).addresses.filter(isGiven), []);
        assert.equal(ipLink(ns, 'eth0')?.master, holder === BRIDGE ? BRIDGE : undefined);
        await expectReachable(t, router);
      });
    }
  }

  test('a stray address on the enslaved uplink: the next start completes the move', async (t) => {
    const { ns, kernel } = await flatHost(t);
    prepare(kernel, 'leave');
    const all = carried(ns, BRIDGE);
    ip(ns, 'address', 'add', '10.1.0.6/24', 'dev', 'eth0');
    const folder = killIn(t, ns, move(kernel, 'eth0', BRIDGE, 'none'), 'given');
    assert.deepEqual(await startAgain(folder), settled('completed'));
    assert.deepEqual(carried(ns, BRIDGE), all);
    assert.deepEqual(carried(ns, 'eth0').addresses, []);
  });

  test('what was put on the interface since, and what the bridge had before, stays where it is', async (t) => {
    const { ns, kernel } = await flatHost(t);
    prepareBridge(kernel);
    ip(ns, 'address', 'add', '10.50.0.1/24', 'dev', BRIDGE);
    const folder = killIn(t, ns, move(kernel, 'eth0', BRIDGE, 'join'), 'given');
    ip(ns, 'address', 'add', '10.60.0.1/24', 'dev', 'eth0');
    assert.deepEqual(await startAgain(folder), settled('taken-back'));
    assert.match(ip(ns, 'address', 'show', 'dev', BRIDGE), /10\.50\.0\.1/);
    assert.match(ip(ns, 'address', 'show', 'dev', 'eth0'), /10\.60\.0\.1/);
    assert.doesNotMatch(ip(ns, 'address', 'show', 'dev', BRIDGE), /10\.1\.0\.5/);
  });

  test('a bridge that was deleted since: nothing is left to do', async (t) => {
    const { ns, kernel } = await flatHost(t);
    const all = carried(ns, 'eth0');
    prepareBridge(kernel);
    const folder = killIn(t, ns, move(kernel, 'eth0', BRIDGE, 'join'), 'given');
    ip(ns, 'link', 'del', BRIDGE);
    assert.deepEqual(await startAgain(folder), []);
    assert.deepEqual(carried(ns, 'eth0'), all);
  });
});
