import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { AgentStatus } from '../../src/model/index.js';
import { documentOf } from '../../src/monitoring/page/document.js';
import { HANG_LIMIT_MS } from '../support/limit.js';
import { openBrowser, startStage } from './support/browser.js';
import { bigHost, databaseDown, emptyHost, troubledHost, wellHost } from './support/hosts.js';
import { network, tap } from './support/pieces.js';

test('an open page follows the agent: verdict, title, networks and held removals change by themselves', async (t) => {
  const stage = await startStage(t, emptyHost());
  const page = await (await openBrowser(t)).newPage();
  await page.goto(stage.url);
  await page.locator('#live.on').waitFor();
  stage.show(wellHost());
  await page.getByText('All 8 taps wired').waitFor();
  assert.equal(await page.title(), 'compute-17.example.org: All 8 taps wired');
  assert.equal(await page.locator('.network').count(), 3);
  stage.show(troubledHost());
  await page.getByRole('heading', { name: 'Held removals' }).waitFor();
  assert.equal(
    await page.locator('#networks > .network').first().locator('h3').textContent(),
    'physical network physnet9 is not mapped here',
  );
  stage.show(databaseDown());
  await page.getByText('The database has not answered for 12 min').waitFor();
  assert.equal(await page.getByRole('heading', { name: 'Held removals' }).count(), 0);
});

test('a change keeps the reader’s place: folds stay as they are, and so does the focus', async (t) => {
  const stage = await startStage(t, wellHost());
  const page = await (await openBrowser(t)).newPage();
  await page.goto(stage.url);
  await page.locator('#live.on').waitFor();
  const summary = page.locator(`[id="network-${network(1).id}"] > summary`);
  await summary.click();
  await summary.focus();
  stage.show({
    ...wellHost(),
    taps: wellHost().taps.map((one, at) => (at === 0 ? { ...one, state: 'held', why: 'x' } : one)),
  });
  await page.getByText('1 held').first().waitFor();
  assert.equal(await page.locator(`[id="network-${network(1).id}"]`).getAttribute('open'), null);
  assert.ok(await summary.evaluate((element) => element === element.ownerDocument.activeElement));
});

test('Pause holds the picture, and pressing it again shows how the host is now', async (t) => {
  const stage = await startStage(t, emptyHost());
  const page = await (await openBrowser(t)).newPage();
  await page.goto(stage.url);
  await page.locator('#live.on').waitFor();
  await page.getByRole('button', { name: 'Pause' }).press('Enter');
  await page.getByText('paused').waitFor();
  stage.show(wellHost());
  const other = await (await openBrowser(t)).newPage();
  await other.goto(stage.url);
  await other.locator('#live.on').waitFor();
  assert.equal(await page.getByText('All 8 taps wired').count(), 0);
  await page.getByRole('button', { name: 'Pause' }).press('Enter');
  await page.getByText('All 8 taps wired').waitFor();
});

test('a page says that it has lost the agent, and takes it up again', async (t) => {
  const stage = await startStage(t, wellHost());
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  await page.goto(stage.url);
  await page.locator('#live.on').waitFor();
  await browser.setOffline(true);
  await stage.dropConnections();
  await page.getByText('connection lost').waitFor();
  await browser.setOffline(false);
  await page.locator('#live.on').waitFor();
});

/** Longer than the stream gathers changes, so that each of them would be an event of its own. */
const GATHER_MS = 120;

/** Reads events of the stream until `enough`; gives their data. */
function events(
  url: string,
  enough: (data: readonly string[]) => boolean,
  onEvent: () => void = () => {},
): Promise<string[]> {
  return new Promise((settle, fail) => {
    const request = get(`${url}events`, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        const data = text
          .split('\n\n')
          .slice(0, -1)
          .flatMap((event) => (event.startsWith('data: ') ? [event.slice(6)] : []));
        onEvent();
        if (!enough(data)) return;
        settle(data);
        request.destroy();
      });
    });
    request.setTimeout(HANG_LIMIT_MS, () => request.destroy(new Error('no event came')));
    request.once('error', fail);
  });
}

test('the stream sends only what differs: one tap of a thousand costs one network', async (t) => {
  const big = bigHost(1_000);
  const stage = await startStage(t, big);
  const changed: AgentStatus = {
    ...big,
    taps: big.taps.map((one, at) => (at === 500 ? tap(500, network(120), { state: 'held', why: 'x' }) : one)),
  };
  let shown = false;
  const isAboutNetworks = (data: string): boolean => data.includes('"id":"networks"');
  const [first = '', second = ''] = (
    await events(
      stage.url,
      (data) => data.filter(isAboutNetworks).length === 2,
      () => {
        if (!shown) stage.show(changed);
        shown = true;
      },
    )
  ).filter(isAboutNetworks);
  assert.ok(first.length > 100_000);
  assert.ok(second.length < 20_000, `${second.length}`);
});

test('seventeen open pages are one too many, and the last is told so; scrapers still get in', async (t) => {
  const stage = await startStage(t, wellHost());
  const open = Array.from({ length: 16 }, () => get(`${stage.url}events`));
  t.after(() => {
    for (const request of open) request.destroy();
  });
  await Promise.all(open.map((request) => new Promise((settle) => request.once('response', settle))));
  for (const request of open) request.on('error', () => {});
  assert.equal((await fetch(`${stage.url}events`)).status, 503);
  assert.equal((await fetch(stage.url)).status, 200);
});

test('a client that does not read is owed one picture, not every change it has missed', async (t) => {
  const big = bigHost(10_000);
  const stage = await startStage(t, big);
  const response = await new Promise<IncomingMessage>((settle, fail) => {
    get(`${stage.url}events`, settle).once('error', fail);
  });
  t.after(() => response.destroy());
  response.pause();
  for (let change = 0; change < 25; change += 1) {
    stage.show(change % 2 === 0 ? emptyHost() : big);
    await delay(GATHER_MS);
  }
  stage.show({ ...emptyHost(), host: 'the-end' });
  let received = 0;
  await new Promise<void>((settle) => {
    response.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk.length;
      if (chunk.includes('the-end')) settle();
    });
    response.resume();
  });
  assert.ok(received < 10 * documentOf(big).length, `${received} characters`);
});
