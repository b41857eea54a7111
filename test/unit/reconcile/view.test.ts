import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostState, ifIndex, linkName } from '../../../src/model/index.js';
import { hasSameDevices, tapsIn, viewOf } from '../../../src/reconcile/see/view.js';
import { buildLinks, buildSettings } from '../../support/simulated/host-builder.js';
import { simulateKernel } from '../../support/simulated/kernel.js';

const SETTINGS = buildSettings({});
const indexOf = ({ byName }: HostState, name: string) => byName.get(linkName(name))?.index ?? ifIndex(0);

const hostWithTaps = () => {
  const taps = ['tapp1', 'tapp2', 'tapp3'].map((name) => ({ name, master: 'brqn1' }));
  const kernel = simulateKernel(
    buildLinks([
      { name: 'brqn1', label: 'n1' },
      ...taps,
      { name: 'brqn2', label: 'n2' },
      { name: 'tapp4', master: 'brqn2' },
    ]),
  );
  const view = viewOf(kernel.observe(), SETTINGS);
  return { kernel, view };
};

test('two taps of one bridge that change at once are both still seen in it', () => {
  const { kernel, view: before } = hostWithTaps();
  kernel.change((host) => {
    for (const { name, index } of host.all())
      if (name === 'tapp1' || name === 'tapp2') host.setUp(index, false);
  });
  const now = kernel.observe();
  const view = viewOf(now, SETTINGS, before);
  assert.ok(hasSameDevices(view, before));
  assert.deepEqual(
    tapsIn(view, indexOf(now, 'brqn1')).map(({ name, up }) => [name, up]),
    [
      ['tapp1', false],
      ['tapp2', false],
      ['tapp3', true],
    ],
  );
});

test('the taps of a bridge in which none has changed are the same list, and no other is', () => {
  const { kernel, view: before } = hostWithTaps();
  kernel.change((host) => host.enslave(indexOf(before.observed, 'tapp1'), null));
  const now = kernel.observe();
  const view = viewOf(now, SETTINGS, before);
  const isSameList = (bridge: string): boolean =>
    view.taps.get(indexOf(now, bridge)) === before.taps.get(indexOf(now, bridge));
  assert.deepEqual([isSameList('brqn1'), isSameList('brqn2')], [false, true]);
});

test('a view that was made by other mappings is none to build on', () => {
  const kernel = simulateKernel(buildLinks([{ name: 'eth1' }, { name: 'tapp1' }]));
  const mistyped = buildSettings({ interfaces: ['physnet1:eth9'] });
  const state = kernel.observe();
  const before = viewOf(state, mistyped);
  viewOf(state, SETTINGS);
  kernel.change((host) => host.setUp(indexOf(state, 'tapp1'), false));
  const view = viewOf(kernel.observe(), SETTINGS, before);
  assert.deepEqual([...view.mapped.keys()], ['eth1']);
});
