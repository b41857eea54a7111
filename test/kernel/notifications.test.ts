import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { linkName } from '../../src/model/ids.js';
import { command, endProcess, ip, ipBatch, ipJson, ipLink, makeTap } from '../support/host/netns.js';
import {
  applied,
  attach,
  BRIDGE,
  createBridge,
  eventually,
  kernelInNamespace,
  notifications,
  refOf,
} from './fixture.js';

test('a tap that comes is announced once until the next look', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  kernel.observe();
  let looks = 0;
  kernel.watch(() => looks++);
  makeTap(ns, 'tap1');
  await eventually('the first announcement', () => looks === 1);
  makeTap(ns, 'tap2');
  await new Promise(setImmediate);
  assert.equal(looks, 1);
  assert.ok(kernel.observe().byName.has(linkName('tap2')));
  makeTap(ns, 'tap3');
  await eventually('the second announcement', () => looks === 2);
});

test('what waited before watch was called is announced', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  kernel.observe();
  makeTap(ns, 'tap1');
  let looks = 0;
  kernel.watch(() => looks++);
  await eventually('the announcement', () => looks === 1);
});

test('after close nothing is announced any more', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  kernel.observe();
  let looks = 0;
  kernel.watch(() => looks++);
  makeTap(ns, 'tap1');
  await kernel.close();
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(looks, 0);
});

test('each tap that comes is seen when it is announced, and can be attached at once', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  applied(kernel, createBridge());
  const bridge = refOf(kernel, BRIDGE);
  for (let round = 0; round < 11; round++) {
    const name = linkName(`tap${round}`);
    let announced = false;
    kernel.watch(() => {
      announced = true;
    });
    makeTap(ns, name);
    await eventually(`the announcement of ${name}`, () => announced);
    applied(kernel, attach(refOf(kernel, name), bridge));
    assert.equal(ipLink(ns, name)?.master, BRIDGE);
  }
});

test('what nobody announces is seen when a link is announced, and when it is asked for', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  let announced = false;
  kernel.watch(() => {
    announced = true;
  });
  const table = ['bridge', 'quantum-linuxbridge-agent'];
  const nft = (...words: readonly string[]) => command('ip', 'netns', 'exec', ns, 'nft', ...words);
  assert.equal(kernel.observe().tapFilter.kind, 'absent');
  nft('add', 'table', ...table);
  nft('add', 'chain', ...table, 'from_tap');
  makeTap(ns, 'tap1');
  await eventually('the announcement', () => announced);
  assert.equal(kernel.observe().tapFilter.kind, 'altered');
  nft('delete', 'table', ...table);
  kernel.askAgain();
  assert.equal(kernel.observe().tapFilter.kind, 'absent');
});

/**
 * Far more events than the 16 MiB that the kernel keeps: each change of a bridge port is announced several
 * times.
 */
function overrun(ns: string): void {
  const changes = Array.from({ length: 10_000 }, (_, round) => `link set tap1 mtu ${1300 + (round % 100)}`);
  ipBatch(ns, [
    'link add br1 type bridge',
    'link set tap1 master br1',
    ...changes,
    'tuntap add dev tap2 mode tap',
  ]);
}

test('more events than the kernel keeps: everything is read again and the picture is whole', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'tap1');
  kernel.observe();
  overrun(ns);
  const state = kernel.observe();
  assert.equal(state.byName.get(linkName('tap1'))?.mtu, 1399);
  assert.equal(state.byName.size, ipJson(ns, 'link', 'show').length);
  assert.ok(notifications().dropped > 0, 'there was no overrun');
});

test('an overrun is announced, and so is what comes after it', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'tap1');
  kernel.observe();
  let looks = 0;
  kernel.watch(() => looks++);
  overrun(ns);
  await eventually('the announcement of the overrun', () => looks === 1);
  assert.ok(kernel.observe().byName.has(linkName('tap2')));
  makeTap(ns, 'tap3');
  await eventually('the next announcement', () => looks === 2);
});

test('links that come and go while everything is read again and again never spoil the picture', async (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  const lines = Array.from({ length: 3_000 }, (_, round) => [
    `link add br${round % 50} type bridge`,
    `link set br${(round + 25) % 50} mtu ${1300 + (round % 100)}`,
    `link del br${(round + 1) % 50}`,
  ]).flat();
  const churn = spawn('ip', ['-n', ns, '-force', '-batch', '-'], { stdio: ['pipe', 'ignore', 'ignore'] });
  t.after(() => endProcess(churn));
  // It is ended in the middle when the readings are faster than it: what it has not read yet is of no use then.
  churn.stdin.on('error', () => {});
  churn.stdin.end(lines.join('\n'));
  let reads = 0;
  while (churn.exitCode === null && reads < 2_000) {
    kernel.invalidate();
    const { links, byName } = kernel.observe();
    assert.equal(links.size, byName.size);
    reads++;
    await new Promise(setImmediate);
  }
  await endProcess(churn);
  const names = ipJson<{ ifname: string }>(ns, 'link', 'show').map(({ ifname }) => ifname);
  assert.deepEqual([...kernel.observe().byName.keys()].sort(), names.sort());
  assert.ok(reads > 5, `only ${reads} readings`);
});

test('a link event of another kind changes neither version nor value', (t) => {
  const { ns, kernel } = kernelInNamespace(t);
  makeTap(ns, 'tap1');
  const before = kernel.observe();
  ip(ns, 'link', 'set', 'tap1', 'txqueuelen', '777');
  assert.equal(kernel.observe(), before);
});
