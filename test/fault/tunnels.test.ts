import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENGINES, usually } from '../support/databases/engines.js';
import { rowsOf } from '../support/databases/rows.js';
import { createSchema } from '../support/databases/tables.js';
import { TUNNEL_FAULTS } from './tunnel-faults.js';
import { makeTunnelStage } from './tunnel-stage.js';

for (const { name, start } of usually('MariaDB', ENGINES)) {
  test(`a cloud of three hosts with tunnels on ${name}`, async (t) => {
    const server = await start();
    t.after(() => server.destroy());
    await createSchema(server, 'ml2-zed');
    const stage = await makeTunnelStage(t, { server, rows: rowsOf(server, 'ml2-zed') });
    await stage.harm();
    for (const { name: what, strike, expect } of TUNNEL_FAULTS) {
      await t.test(
        `${what}: no packet is lost, none comes to another tenant, and no list is shortened`,
        async () => {
          stage.begin();
          const before = stage.lists();
          const end = await strike(stage);
          try {
            await stage.passMinutes();
            await expect(stage);
            for (const [at, list] of stage.lists().entries())
              for (const endpoint of before[at] ?? [])
                assert.ok(list?.includes(endpoint), `${endpoint} is gone`);
          } finally {
            await end();
          }
          await stage.settled();
          const { sent, lost, strayed } = await stage.harm();
          assert.ok(sent > 0);
          assert.deepEqual({ lost, strayed }, { lost: 0, strayed: 0 });
        },
      );
    }
  });
}
