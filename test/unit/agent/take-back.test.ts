import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Port, portId } from '../../../src/model/index.js';
import { POLLING_INTERVAL_MS, type Scene, startWiredAgent } from '../../support/simulated/agent-scene.js';

const ID = portId('p1');
const ELSEWHERE: Partial<Port> = { binding: { kind: 'elsewhere', host: 'node-2' } };

const statusOf = ({ cloud }: Scene) => cloud.rows().ports.get(ID)?.status;

const change = ({ cloud }: Scene, values: Partial<Port>): void =>
  cloud.change(({ ports }) => {
    const port = ports.get(ID);
    assert.ok(port);
    ports.set(ID, { ...port, ...values });
  });

test('ACTIVE that was written while the server moved the port to another host is taken back by the next poll', async () => {
  const scene = await startWiredAgent();
  assert.equal(statusOf(scene), 'ACTIVE');
  change(scene, ELSEWHERE);
  await scene.runFor(POLLING_INTERVAL_MS);
  assert.equal(statusOf(scene), 'DOWN');
});

test('it is taken back once: ACTIVE of the other host stays, as soon as that came', async () => {
  const scene = await startWiredAgent();
  change(scene, ELSEWHERE);
  await scene.runFor(POLLING_INTERVAL_MS);
  change(scene, { status: 'ACTIVE' });
  await scene.runFor(2 * POLLING_INTERVAL_MS);
  assert.equal(statusOf(scene), 'ACTIVE');
});

test('ACTIVE that has stood for some polls is not taken back when the port moves', async () => {
  const scene = await startWiredAgent();
  await scene.runFor(4 * POLLING_INTERVAL_MS);
  change(scene, ELSEWHERE);
  await scene.runFor(2 * POLLING_INTERVAL_MS);
  assert.equal(statusOf(scene), 'ACTIVE');
});

test('what could not be taken back is taken back by the next poll', async () => {
  const scene = await startWiredAgent();
  change(scene, ELSEWHERE);
  scene.weather.database = { kind: 'refusing-writes' };
  await scene.runFor(POLLING_INTERVAL_MS);
  assert.equal(statusOf(scene), 'ACTIVE');
  scene.weather.database = { kind: 'fair' };
  await scene.runFor(POLLING_INTERVAL_MS);
  assert.equal(statusOf(scene), 'DOWN');
});
