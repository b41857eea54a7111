import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TunnelSettings } from '../../../src/model/index.js';
import { viewOf } from '../../../src/reconcile/see/view.js';
import { seenOf } from '../../../src/reconcile/tell/seen.js';
import { buildSettings } from '../../support/simulated/host-builder.js';
import { LOCAL, tunnelHost, UNICAST, viewIn } from '../../support/simulated/tunnel-scene.js';

const GROUPS = { ranges: [], base: { group: '239.1.1.1', prefixLength: 32 } };

const seenWith = (tunnels: TunnelSettings | null) => {
  const host = tunnelHost([
    { name: 'tap11111111-11', kind: 'tap' },
    { name: 'tap22222222-22', kind: 'tap', master: 'brqaaaaaaaa-bb' },
  ]);
  return seenOf(viewOf(viewIn(host).observed, buildSettings({ tunnels })));
};

test('the heartbeat tells of taps in bridges and of those in none', () => {
  assert.equal(seenWith(null).devices, 2);
});

test('the heartbeat tells where tunnels end, and how they are populated', () => {
  assert.deepEqual(seenWith(UNICAST).tunnels, { address: LOCAL, isPopulated: true });
  assert.deepEqual(seenWith({ ...UNICAST, multicast: GROUPS }).tunnels, {
    address: LOCAL,
    isPopulated: false,
  });
});

test('the heartbeat tells of no tunnels without local_ip, nor while that is on no interface', () => {
  for (const local of [null, '198.51.100.7']) assert.equal(seenWith({ ...UNICAST, local }).tunnels, null);
  assert.equal(seenWith(null).tunnels, null);
});
