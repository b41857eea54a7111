import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDeadline, withDeadline } from '../../../src/agent/deadline.js';
import { type Clock, type Database, DatabaseError } from '../../../src/model/index.js';

/** A database that never answers, and that closes only once it has. */
const silent: Database = {
  read: () => new Promise(() => {}),
  writeStatuses: () => new Promise(() => {}),
  close: () => new Promise(() => {}),
};

/** A clock on which a timer fires a little before its time, as those of Node do. */
function hastyClock(): Clock & { fire(): void } {
  let nowMs = 0.6;
  let wake = (): void => {};
  let atMs = 0;
  return {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    after: (delayMs, call) => {
      wake = call;
      atMs = nowMs + delayMs - 0.4;
      return () => {};
    },
    fire: () => {
      nowMs = atMs;
      wake();
    },
  };
}

test('a database whose time is up is not waited for at the end, however early the timer has fired', async () => {
  const clock = hastyClock();
  const database = withDeadline(silent, startDeadline(clock, 500));
  const reading = database.read({ taps: [], bridges: [] });
  clock.fire();
  await assert.rejects(reading, DatabaseError);
  await database.close();
});
