import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PollOutcome, startPoller } from '../../../src/agent/poller.js';
import { makeClock } from '../../simulation/clock.js';
import { clientOf } from '../../support/databases/servers.js';

const SETTINGS = {
  pollingIntervalMs: 2_000,
  reconnectIntervalMs: 2_000,
  // Nobody connects to it.
  database: {
    servers: [clientOf('postgresql', 5432, {})],
    connectTimeoutMs: 5_000,
    queryTimeoutMs: 5_000,
  },
} as const;

/** The pauses, in seconds, behind tries that take so long and end so; the jitter is in its middle. */
async function pausesBehind(tries: readonly (readonly [tookMs: number, outcome: PollOutcome])[]) {
  const clock = makeClock();
  const began: number[] = [];
  const ended: number[] = [];
  const poll = async (): Promise<PollOutcome> => {
    const [tookMs, outcome] = tries[began.length] ?? [0, 'give-up'];
    began.push(clock.monotonicMs());
    await new Promise<void>((settle) => void clock.after(tookMs, settle));
    ended.push(clock.monotonicMs());
    return outcome;
  };
  const poller = startPoller(
    clock,
    () => SETTINGS,
    () => 0.5,
    poll,
    () => 0,
  );
  await clock.runUntil(3_600_000, () => began.length <= tries.length);
  poller.stop();
  return tries.map((_, at) => ((began[at + 1] ?? Number.NaN) - (ended[at] ?? 0)) / 1_000);
}

test('a server that refuses at once is tried again after reconnect_interval, however often', async () => {
  const refused = [3, 'retry'] as const;
  assert.deepEqual(await pausesBehind(Array(6).fill(refused)), [2, 2, 2, 2, 2, 2]);
});

test('where tries end late, the pause between them grows to 30 s, and is as before once one was answered', async () => {
  const late = [5_000, 'retry'] as const;
  const tries = [late, late, late, late, late, [100, 'good'], late, [3, 'retry']] as const;
  assert.deepEqual(await pausesBehind(tries), [5, 10, 20, 30, 30, 1.9, 5, 2]);
});
