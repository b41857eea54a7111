import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { realClock } from '../../../src/agent/clock.js';
import { openSink } from '../../../src/monitoring/sink.js';
import { privateFolder, waitUntil } from '../../support/databases/servers.js';

/** A full disk is tried again for ever: after the tests no more, so that the process can end. */
let isOver = false;
after(() => {
  isOver = true;
});
const clock = {
  ...realClock,
  after: (delayMs: number, wake: () => void) => (isOver ? () => {} : realClock.after(delayMs, wake)),
};

const LINE = `${'x'.repeat(1023)}\n`;
/** More than is ever kept. */
const MANY = 3_000;

/** A pipe whose reader does nothing yet: both ends, neither of which blocks. */
function makePipe(t: TestContext): { readonly from: number; readonly to: number } {
  const path = join(privateFolder('sink'), 'pipe');
  execFileSync('mkfifo', [path]);
  const from = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const to = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  t.after(() => {
    closeSync(to);
    closeSync(from);
  });
  return { from, to };
}

test('what is written comes out whole and in order', async () => {
  const path = join(privateFolder('sink'), 'log');
  const sink = openSink(openSync(path, 'w'), clock, () => {});
  for (let n = 0; n < 100; n++) sink.write(`${n}\n`);
  await sink.flush(5_000);
  assert.deepEqual(
    readFileSync(path, 'utf8').trim().split('\n'),
    Array.from({ length: 100 }, (_, n) => String(n)),
  );
});

test('a full disk ends nothing and holds nothing up: lines beyond a bound are dropped and counted', async () => {
  const sink = openSink(openSync('/dev/full', 'w'), clock, () => {});
  for (let n = 0; n < MANY; n++) sink.write(LINE);
  await sink.flush(50);
  assert.ok(sink.dropped() > MANY - 1_100, `${sink.dropped()} dropped`);
});

test('a reader that stops holds nothing up, and hears how many lines it has missed when it goes on', async (t) => {
  const { from, to } = makePipe(t);
  const flowed: number[] = [];
  const sink = openSink(to, clock, (dropped) => flowed.push(dropped));
  for (let n = 0; n < MANY; n++) sink.write(LINE);
  const dropped = sink.dropped();
  assert.ok(dropped > 0);
  const buffer = Buffer.alloc(1024 * 1024);
  await waitUntil(() => {
    try {
      readSync(from, buffer);
    } catch {
      // Nothing is there yet.
    }
    return flowed.length > 0;
  }, 'lines flow again');
  assert.deepEqual(flowed, [dropped]);
});
