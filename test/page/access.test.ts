import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser, startStage } from './support/browser.js';
import { databaseDown, troubledHost } from './support/hosts.js';

/** Runs in the page: the text of every visible element whose contrast is below what WCAG 2 AA asks for. */
const POOR_CONTRAST = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = [];
  let looked = 0;
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim();
    const element = walker.currentNode.parentElement;
    if (text === '' || element.closest('noscript, title, symbol') || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ink = channels(element.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    looked += 1;
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) poor.push(text.slice(0, 40) + ': ' + ratio.toFixed(2));
  }
  return { looked, poor };
})()`;

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [name, host] of [
    ['troubled host', troubledHost],
    ['database down', databaseDown],
  ] as const) {
    test(`every text has a contrast of 4.5 or more (${name}, ${colorScheme})`, async (t) => {
      const stage = await startStage(t, host());
      const page = await (await openBrowser(t, { colorScheme })).newPage();
      await page.goto(stage.url);
      await page.locator('#live.on').waitFor();
      const { looked, poor } = await page.evaluate<{ looked: number; poor: string[] }>(POOR_CONTRAST);
      assert.ok(looked > 50);
      assert.deepEqual(poor, []);
    });
  }
}

test('landmarks and headings tell the page’s order to those who do not see it', async (t) => {
  const stage = await startStage(t, troubledHost());
  const page = await (await openBrowser(t)).newPage();
  await page.goto(stage.url);
  for (const role of ['banner', 'main', 'contentinfo'] as const)
    assert.equal(await page.getByRole(role).count(), 1);
  const levels = await page
    .locator('h1, h2, h3')
    .evaluateAll((headings) => headings.map((heading) => Number(heading.tagName.slice(1))));
  assert.equal(levels[0], 1);
  assert.ok(
    levels.every((level, at) => at === 0 || level <= (levels[at - 1] ?? 0) + 1),
    levels.join(' '),
  );
  const ids = await page.locator('[id]').evaluateAll((all) => all.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length, 'two elements have one id');
});

test('everything that can be used can be reached and used by keyboard alone', async (t) => {
  const stage = await startStage(t, troubledHost());
  const page = await (await openBrowser(t)).newPage();
  await page.goto(stage.url);
  await page.locator('#live.on').waitFor();
  const reached: string[] = [];
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<string>(
      '((e) => e === document.body ? "" : e.tagName + " " + (e.id || e.textContent.trim().slice(0, 30)))(document.activeElement)',
    );
    if (focused === '') break;
    reached.push(focused);
  }
  assert.equal(reached[0], 'A Skip to the networks');
  assert.equal(reached[1], 'BUTTON pause');
  const usable = await page
    .locator('a, button, summary')
    .evaluateAll((all) => all.filter((one) => one.checkVisibility()).length);
  assert.ok(reached.length >= usable, `${reached.length} of ${usable} reached`);
  const first = page.locator('.network > summary').first();
  await first.press('Enter');
  assert.equal(await page.locator('.network').first().getAttribute('open'), null);
});

test('who asks for less motion gets none', async (t) => {
  const stage = await startStage(t, troubledHost());
  const page = await (await openBrowser(t, { reducedMotion: 'reduce' })).newPage();
  await page.goto(stage.url);
  await page.locator('#live.on').waitFor();
  assert.equal(await page.evaluate('document.getAnimations().length'), 0);
});

test('the page may use nothing but what this server gives, and runs no script or style of its text', async (t) => {
  const stage = await startStage(t, troubledHost());
  const answer = await fetch(stage.url);
  const policy = answer.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.doesNotMatch(await answer.text(), /\sstyle=|\son\w+=|<style|<script(?! src)/);
});
