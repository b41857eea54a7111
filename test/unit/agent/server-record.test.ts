import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openServerRecord } from '../../../src/agent/state-dir/server-record.js';
import type { Store } from '../../../src/model/index.js';
import { clockAt } from '../../support/simulated/pass-runner.js';

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
