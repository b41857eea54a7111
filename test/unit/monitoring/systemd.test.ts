import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serviceManagerOf } from '../../../src/config/service-manager.js';
import type { Clock } from '../../../src/model/index.js';
import { startWatchdog, systemdObserver } from '../../../src/monitoring/systemd.js';
import { REPORT } from '../../support/words/exposition.js';

/** A clock that stands until it is moved on, with at most one timer. */
function handClock(): { clock: Clock; turn(): void; delays: number[] } {
  let wake: () => void = () => {};
  const delays: number[] = [];
  const after: Clock['after'] = (delayMs, next) => {
    delays.push(delayMs);
    wake = next;
    return () => {
      wake = () => {};
    };
  };
  return { clock: { monotonicMs: () => 0, wallMs: () => 0, after }, turn: () => wake(), delays };
}

test('the watchdog is fed at once and then twice within its time, as long as the loop is on time', () => {
  const sent: string[] = [];
  const { clock, turn, delays } = handClock();
  let lateMs = 0;
  const end = startWatchdog(
    (...lines) => sent.push(...lines),
    clock,
    60_000,
    () => lateMs,
  );
  turn();
  assert.deepEqual(sent, ['WATCHDOG=1', 'WATCHDOG=1']);
  assert.deepEqual(delays, [30_000, 30_000]);

  lateMs = 30_000;
  turn();
  turn();
  assert.equal(sent.length, 2);
  lateMs = 0;
  turn();
  assert.equal(sent.length, 3);
  end();
  turn();
  assert.equal(sent.length, 3);
});

test('only a watchdog for this process counts, and without variables there is none', () => {
  const none = { notifySocket: null, watchdogMs: null };
  assert.deepEqual(serviceManagerOf({}, 7), none);
  assert.deepEqual(serviceManagerOf({ NOTIFY_SOCKET: '', WATCHDOG_USEC: '' }, 7), none);
  assert.equal(serviceManagerOf({ WATCHDOG_USEC: '3000000' }, 7).watchdogMs, 3_000);
  assert.equal(serviceManagerOf({ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '7' }, 7).watchdogMs, 3_000);
  assert.equal(serviceManagerOf({ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '8' }, 7).watchdogMs, null);
  assert.equal(serviceManagerOf({ WATCHDOG_USEC: 'soon' }, 7).watchdogMs, null);
  assert.equal(serviceManagerOf({ NOTIFY_SOCKET: '@x' }, 7).notifySocket, '@x');
});

test('passes that change nothing are told once: one READY, one STATUS, and STATUS again when it differs', () => {
  const sent: string[] = [];
  const observer = systemdObserver((...lines) => sent.push(lines.join(' ')), { monotonicMs: () => 12.5 });
  const calm = { ...REPORT, inSync: true, failed: [], warnings: [] };
  for (let pass = 0; pass < 3; pass += 1) observer({ kind: 'pass', report: calm });
  observer({ kind: 'pass', report: REPORT });
  assert.deepEqual(sent, [
    'READY=1 STATUS=in sync',
    'STATUS=not in sync, 1 operation(s) failed, 1 warning(s)',
  ]);
});

test('reading the settings again is told with the time, and ended with READY, refused or not', () => {
  const sent: string[] = [];
  const observer = systemdObserver((...lines) => sent.push(lines.join(' ')), { monotonicMs: () => 12.5 });
  observer({ kind: 'reloading' });
  observer({ kind: 'reload-refused', problems: [] });
  assert.deepEqual(sent, [
    'RELOADING=1 MONOTONIC_USEC=12500',
    'READY=1 STATUS=settings are wrong, the old ones stay',
  ]);
});
