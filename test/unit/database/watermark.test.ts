import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeWatermark, settleSign, signAgainst } from '../../../src/database/watermark.js';
import { buildAnswer } from '../../support/simulated/row-builder.js';

const SIGN = { known: '2026-01-02 00:00:00', shown: '2026-01-01 00:00:00', server: 'primary' };
const PRIMARY = buildAnswer({ server: 'primary' });
const REPLICA = buildAnswer({ server: 'replica', suspect: 'read-only' });

test('what a heartbeat has found of one server is no sign against another, and waits until that one has answered', () => {
  const watermark = makeWatermark();
  watermark.note({ wentBack: SIGN });
  assert.equal(signAgainst(watermark, REPLICA), null);
  settleSign(watermark, REPLICA, SIGN);
  assert.equal(signAgainst(watermark, PRIMARY), SIGN);
  settleSign(watermark, PRIMARY, null);
  assert.equal(signAgainst(watermark, PRIMARY), SIGN, 'the answer was asked for before it was found');
  settleSign(watermark, PRIMARY, SIGN);
  assert.equal(signAgainst(watermark, PRIMARY), null);
});
