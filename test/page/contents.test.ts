import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkName, networkId, portId } from '../../src/model/index.js';
import { documentOf } from '../../src/monitoring/page/document.js';
import { openBrowser, startStage } from './support/browser.js';
import {
  bigHost,
  databaseDown,
  emptyHost,
  newHost,
  troubledHost,
  tunnelHost,
  wellHost,
} from './support/hosts.js';
import { network, tap } from './support/pieces.js';

test('without JavaScript the first picture tells host, verdict, networks, passes, changes and database', async (t) => {
  const stage = await startStage(t, wellHost());
  const page = await (await openBrowser(t, { javaScriptEnabled: false })).newPage();
  await page.goto(stage.url);
  assert.equal(await page.locator('h1').textContent(), 'compute-17.example.org');
  assert.match((await page.locator('#verdict').textContent()) ?? '', /All 8 taps wired/);
  assert.match(
    (await page.locator('#facts').textContent()) ?? '',
    /up for 5 h 10 min.*last answer 14:03:21/s,
  );
  assert.equal(await page.locator('.network').count(), 3);
  assert.equal(await page.locator('.pass').count(), 18);
  assert.match((await page.locator('#changes').textContent()) ?? '', /Could not attach eth1\.101/);
  assert.equal(await page.locator('#live').textContent(), 'still picture');
  assert.ok(await page.locator('#pause').isHidden());
});

test('a network is drawn with its uplink, its bridge and its taps', async (t) => {
  const stage = await startStage(t, wellHost());
  const page = await (await openBrowser(t)).newPage();
  await page.goto(stage.url);
  const drawn = page.locator(`[id="network-${network(1).id}"]`);
  assert.equal(await drawn.locator('h3').textContent(), 'VLAN 101 on eth1');
  assert.equal(await drawn.locator('.uplink b').textContent(), 'eth1.101');
  assert.equal(await drawn.locator('.bridge b').textContent(), network(1).bridge);
  assert.deepEqual(
    (await drawn.locator('.tap b').allTextContents()).sort(),
    [1, 2, 3, 4, 5].map((number) => tap(number, null).tap as string).sort(),
  );
});

test('a network behind a tunnel is drawn with the tunnel and its endpoints, those that need a look first and with why', async (t) => {
  const stage = await startStage(t, tunnelHost());
  const page = await (await openBrowser(t)).newPage();
  await page.goto(stage.url);
  const cards = page.locator('.network');
  const drawn = cards.first();
  assert.equal(await drawn.locator('h3').textContent(), 'VXLAN 1006 on vxlan-1006');
  assert.match(
    (await drawn.locator('.pipe').textContent()) ?? '',
    /vxlan-1006tunnel, VNI 1006 from 192\.0\.2\.17 to 27 endpoints/,
  );
  assert.match(
    (await drawn.locator('summary').first().textContent()) ?? '',
    /1 endpoint not known.*1 endpoint held/,
  );
  const ends = drawn.locator('.tunnel > .ends > .end');
  assert.deepEqual((await ends.locator('b').allTextContents()).slice(0, 4), [
    'no address',
    '192.0.2.31',
    '192.0.2.32',
    '192.0.2.40',
  ]);
  assert.match(
    (await ends.nth(0).textContent()) ?? '',
    /not known.*compute-0\.example\.org.*no row in agents/,
  );
  assert.match((await ends.nth(1).textContent()) ?? '', /held.*since.*7 of 20 ends of tunnels would go/);
  assert.ok(await drawn.locator('.fold .end').first().isHidden());
  await drawn.getByText('16 more endpoints').click();
  assert.ok(await drawn.locator('.fold .end').first().isVisible());
  assert.match((await cards.nth(2).locator('.pipe').textContent()) ?? '', /no other host has the network/);
});

test('every state of a tap has its word, a picture of its own and the reason', async (t) => {
  const stage = await startStage(t, troubledHost());
  const page = await (await openBrowser(t)).newPage();
  await page.goto(stage.url);
  const seen = await page.locator('.tap').evaluateAll((taps) =>
    taps.map((one) => ({
      word: one.querySelector('small')?.textContent ?? '',
      picture: one.querySelector('use')?.getAttribute('href') ?? '',
      why: one.querySelector('.why')?.textContent ?? '',
    })),
  );
  const words = new Set(seen.map(({ word }) => word));
  assert.deepEqual([...words].sort(), [
    'admin down',
    'blocked',
    'held',
    'left alone',
    'no port',
    'not known yet',
    'waiting',
    'wired',
  ]);
  assert.ok(seen.every(({ word, why }) => word === 'wired' || why !== ''));
  assert.ok(new Set(seen.map(({ picture }) => picture)).size >= 7);
});

test('held removals come with their reason and the command that lets them go ahead', () => {
  const text = documentOf(troubledHost());
  assert.match(text, /2 removals wait for you/);
  assert.match(text, /2 removals at once are more than max_removals \(1\)/);
  assert.match(text, /quantum-linuxbridge-agent accept/);
});

test('a database that is down is the first thing that is said, with since when and the error', () => {
  const text = documentOf(databaseDown());
  assert.match(text, /The database has not answered for 12 min/);
  assert.match(text, /connect ECONNREFUSED 192\.0\.2\.7:3306/);
  assert.match(text, /361 polls failed/);
});

test('a host without taps and an agent that has just started say so', () => {
  assert.match(documentOf(emptyHost()), /No taps on this host/);
  assert.match(documentOf(newHost()), /Waiting for the first answer of the database/);
});

test('what the database and foreign links say is shown as text and never becomes part of the page', async (t) => {
  const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script>'`;
  const home = network(1, { id: networkId(evil), segment: evil, bridge: linkName(evil) });
  const host = {
    ...wellHost(),
    host: evil,
    networks: [home],
    taps: [tap(1, home, { tap: linkName(evil), port: portId(evil), state: 'blocked', why: evil })],
    held: [{ key: 'a', device: linkName(evil), taps: 1, text: evil, reason: evil }],
    warnings: [{ code: 'PORT_BAD_ROW', message: evil }],
  } as const;
  const stage = await startStage(t, host);
  const page = await (await openBrowser(t)).newPage();
  await page.goto(stage.url);
  await page.locator('#live.on').waitFor();
  assert.equal(await page.locator('img').count(), 0);
  assert.equal(await page.locator('script').count(), 1);
  assert.equal(await page.locator('h1').textContent(), evil);
  assert.equal(await page.locator('.tap b').textContent(), evil);
});

test('a thousand taps make a page of less than 500 kB, ten thousand one of less than 2 MB', () => {
  assert.ok(documentOf(bigHost(1_000)).length < 500_000, `${documentOf(bigHost(1_000)).length}`);
  assert.ok(documentOf(bigHost(10_000)).length < 2_000_000, `${documentOf(bigHost(10_000)).length}`);
});

test('on a big host networks without trouble are folded, and those with trouble come first and open', async (t) => {
  const stage = await startStage(t, bigHost(1_000));
  const page = await (await openBrowser(t)).newPage();
  await page.goto(stage.url);
  const open = await page
    .locator('.network')
    .evaluateAll((cards) => cards.map((card) => card.hasAttribute('open')));
  assert.equal(open.length, 40);
  assert.deepEqual(
    open,
    open.map((_, at) => at < 3),
  );
});
