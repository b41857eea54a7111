import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions } from 'playwright-core';
import type { AgentStatus } from '../../src/model/index.js';
import { complaintsOf, openBrowser, startStage } from './support/browser.js';
import {
  bigHost,
  databaseDown,
  emptyHost,
  newHost,
  troubledHost,
  tunnelHost,
  wellHost,
} from './support/hosts.js';

/** Pictures for people to look at: one of each host, light and dark, on a desk and on a phone. */
const FOLDER = fileURLToPath(new URL('./screenshots/', import.meta.url));
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };

const PICTURES: readonly (readonly [string, () => AgentStatus, BrowserContextOptions])[] = [
  ['well-light', wellHost, {}],
  ['well-dark', wellHost, { colorScheme: 'dark' }],
  ['well-phone', wellHost, PHONE],
  ['troubled-light', troubledHost, {}],
  ['troubled-dark', troubledHost, { colorScheme: 'dark' }],
  ['troubled-phone', troubledHost, { ...PHONE, colorScheme: 'dark' }],
  ['tunnels-light', tunnelHost, {}],
  ['tunnels-phone', tunnelHost, { ...PHONE, colorScheme: 'dark' }],
  ['database-down', databaseDown, {}],
  ['many-taps', () => bigHost(1000), {}],
  ['empty', emptyHost, {}],
  ['just-started', newHost, {}],
];

const IN_README = fileURLToPath(new URL('../../etc/status-page.png', import.meta.url));

test('the picture in the README is of this page (UPDATE_DOCS=1 takes it again)', async (t) => {
  const stage = await startStage(t, wellHost());
  const page = await (await openBrowser(t, { viewport: { width: 960, height: 900 } })).newPage();
  await page.goto(stage.url);
  await page.locator('#live.on').waitFor();
  const picture = await page.screenshot();
  if (process.env.UPDATE_DOCS === '1') writeFileSync(IN_README, picture);
  assert.ok(existsSync(IN_README));
});

for (const [name, host, options] of PICTURES) {
  test(`the picture ${name} is drawn whole: nothing is wider than the page, nothing is refused`, async (t) => {
    mkdirSync(FOLDER, { recursive: true });
    const stage = await startStage(t, host());
    const browser = await openBrowser(t, options);
    const page = await browser.newPage();
    const complaints = complaintsOf(page);
    await page.goto(stage.url);
    await page.locator('#live.on').waitFor();
    await page.screenshot({ path: `${FOLDER}${name}.png`, fullPage: true });
    const { inner, outer } = await page.evaluate<{ inner: number; outer: number }>(
      '({ inner: document.documentElement.scrollWidth, outer: innerWidth })',
    );
    assert.ok(inner <= outer, `the page is ${inner} px wide in a window of ${outer} px`);
    assert.deepEqual(complaints, []);
  });
}
