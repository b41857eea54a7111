import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../support/databases/postgres.js';
import { privateFolder } from '../support/databases/servers.js';
import { makeConfig, socketUrl, startAgent } from '../support/host/agent.js';
import {
  bridgeOf,
  makeHost,
  makeTapsOf,
  networkId,
  portId,
  tapOf,
  withDatabase,
} from '../support/host/host.js';
import { ip } from '../support/host/netns.js';
import { CHROMIUM, complaintsOf, openBrowser } from './support/browser.js';

const SCREENSHOT = fileURLToPath(new URL('./screenshots/real-agent.png', import.meta.url));
const URL_IN_NAMESPACE = 'http://127.0.0.1:9736/';

/** Chromium in the agent's network namespace, whose loopback the page is on. */
function chromiumIn(namespace: string): string {
  const script = join(privateFolder('chromium'), 'chromium');
  writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${namespace} ${CHROMIUM} "$@"\n`);
  chmodSync(script, 0o755);
  return script;
}

describe('the page of a real agent', () => {
  withDatabase(startPostgres, 'grizzly', (database) => {
    test('shows what the kernel holds, follows rows, taps and held removals, and survives the database', async (t) => {
      const { server, rows } = database();
      const { namespace } = makeHost(t);
      await rows.network({ id: networkId(1), type: 'flat', physicalNetwork: 'physnet1' });
      for (const number of [1, 2, 3, 4]) {
        await rows.port({ id: portId(number), network: networkId(1), host: 'host1' });
      }
      makeTapsOf(namespace, portId(1), portId(2), portId(3));
      const config = makeConfig({
        url: socketUrl(server),
        mappings: 'physnet1:eth1',
        agent: ['web_listen_address = 127.0.0.1:9736', 'max_removals = 1'],
      });
      await startAgent(t, namespace, config);
      const page = await (await openBrowser(t, { executablePath: chromiumIn(namespace) })).newPage();
      const complaints = complaintsOf(page);
      await page.goto(URL_IN_NAMESPACE);

      await page.getByText('All 3 taps wired').waitFor();
      const drawn = page.locator(`[id="network-${networkId(1)}"]`);
      assert.equal(await drawn.locator('h3').textContent(), 'flat on eth1');
      assert.equal(await drawn.locator('.bridge b').textContent(), bridgeOf(networkId(1)));

      makeTapsOf(namespace, portId(4));
      await drawn.getByText(tapOf(portId(4))).waitFor();
      await page.getByText('All 4 taps wired').waitFor();

      await server.query(`delete from ports where id in ('${portId(1)}', '${portId(2)}')`, 'quantum');
      await page.getByRole('heading', { name: 'Held removals' }).waitFor();
      await page.getByText('2 removals wait for you').waitFor();
      await drawn.getByText('2 held').waitFor();

      await server.stop();
      await page.getByText('The database has not answered').waitFor();
      ip(namespace, 'link', 'del', tapOf(portId(4)));
      await drawn.locator('.tap', { hasText: tapOf(portId(4)) }).waitFor({ state: 'detached' });
      mkdirSync(join(SCREENSHOT, '..'), { recursive: true });
      await page.screenshot({ path: SCREENSHOT, fullPage: true });

      await server.start();
      await page.getByText('2 removals wait for you').waitFor();
      assert.deepEqual(complaints, []);
    });
  });
});
