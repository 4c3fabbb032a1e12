import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { closeCentrals, openSeat, startCentrals } from './support/fleet-in-browser.ts';
import { bySeat, type Centrals, FLEET_STATES } from './support/fleet-states.ts';
import { type Limits, measure } from './support/measure-page.ts';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { LANGUAGES } from '../packages/pages/src/i18n/languages.ts';

const chromium = findChromium();
/**
 * The limits for a page used at a desk (`packages/pages/src/ui/tokens.css`). A row's link covers the whole row. A marker on the
 * map has only 28 px, because boats lie close to each other and every boat is also in the list.
 */
const LIMITS: Limits = { target: 44, text: 14, smallTargets: '.boats a, .map__mark', within: 'main, header' };
/** The languages to measure: all, or those that PAGE_LANGUAGES names while a translation is being written. */
const MEASURED = process.env['PAGE_LANGUAGES']?.split(',') ?? Object.keys(LANGUAGES);

let browser: Browser;
let centrals: Centrals;
before(async () => {
  if (chromium === undefined) return;
  [browser, centrals] = await Promise.all([startBrowser(chromium), startCentrals()]);
});
after(async () => {
  if (chromium === undefined) return;
  await browser.close();
  await closeCentrals(centrals);
});

describe(
  'every state of the fleet page in every language at every size',
  { skip: chromium === undefined && NO_BROWSER },
  () => {
    test('has targets of 44 px, text of 14 px, nothing cut off, and no overlapping words', async () => {
      const faults: string[] = [];
      let count = 0;
      for (const [seat, states] of bySeat()) {
        const { page, load, show, resize, close } = await openSeat(browser, centrals, seat);
        for (const language of MEASURED) {
          await load(language);
          for (const state of states) {
            await show(state);
            for (const size of SCREENS) {
              await resize(size);
              const found = await page.evaluate(measure, LIMITS);
              const where = `${language} ${state.name} ${size.width}×${size.height}`;
              faults.push(...found.map((fault) => `${where}: ${fault}`));
              count += 1;
            }
          }
        }
        await close();
      }
      console.log(
        `${count} pages measured (${MEASURED.length} languages × ${SCREENS.length} sizes × ${FLEET_STATES.length} states), ${faults.length} faults`,
      );
      assert.deepEqual(faults, []);
    });

    test('the measurement finds faults', async () => {
      const { page, load, close } = await openSeat(browser, centrals, 'admin');
      await load('en');
      assert.deepEqual(await page.evaluate(measure, LIMITS), []);
      await page.evaluate(`document.querySelector('.boats th button').style.fontSize = '11px'`);
      const small = await page.evaluate(measure, LIMITS);
      assert.ok(
        small.some((fault) => fault.startsWith('text of 11 px')),
        small.join(),
      );
      await page.evaluate(`document.querySelector('.boats small').style.marginBlockStart = '-20px'`);
      const moved = await page.evaluate(measure, LIMITS);
      assert.ok(
        moved.some((fault) => fault.startsWith('on each other')),
        moved.join(),
      );
      await page.evaluate(`document.querySelector('.statement h2').style.width = '2000px'`);
      const wide = await page.evaluate(measure, LIMITS);
      assert.ok(wide.includes('the page is wider than the screen'), wide.join());
      await close();
    });
  },
);
