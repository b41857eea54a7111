import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settledBy } from '../../../src/agent/kernel-pass.js';
import { ifIndex, linkName } from '../../../src/model/index.js';
import { tapChanges, viewAfter } from '../../../src/reconcile/see/changes.js';
import { viewOf } from '../../../src/reconcile/see/view.js';
import { buildLinks, buildSettings } from '../../support/simulated/host-builder.js';
import { simulateKernel } from '../../support/simulated/kernel.js';
import { runOnce, settingsOf } from '../../support/simulated/pass-runner.js';
import { buildAnswer } from '../../support/simulated/row-builder.js';

const SETTINGS = buildSettings({});

test('two taps of one bridge that change at once are both still seen in it', () => {
  const bridge = { name: 'brqn1', label: 'n1' };
  const taps = ['tapp1', 'tapp2', 'tapp3'].map((name) => ({ name, master: 'brqn1' }));
  const kernel = simulateKernel(buildLinks([bridge, ...taps]));
  const before = kernel.observe();
  kernel.change((host) => {
    for (const { name, index } of host.all())
      if (name === 'tapp1' || name === 'tapp2') host.setUp(index, false);
  });
  const now = kernel.observe();
  const changes = tapChanges(before, now, SETTINGS);
  assert.ok(changes !== null);
  const view = viewAfter(viewOf(before, SETTINGS), now, changes);
  const inside = view.members(now.byName.get(linkName('brqn1'))?.index ?? ifIndex(0));
  assert.deepEqual(inside.map(({ name, up }) => [name, up]).sort(), [
    ['tapp1', false],
    ['tapp2', false],
    ['tapp3', true],
  ]);
});

test('a tap does not come behind an uplink of another segment than its port names, although its network was served', () => {
  const kernel = simulateKernel(
    buildLinks([{ name: 'eth1' }, { name: 'tapp1', up: false }, { name: 'tapp2', up: false }]),
  );
  const answer = buildAnswer({
    generation: 'ml2',
    ports: [
      { id: 'p1', network: 'n1', status: 'ACTIVE', segment: 'vlan physnet1 100' },
      { id: 'p2', network: 'n1', status: 'ACTIVE', segment: 'vlan physnet1 200' },
    ],
    networks: [{ id: 'n1', segments: ['vlan physnet1 100', 'vlan physnet1 200'] }],
  });
  const { memory } = runOnce(kernel, SETTINGS, answer);
  const asked = kernel.observe();
  const result = runOnce(kernel, SETTINGS, answer, { memory });
  const settled = settledBy(settingsOf(SETTINGS), result, {
    answer,
    presentBefore: new Set(),
    wentBack: null,
    asked,
  });
  assert.notEqual(settled, null, 'it is settled on VLAN 100');
  kernel.change((host) => {
    for (const name of ['tapp1', 'tapp2']) {
      const tap = host.named(name);
      if (tap === undefined) continue;
      host.remove(tap.index);
      if (name === 'tapp2') host.add({ ...tap, master: null });
    }
  });
  runOnce(kernel, SETTINGS, null, { memory: result.memory, settled });
  const taps = [...kernel.observe().links.values()].filter(({ name }) => name.startsWith('tap'));
  assert.deepEqual(
    taps.map(({ name, master }) => [name, master]),
    [['tapp2', null]],
  );
});
