import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import * as v from 'valibot';
import { askAgent, serveControl } from '../../../src/agent/control.js';
import { privateFolder, waitUntil } from '../../support/databases/servers.js';
import type { Cleanup } from '../../support/host/netns.js';

async function serve(t: Cleanup) {
  const folder = privateFolder('control');
  const { release } = await serveControl(folder, null, { status: () => 'well' }, (error) =>
    assert.ifError(error),
  );
  const path = join(folder, readdirSync(folder)[0] ?? '');
  /** A client that sends a byte now and then, and never the end of its line. */
  const trickle = async () => {
    const client = connect(path);
    client.on('error', () => {});
    await once(client, 'connect');
    const bytes = setInterval(() => client.write('s'), 100);
    t.after(() => {
      clearInterval(bytes);
      client.destroy();
    });
    return client;
  };
  return { folder, release, trickle };
}

test('a client that trickles bytes does not hold up the end of the agent', { timeout: 3_000 }, async (t) => {
  const { release, trickle } = await serve(t);
  const client = await trickle();
  await Promise.all([release(), once(client, 'close')]);
});

test('a client that trickles bytes is cut off after five seconds, and keeps nobody else waiting', {
  timeout: 8_000,
}, async (t) => {
  const { folder, release, trickle } = await serve(t);
  t.after(release);
  const client = await trickle();
  const answer = await askAgent(folder, { command: 'status', answer: v.string() });
  assert.equal(answer.kind, 'answer');
  await once(client, 'close');
});

test('a cleaner that deletes the socket, or its whole folder, leaves the agent silent for a moment only', async (t) => {
  const { folder, release } = await serve(t);
  t.after(release);
  const asked = () => askAgent(folder, { command: 'status', answer: v.string() });
  for (const gone of [join(folder, readdirSync(folder)[0] ?? ''), folder]) {
    rmSync(gone, { recursive: true });
    assert.equal((await asked()).kind, 'nobody');
    await waitUntil(async () => (await asked()).kind === 'answer', `an answer after ${gone} had gone`);
  }
});

test('a run_dir that is too long for a socket is told as that, and leaves no socket elsewhere', async (t) => {
  const folder = privateFolder('control');
  const runDir = join(folder, 'r'.repeat(100));
  const failures: unknown[] = [];
  const { release } = await serveControl(runDir, null, {}, (error) => failures.push(error));
  t.after(release);
  assert.match(String(failures), /longer than the 107 bytes that a socket's path may have/);
  assert.deepEqual(readdirSync(folder), []);
});

test('nobody else may connect to the control socket, not for a moment, whatever the umask', async (t) => {
  const folder = privateFolder('control');
  const usual = process.umask(0);
  const served = serveControl(folder, null, {}, (error) => assert.ifError(error));
  // Nothing but promises is run meanwhile, so that this sees the socket as it is made.
  while (readdirSync(folder).length === 0) await null;
  const [name = ''] = readdirSync(folder);
  assert.equal(statSync(join(folder, name)).mode & 0o077, 0);
  t.after((await served).release);
  assert.equal(statSync(join(folder, name)).mode & 0o777, 0o660);
  assert.equal(process.umask(usual), 0);
});
