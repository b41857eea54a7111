import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMariadb } from '../support/databases/mariadb.js';
import { makeConfig, startAgent } from '../support/host/agent.js';
import { makeHost } from '../support/host/host.js';
import { startNeutronWithAgent } from '../support/neutron/agent.js';
import { ELSEWHERE, HERE, livePorts, THEIR_LIFE } from '../support/neutron/life.js';

test('the life of a port with Neutron’s own agent is told by the API as with ours, but for what the manual names', async (t) => {
  const server = await startMariadb();
  t.after(() => server.destroy());
  const { namespace } = makeHost(t);
  const neutron = await startNeutronWithAgent(t, server, { namespace, host: HERE });
  const config = makeConfig({ url: neutron.url, agent: [`host = ${ELSEWHERE}`] });
  await startAgent(t, makeHost(t).namespace, config);
  const steps = await livePorts(neutron, namespace, THEIR_LIFE);
  for (const { step, says, afterMs } of steps)
    t.diagnostic(`${step}: ${says} after ${afterMs.toFixed(0)} ms`);
  assert.deepEqual(Object.fromEntries(steps.map(({ step, says }) => [step, says])), THEIR_LIFE);
});
