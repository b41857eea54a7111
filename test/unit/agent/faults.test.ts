import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS_MAX, FAULTS_WINDOW_MS } from '../../../src/agent/faults.js';
import {
  POLLING_INTERVAL_MS,
  pullOut,
  type Scene,
  startWiredAgent,
} from '../../support/simulated/agent-scene.js';

const FAULT = new TypeError("Cannot read properties of undefined (reading 'index')");
const faultsTold = ({ told }: Scene): number => told.filter(({ kind }) => kind === 'fault').length;

test('a fault of the program in a poll is told with its stack, and the agent goes on', async () => {
  const scene = await startWiredAgent();
  scene.events.fault = FAULT;
  await scene.runFor(POLLING_INTERVAL_MS);
  const [told] = scene.told.filter((event) => event.kind === 'fault');
  assert.match(told?.stack ?? '', /TypeError: Cannot read properties.*\n +at /);
  scene.events.fault = null;
  scene.events.change(pullOut);
  scene.events.turn();
  await scene.runFor(3 * POLLING_INTERVAL_MS);
  assert.equal(scene.bridgeOf('tapp1'), 'brqn1');
});

test('a fault of the program in an event of the kernel is told, and the next poll does its work', async () => {
  const scene = await startWiredAgent();
  scene.events.change(pullOut);
  scene.events.fault = FAULT;
  scene.events.turn();
  assert.equal(faultsTold(scene), 1);
  scene.events.fault = null;
  await scene.runFor(3 * POLLING_INTERVAL_MS);
  assert.equal(scene.bridgeOf('tapp1'), 'brqn1');
});

test('after a fault the agent pauses, longer each time', async () => {
  const scene = await startWiredAgent();
  scene.events.fault = FAULT;
  for (let n = 0; n < 1000; n++) {
    scene.events.change(pullOut);
    scene.events.turn();
    await scene.runFor(10);
  }
  assert.ok(faultsTold(scene) <= 4, `${faultsTold(scene)} in ten seconds`);
});

test('after too many faults in a short time the agent ends with 70', async () => {
  const scene = await startWiredAgent();
  scene.events.fault = FAULT;
  await scene.runFor(FAULTS_WINDOW_MS);
  assert.equal(faultsTold(scene), FAULTS_MAX + 1);
  assert.equal(await scene.agent.ended, 70);
  assert.equal(scene.told.at(-1)?.kind, 'too-many-faults');
});

test('an observer that throws ends no pass', async () => {
  const scene = await startWiredAgent(({ kind }) => {
    if (kind === 'pass') throw new Error('no disk, no terminal, no memory');
  });
  scene.events.change(pullOut);
  scene.events.turn();
  assert.equal(scene.bridgeOf('tapp1'), 'brqn1');
});
