import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Ended, runBounded } from '../../runner/process.js';

/** Runs a shell script that prints nothing. */
const run = (script: string, limitMs = 60_000): Promise<Ended> =>
  runBounded('sh', ['-c', script], { limitMs, quiet: true });

/** Whether `sleep` runs with just this argument, in any session. */
const isAlive = (seconds: number): boolean =>
  readdirSync('/proc').some((name) => /^\d+$/.test(name) && commandLine(name) === `sleep\0${seconds}\0`);

/** Empty when the process has just gone. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

test('the exit code of a command is given back', async () => {
  const ended = await run('exit 7');
  assert.equal(ended.code, 7);
  assert.equal(ended.trouble, null);
  assert.deepEqual(ended.leftBehind, []);
});

test('a command that does not exist is an ending with its reason', async () => {
  const ended = await runBounded('no-such-command', [], { limitMs: 60_000 });
  assert.equal(ended.code, null);
  assert.match(ended.trouble ?? '', /could not be started: .*(ENOENT|EACCES)/);
});

test('a command that hangs is ended at its limit together with what it started', async () => {
  const running = run('sleep 86391 & sleep 86392', 3_000);
  for (let tries = 0; tries < 100 && !(isAlive(86391) && isAlive(86392)); tries++) await delay(20);
  assert.equal(isAlive(86391) && isAlive(86392), true);
  const ended = await running;
  assert.match(ended.trouble ?? '', /ended after 3 s without progress/);
  assert.equal(isAlive(86391), false);
  assert.equal(isAlive(86392), false);
});

test('a command that gets on is not ended, however long it takes', async () => {
  let looks = 0;
  const ended = await runBounded('sleep', ['1'], { limitMs: 300, quiet: true, progress: () => (looks += 1) });
  assert.deepEqual([ended.code, ended.trouble], [0, null]);
});

test('a command that ignores SIGTERM is ended all the same', async () => {
  const ended = await run("trap '' TERM; while :; do sleep 0.2; done", 300);
  assert.equal(ended.code, null);
  assert.match(ended.trouble ?? '', /ended after .* without progress/);
});

test('a process that fled into a session of its own is found, named and ended', async () => {
  const ended = await run('setsid sleep 86393 >/dev/null 2>&1 & exit 0');
  assert.equal(ended.code, 0);
  assert.equal(ended.leftBehind.length, 1);
  assert.match(ended.leftBehind[0] ?? '', /^\d+ sleep 86393$/);
  assert.equal(isAlive(86393), false);
});

test('a process that is still going down is waited for and is no complaint', async () => {
  const ended = await run('setsid sleep 0.5 >/dev/null 2>&1 & exit 0');
  assert.deepEqual(ended.leftBehind, []);
});
