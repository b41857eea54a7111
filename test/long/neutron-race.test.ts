import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { randomOf } from '../fault/kills.js';
import { MARIADB, POSTGRESQL } from '../support/databases/engines.js';
import { waitUntil } from '../support/databases/servers.js';
import { makeConfig, startAgent } from '../support/host/agent.js';
import { makeHost, makeTapsOf } from '../support/host/host.js';
import type { ApiPort } from '../support/neutron/api.js';
import { startNeutron } from '../support/neutron/server.js';

const ROUNDS = 40;

describe('a tap that is made while the server moves its port to another host', () => {
  for (const { name, start } of [POSTGRESQL, MARIADB]) {
    test(`leaves no port ACTIVE that is bound elsewhere, at ${ROUNDS} random moments of the move, on ${name}`, async (t) => {
      const seed = Date.now() % 1_000_000;
      t.diagnostic(`seed ${seed}`);
      const random = randomOf(seed);
      const server = await start();
      t.after(() => server.destroy());
      const { api, url } = await startNeutron(t, server);
      const { namespace } = makeHost(t);
      for (const host of ['host1', 'host2'])
        await startAgent(
          t,
          host === 'host1' ? namespace : makeHost(t).namespace,
          makeConfig({ url, agent: [`host = ${host}`, 'polling_interval = 2'] }),
        );
      await waitUntil(async () => (await api.agent('host2'))?.alive === true, 'host2 is alive');
      const network = await api.makeNetwork();
      const make = (): Promise<ApiPort> =>
        api.makePort({ network_id: network, 'binding:host_id': 'host1', device_owner: 'network:peer' });
      // How long the last move took, so that the taps come while the next one goes on.
      let moveMs = 0;
      const move = async (id: string): Promise<void> => {
        const begunMs = performance.now();
        await api.updatePort(id, { 'binding:host_id': 'host2' });
        moveMs = performance.now() - begunMs;
      };
      for (let probe = 0; probe < 3; probe += 1) await move((await make()).id);

      const statuses = async (): Promise<readonly string[]> =>
        (await api.get<{ ports: ApiPort[] }>(`ports?network_id=${network}`)).ports.map(
          ({ status }) => status,
        );
      let stale = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const { id } = await make();
        const moved = move(id);
        await delay(random() * moveMs);
        makeTapsOf(namespace, id);
        await moved;
        if ((await api.port(id)).status === 'ACTIVE') stale += 1;
      }
      t.diagnostic(
        `${stale} of ${ROUNDS} were ACTIVE when the server had moved them (the last move took ${moveMs.toFixed(0)} ms)`,
      );
      assert.ok(stale > 0, 'the moments were the wrong ones: nothing was shown');
      await waitUntil(async () => (await statuses()).every((status) => status === 'DOWN'), 'all are DOWN');
    });
  }
});
