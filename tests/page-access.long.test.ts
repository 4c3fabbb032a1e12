import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { AXE_SOURCE, findViolations } from './support/axe.ts';
import { createThumbnails } from './support/thumbnails.ts';
import {
  closeSheet,
  createStage,
  openInside,
  openPage,
  openSheet,
  SHEETS,
  showStale,
  SHOWN_MAX_MS,
  STATES,
} from './support/page-in-browser.ts';
import { findChromium, NO_BROWSER, startBrowser } from '../packages/pages/src/boat/testing/browser.ts';
import { SCENARIOS } from '../packages/pages/src/boat/testing/scenarios.ts';
import { type StubBoat, startStubBoat } from '../packages/pages/src/boat/testing/stub-boat.ts';

const chromium = findChromium();
const THEMES = ['day', 'night', 'watch'] as const;
/** One language for each writing direction. */
const DIRECTIONS = ['en', 'ar'] as const;

let browser: Browser;
let boat: StubBoat;
before(async () => {
  if (chromium === undefined) return;
  browser = await startBrowser(chromium);
  boat = await startStubBoat();
});
after(async () => {
  if (chromium === undefined) return;
  await browser.close();
  await boat.close();
});

describe('accessibility', { skip: chromium === undefined && NO_BROWSER }, () => {
  test('axe finds no violation in any state, sheet, theme and direction', async () => {
    const faults: string[] = [];
    let count = 0;
    for (const theme of THEMES)
      for (const language of DIRECTIONS) {
        const context = await browser.newContext({
          viewport: { width: 1280, height: 800 },
          // The page's policy forbids the axe script.
          bypassCSP: true,
          // A colour that is still changing would be measured at a random moment.
          reducedMotion: 'reduce',
        });
        await context.addInitScript(`localStorage.setItem('d3kos-export-look', '${theme}')`);
        const page = await context.newPage();
        page.setDefaultTimeout(SHOWN_MAX_MS);
        boat.show(SCENARIOS.safe);
        await page.goto(`${boat.url}?lang=${language}`);
        await page.locator('.boat[data-ready]').waitFor();
        await page.evaluate(AXE_SOURCE);
        const check = async (where: string): Promise<void> => {
          faults.push(
            ...(await findViolations(page)).map((fault) => `${theme} ${language} ${where}: ${fault}`),
          );
          count += 1;
        };
        const show = createStage(boat, page);
        for (const state of STATES) {
          await show(state);
          await check(state.name);
        }
        for (const sheet of SHEETS) {
          await openSheet(page, show, sheet);
          await check(sheet.name);
          if (await openInside(page)) await check(`${sheet.name}, opened`);
          await closeSheet(page);
        }
        await showStale(boat, page, show);
        await check('stale');
        boat.show(SCENARIOS.safe);
        await context.close();
      }
    console.log(
      `${count} pages checked by axe (${THEMES.length} themes × ${DIRECTIONS.length} directions × ${count / THEMES.length / DIRECTIONS.length} states and sheets), ${faults.length} violations`,
    );
    assert.deepEqual(faults, []);
  });

  test('night watch shows no green and no blue in any state or sheet', async (t) => {
    const thumbnails = await createThumbnails(browser);
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      reducedMotion: 'reduce',
    });
    t.after(() => context.close());
    await context.addInitScript(`localStorage.setItem('d3kos-export-look', 'watch')`);
    boat.show(SCENARIOS.safe);
    const page = await context.newPage();
    page.setDefaultTimeout(SHOWN_MAX_MS);
    await page.goto(boat.url);
    await page.locator('.boat[data-ready]').waitFor();
    const faults: string[] = [];
    const check = async (name: string): Promise<void> => {
      const count = await thumbnails.countNotRed(page);
      if (count > 0) faults.push(`${name}: ${count} pixels`);
    };
    const show = createStage(boat, page);
    for (const state of STATES) {
      await show(state);
      await check(state.name);
    }
    for (const sheet of SHEETS) {
      await openSheet(page, show, sheet);
      await openInside(page);
      await check(sheet.name);
      await closeSheet(page);
    }
    assert.deepEqual(faults, []);
    // The same measurement finds colours in the day theme.
    await page.evaluate(`document.documentElement.dataset.theme = 'day'`);
    assert.ok((await thumbnails.countNotRed(page)) > 100_000);
    await thumbnails.close();
  });

  test('axe finds a planted violation', async () => {
    const page = await browser.newPage({ bypassCSP: true });
    await page.goto(boat.url);
    await page.locator('.boat[data-ready]').waitFor();
    await page.evaluate(AXE_SOURCE);
    await page.evaluate(`document.querySelector('.statement p').style.color = '#d0d0d0'`);
    assert.match((await findViolations(page)).join(), /color-contrast/);
    await page.close();
  });

  test('the keyboard reaches every control in reading order, and a closed dialog returns the focus', async () => {
    boat.show(SCENARIOS.failed_and_waiting);
    const page = await openPage(browser, boat.url);
    await page.locator('.boat[data-ready]').waitFor();
    const seen: string[] = [];
    for (;;) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate<string>(
        `document.activeElement === document.body ? '' : document.activeElement.textContent.trim()`,
      );
      if (name === '' || seen.includes(name)) break;
      seen.push(name);
      const outline = await page.evaluate<string>(
        `getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth`,
      );
      assert.equal(outline, 'solid4px', name);
    }
    assert.deepEqual(seen, [
      'Now',
      'Waiting22 exports are waiting',
      'History',
      'Files',
      'Display',
      'Retry the failed export',
      'Export All Data Now',
      'Preview the next export',
      'Export everything again…',
    ]);
    await page.getByRole('button', { name: 'Export everything again…' }).press('Enter');
    await page.locator('dialog[open]').waitFor();
    // The safe answer has the focus.
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Keep it as it is');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(`document.activeElement.closest('.rail') === null`), true);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Export everything again…');
    await page.close();
  });

  test('a live region announces a state once, and does not repeat it for every message', async () => {
    boat.show(SCENARIOS.uploading);
    const page = await openPage(browser, boat.url);
    await page.locator('.act__fill').waitFor();
    await page.evaluate(`
      window.readings = 0;
      for (const region of document.querySelectorAll('[aria-live], [role=status], [role=alert]'))
        new MutationObserver((changes) => { window.readings += changes.length; })
          .observe(region, { subtree: true, childList: true, characterData: true });
    `);
    const sending = SCENARIOS.uploading.events[0];
    assert.ok(sending?.kind === 'uploading');
    for (let partIndex = 7; partIndex <= 9; partIndex += 1) {
      boat.send({ ...sending, partIndex, sentBytes: partIndex * 260_000 });
      await page.locator('.act--main', { hasText: `${partIndex - 1} of 9` }).waitFor();
    }
    assert.equal(await page.evaluate('window.readings'), 0);
    await page.close();
  });

  test('nothing moves if the owner prefers reduced motion', async () => {
    boat.show(SCENARIOS.uploading);
    const context = await browser.newContext({ reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(boat.url);
    await page.locator('.act__fill').waitFor();
    assert.equal(await page.evaluate('document.getAnimations().length'), 0);
    await context.close();
  });

  test('at 200 % zoom, everything can be read and reached without horizontal scrolling', async () => {
    // A zoom of 200 % halves the CSS pixels of a kiosk.
    const page = await openPage(browser, boat.url, { width: 640, height: 400 } as never);
    await page.locator('.boat').waitFor();
    const show = createStage(boat, page);
    for (const state of STATES) {
      await show(state);
      assert.equal(
        await page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
        true,
        state.name,
      );
    }
    await page.close();
  });

  test('with forced colours, the marks, the parts and the edges of controls remain visible', async () => {
    boat.show(SCENARIOS.uploading);
    const context = await browser.newContext({ forcedColors: 'active' });
    const page = await context.newPage();
    await page.goto(boat.url);
    await page.locator('.act__fill').waitFor();
    const shown = await page.evaluate<readonly string[]>(`(() => {
      const paper = getComputedStyle(document.body).backgroundColor;
      const style = (selector) => getComputedStyle(document.querySelector(selector));
      return [
        style('.parts .is-there').backgroundColor !== paper || style('.parts .is-there').borderTopColor !== paper ? '' : 'parts',
        style('.act').borderTopStyle !== 'none' && style('.act').borderTopColor !== paper ? '' : 'controls',
        style('.statement .mark svg').stroke !== paper ? '' : 'marks',
        style('.gauge').borderTopStyle !== 'none' ? '' : 'gauge',
      ].filter((text) => text !== '');
    })()`);
    assert.deepEqual(shown, []);
    await context.close();
  });
});
