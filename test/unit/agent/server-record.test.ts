import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openServerRecord, settleServers, signAgainst } from '../../../src/agent/state-dir/server-record.js';
import { makeWatermark } from '../../../src/database/watermark.js';
import type { Answer, Sign, Store } from '../../../src/model/index.js';
import { clockAt } from '../../support/simulated/pass-runner.js';
import { buildAnswer } from '../../support/simulated/row-builder.js';

/** As it was written when a sign did not say yet of which server it was. */
const EARLIER = {
  trust: { id: 'primary', believed: 'primary', doubt: null },
  seen: {
    endpoint: 'db1',
    generation: 'grizzly',
    heartbeat: '2026-01-01 00:00:00',
    wentBack: { known: '2026-01-02 00:00:00', shown: '2026-01-01 00:00:00' },
  },
};

test('what an earlier version has kept of the servers is understood', () => {
  const store: Pick<Store, 'read' | 'keep'> = {
    read: ({ check }) => {
      const checked = check(EARLIER);
      return checked.ok
        ? { kind: 'kept', value: checked.value, ageMs: 0, isOfThisBoot: true }
        : { kind: 'refused', why: checked.wrong };
    },
    keep: () => assert.fail('nothing has changed'),
  };
  const { trust, watermark } = openServerRecord(store, clockAt(0));
  assert.deepEqual(trust, EARLIER.trust);
  assert.equal(watermark.seen().heartbeat, EARLIER.seen.heartbeat);
});

const SIGN = { known: '2026-01-02 00:00:00', shown: '2026-01-01 00:00:00', server: 'primary' };
const PRIMARY = buildAnswer({ server: 'primary' });
const REPLICA = buildAnswer({ server: 'replica', suspect: 'read-only' });

test('what a heartbeat has found of one server is no sign against another, and waits until that one has answered', () => {
  const watermark = makeWatermark();
  const settle = (answer: Answer, sign: Sign | null): void =>
    settleServers({ watermark, keepTrust: () => {} }, { trust: null, answer, sign });
  watermark.note({ wentBack: SIGN });
  assert.equal(signAgainst(watermark, REPLICA), null);
  settle(REPLICA, SIGN);
  assert.equal(signAgainst(watermark, PRIMARY), SIGN);
  settle(PRIMARY, null);
  assert.equal(signAgainst(watermark, PRIMARY), SIGN, 'the answer was asked for before it was found');
  settle(PRIMARY, SIGN);
  assert.equal(signAgainst(watermark, PRIMARY), null);
});
