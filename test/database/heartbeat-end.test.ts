import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openHeartbeats } from '../../src/database/heartbeat.js';
import type { SelfReport } from '../../src/model/database.js';
import { ENGINES, freshDatabase } from '../support/databases/engines.js';
import { failureOf } from '../support/databases/probe.js';
import { HANG_LIMIT_MS } from '../support/limit.js';

const REPORT: SelfReport = {
  upForMs: 1_000,
  devices: 0,
  interfaceMappings: new Map(),
  bridgeMappings: new Map(),
  tunnels: null,
};
/** No limit of a connection's own ends the wait. */
const HOUR_MS = 3_600_000;

for (const engine of ENGINES) {
  test(`a beat that hangs at three frozen servers does not hold up the end (${engine.name})`, {
    timeout: HANG_LIMIT_MS,
  }, async (t) => {
    const server = await engine.start();
    t.after(() => server.destroy());
    const { settings } = await freshDatabase(server, 'grizzly');
    const [first] = settings.servers;
    const servers = [first, first, first] as const;
    const heart = openHeartbeats({ ...settings, servers, connectTimeoutMs: HOUR_MS });
    server.freeze();
    try {
      const beat = failureOf(heart.beat(REPORT));
      // It has begun to connect.
      await new Promise(setImmediate);
      await heart.close();
      assert.equal((await beat).kind, 'unreachable');
    } finally {
      server.thaw();
    }
  });
}
