import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { measure } from './support/measure-page.ts';
import { createStage, openPage, STATES } from './support/page-in-browser.ts';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { LANGUAGES } from '../packages/pages/src/i18n/languages.ts';
import { startStubBoat } from '../packages/pages/src/boat/testing/stub-boat.ts';

const chromium = findChromium();
/** Smallest side of a target for wet or gloved hands, in CSS pixels. */
const TARGET_MIN_PX = 80;
/** Smallest text at the helm, in CSS pixels. */
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
    test('has targets of 80 px, text of 18 px, nothing cut off, and no words on each other', async (t) => {
      const boat = await startStubBoat();
      t.after(() => boat.close());
      const faults: string[] = [];
      let count = 0;
      for (const language of MEASURED)
        for (const size of SCREENS) {
          const page = await openPage(browser, `${boat.url}?lang=${language}`, size);
          await page.locator('.boat[data-ready]').waitFor();
          const show = createStage(boat, page);
          for (const state of STATES) {
            await show(state);
            const found = await page.evaluate(measure, { target: TARGET_MIN_PX, text: TEXT_MIN_PX });
            const where = `${language} ${state.name} ${size.width}×${size.height}`;
            faults.push(...found.map((fault) => `${where}: ${fault}`));
            count += 1;
          }
          await page.close();
        }
      console.log(
        `${count} pages measured (${MEASURED.length} languages × ${SCREENS.length} sizes × ${STATES.length} states), ${faults.length} faults`,
      );
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
