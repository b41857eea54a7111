import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkName } from '../../../src/model/index.js';
import {
  POLLING_INTERVAL_MS,
  pullOut,
  type Scene,
  startWiredAgent,
} from '../../support/simulated/agent-scene.js';
import { buildLinks } from '../../support/simulated/host-builder.js';

/** No answer of the database comes sooner than this while it hangs. */
const AT_ONCE_MS = 100;

test('a known tap is wired at once when the kernel tells of it', async () => {
  const { events, weather, bridgeOf } = await startWiredAgent();
  weather.database = { kind: 'hanging' };
  events.change(pullOut);
  events.turn();
  assert.equal(bridgeOf('tapp1'), 'brqn1');
});

test('an event that a poll takes away is acted upon before the database is waited for', async () => {
  const { events, weather, runFor, bridgeOf } = await startWiredAgent();
  weather.database = { kind: 'hanging' };
  events.change(pullOut);
  await runFor(POLLING_INTERVAL_MS / 2 + AT_ONCE_MS);
  events.turn();
  assert.equal(bridgeOf('tapp1'), 'brqn1');
});

test('an event is not taken away by somebody who asks the agent for its status', async () => {
  const { agent, events, weather, bridgeOf } = await startWiredAgent();
  weather.database = { kind: 'hanging' };
  events.change(pullOut);
  assert.equal(agent.status().taps.length, 1);
  events.turn();
  assert.equal(bridgeOf('tapp1'), 'brqn1');
});

/** Somebody's container comes, or goes: no link of the agent's is concerned. */
const churn = ({ events }: Scene, n: number): void => {
  const links = buildLinks([{ name: `veth${n}`, kind: 'veth', index: 1_000 + n }]);
  events.change((host) => links.forEach(host.put));
  events.turn();
};

test('the links of others that come and go do not cost a pass for each of their events', async () => {
  const scene = await startWiredAgent();
  scene.weather.database = { kind: 'hanging' };
  const before = scene.events.reads;
  for (let n = 0; n < 500; n++) {
    churn(scene, n);
    await scene.runFor(1);
  }
  const reads = scene.events.reads - before;
  assert.ok(reads < 120, `${reads} reads of the links for 500 events in half a second`);
});

test('a known tap waits no more than the gap while the links of others come and go', async () => {
  const scene = await startWiredAgent();
  scene.weather.database = { kind: 'hanging' };
  for (let n = 0; n < 100; n++) churn(scene, n);
  scene.events.change(pullOut);
  scene.events.turn();
  await scene.runFor(50);
  assert.equal(scene.bridgeOf('tapp1'), 'brqn1');
});

test('statuses do not wait until what is known is on disk', async () => {
  const { told, kept } = await startWiredAgent();
  const written = told.findIndex(({ kind }) => kind === 'statuses-written');
  assert.ok(written >= 0);
  const [, toldBefore] = kept.find(([name]) => name === 'last-known-good') ?? [];
  assert.ok(toldBefore !== undefined && toldBefore > written, JSON.stringify(kept));
});

test('a known tap is wired at once while the pass of an answer waits for the disk', async () => {
  const { events, weather, told, runFor, bridgeOf } = await startWiredAgent();
  const held = (): boolean => told.some((event) => event.kind === 'pass' && event.report.held.length > 0);
  weather.diskAnswers = false;
  weather.database = { kind: 'empty', tables: 'all' };
  await runFor(POLLING_INTERVAL_MS / 2 + AT_ONCE_MS);
  assert.ok(!held());
  events.change(pullOut);
  events.turn();
  assert.equal(bridgeOf('tapp1'), 'brqn1');
  await runFor(1_000);
  assert.ok(held());
});

test('an uplink that an event has made anew is the one on disk after the next answer, so that a restart knows it', async () => {
  const { events, disk, runFor } = await startWiredAgent(() => {}, 'vlan physnet1 100');
  events.change((host) => {
    const uplink = host.named('eth1.100');
    if (uplink !== undefined) host.remove(uplink.index);
  });
  events.turn();
  await runFor(2 * POLLING_INTERVAL_MS);
  const { byName } = events.kernel.observe();
  const uplink = byName.get(linkName('eth1.100'));
  assert.equal(uplink?.master, byName.get(linkName('brqn1'))?.index);
  const { inPlace } = JSON.parse(disk.get('last-known-good')?.text ?? '{}');
  assert.equal(inPlace[0][1].carrier, uplink?.index);
});
