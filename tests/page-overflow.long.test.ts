import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { measure } from './support/measure-page.ts';
import {
  closeSheet,
  createStage,
  openInside,
  openPage,
  openSheet,
  SHEETS,
  showStale,
  STATES,
} from './support/page-in-browser.ts';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { SCENARIOS } from '../packages/pages/src/boat/testing/scenarios.ts';
import { LANGUAGES } from '../packages/pages/src/i18n/languages.ts';
import { startStubBoat } from '../packages/pages/src/boat/testing/stub-boat.ts';

const chromium = findChromium();
/** Minimum side of a target for wet or gloved hands, in CSS pixels. */
const TARGET_MIN_PX = 80;
/** Minimum text size at the helm, in CSS pixels. */
const TEXT_MIN_PX = 18;
/** The languages to measure: all, or those that PAGE_LANGUAGES names while a translation is being written. */
const MEASURED = process.env['PAGE_LANGUAGES']?.split(',') ?? Object.keys(LANGUAGES);

let browser: Browser;
before(async () => {
  if (chromium !== undefined) browser = await startBrowser(chromium);
});
after(async () => {
  if (chromium !== undefined) await browser.close();
});

describe(
  'every state in every language at every size',
  { skip: chromium === undefined && NO_BROWSER },
  () => {
    test('has targets of 80 px, text of 18 px, nothing cut off, and no overlapping words', async (t) => {
      const boat = await startStubBoat();
      t.after(() => boat.close());
      const faults: string[] = [];
      let count = 0;
      for (const language of MEASURED)
        for (const size of SCREENS) {
          const page = await openPage(browser, `${boat.url}?lang=${language}`, size);
          await page.locator('.boat[data-ready]').waitFor();
          const show = createStage(boat, page);
          const check = async (state: string): Promise<void> => {
            const found = await page.evaluate(measure, { target: TARGET_MIN_PX, text: TEXT_MIN_PX });
            const where = `${language} ${state} ${size.width}×${size.height}`;
            faults.push(...found.map((fault) => `${where}: ${fault}`));
            count += 1;
          };
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
          await page.close();
        }
      console.log(
        `${count} pages measured (${MEASURED.length} languages × ${SCREENS.length} sizes × ${count / MEASURED.length / SCREENS.length} states and sheets), ${faults.length} faults`,
      );
      assert.deepEqual(faults, []);
    });

    test('sheets and notices keep their text inside, and do not break the words of controls', async (t) => {
      const boat = await startStubBoat();
      t.after(() => boat.close());
      const faults: string[] = [];
      for (const language of ['en', 'de', 'ar'])
        for (const size of SCREENS) {
          boat.show(SCENARIOS.blocked_token);
          const page = await openPage(browser, `${boat.url}?lang=${language}`, size);
          const check = async (selector: string): Promise<void> => {
            await page.locator(selector).first().waitFor();
            const found = await page.evaluate(findOutside, selector);
            faults.push(...found.map((fault) => `${language} ${size.width}: ${fault}`));
          };
          // The stub refuses the code, so that the dialog and then the page show a notice.
          await page.locator('.boat[data-ready] .act--main').click();
          await page.locator('dialog input').fill('7KQ2M-4XB9C');
          await page.keyboard.press('Enter');
          await page.locator('dialog .banner').waitFor();
          await check('dialog');
          await page.keyboard.press('Escape');
          await page.locator('dialog').waitFor({ state: 'detached' });
          await check('.banner');
          await page.evaluate(`location.hash = '#files'`);
          await page.locator('.entry--file .entry__acts .act').first().click();
          await page.locator('dialog summary').first().click();
          await check('dialog');
          await page.close();
        }
      assert.deepEqual(faults, []);
    });

    test('the measurement finds faults', async () => {
      const boat = await startStubBoat();
      const page = await openPage(browser, boat.url);
      await page.locator('.boat[data-ready]').waitFor();
      const strict = await page.evaluate(measure, { target: 1_000, text: 100 });
      assert.ok(strict.length > 20, String(strict.length));
      await page.evaluate(`document.querySelector('.passage__boat .figure').style.marginBlockEnd = '-30px'`);
      const moved = await page.evaluate(measure, { target: TARGET_MIN_PX, text: TEXT_MIN_PX });
      assert.ok(
        moved.some((fault) => fault.startsWith('on each other')),
        moved.join(),
      );
      await page.close();
      await boat.close();
    });
  },
);

/** Returns the elements that overflow an element's sides, and the short words in controls that were broken across lines. */
function findOutside(selector: string): readonly string[] {
  const faults: string[] = [];
  for (const outer of document.querySelectorAll(selector)) {
    const { left, right } = outer.getBoundingClientRect();
    for (const inner of outer.querySelectorAll('*')) {
      const box = inner.getBoundingClientRect();
      const text = inner.textContent ?? '';
      if (box.left < left - 1 || box.right > right + 1) faults.push(`outside: ${text.slice(0, 40)}`);
      const isShort = inner.matches('.act > span') && text.length <= 3;
      if (isShort && box.height > 45) faults.push(`broken: ${text}`);
    }
  }
  return faults;
}

/** The browser types that the function above uses, because the tests are compiled only with Node's types. */
interface Box {
  readonly textContent: string | null;
  matches(selector: string): boolean;
  getBoundingClientRect(): { readonly left: number; readonly right: number; readonly height: number };
  querySelectorAll(selector: string): Iterable<Box>;
}
declare const document: { querySelectorAll(selector: string): Iterable<Box> };
