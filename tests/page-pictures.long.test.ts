import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
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
import { CHANGED_MAX, createThumbnails } from './support/thumbnails.ts';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { SCENARIOS } from '../packages/pages/src/boat/testing/scenarios.ts';
import { startStubBoat } from '../packages/pages/src/boat/testing/stub-boat.ts';

const chromium = findChromium();
/**
 * The committed thumbnails. After an intentional change, regenerate them with `PAGE_PICTURES=write`, and review them before
 * committing.
 */
const PICTURES = join(import.meta.dirname, '..', 'packages', 'pages', 'src', 'boat', 'testing', 'pictures');

let browser: Browser;
before(async () => {
  if (chromium !== undefined) browser = await startBrowser(chromium);
});
after(async () => {
  if (chromium !== undefined) await browser.close();
});

describe('the pictures of the page', { skip: chromium === undefined && NO_BROWSER }, () => {
  test('every state at every size looks like its committed picture', async (t) => {
    const boat = await startStubBoat();
    t.after(() => boat.close());
    const thumbnails = await createThumbnails(browser);
    const isWriting = process.env['PAGE_PICTURES'] === 'write';
    if (isWriting) mkdirSync(PICTURES, { recursive: true });
    const faults: string[] = [];
    let count = 0;
    for (const size of SCREENS) {
      const page = await openPage(browser, boat.url, size);
      await page.evaluate(`localStorage.setItem('d3kos-export-look', 'day')`);
      await page.reload();
      await page.locator('.boat[data-ready]').waitFor();
      const show = createStage(boat, page);
      const check = async (state: string): Promise<void> => {
        const picture = await thumbnails.take(page);
        const name = `${state.replace('/', '-')}-${size.width}.webp`;
        const file = join(PICTURES, name);
        count += 1;
        if (isWriting) writeFileSync(file, picture);
        else if (!existsSync(file)) faults.push(`${name} is missing`);
        else {
          const changed = await thumbnails.compare(readFileSync(file), picture);
          if (changed > CHANGED_MAX) faults.push(`${name}: ${(changed * 100).toFixed(2)} % of the pixels`);
        }
      };
      for (const state of STATES) {
        await show(state);
        await check(state.name);
      }
      for (const sheet of SHEETS) {
        await openSheet(page, show, sheet);
        const hasContent = await openInside(page);
        await check(`sheet-${sheet.name}${hasContent ? '-opened' : ''}`);
        await closeSheet(page);
      }
      await showStale(boat, page, show);
      await check('stale-now');
      boat.show(SCENARIOS.safe);
      await page.close();
    }
    await thumbnails.close();
    console.log(`${count} pictures compared, ${faults.length} differ`);
    assert.deepEqual(faults, []);
  });

  test('a button that moves by half its height is detected at every size', async (t) => {
    const boat = await startStubBoat();
    t.after(() => boat.close());
    const thumbnails = await createThumbnails(browser);
    for (const size of SCREENS) {
      const page = await openPage(browser, boat.url, size);
      await page.locator('.boat[data-ready]').waitFor();
      const first = await thumbnails.take(page);
      assert.ok((await thumbnails.compare(first, await thumbnails.take(page))) < CHANGED_MAX / 10);
      await page.evaluate(`document.querySelector('.act--main').style.translate = '0 40px'`);
      const changed = await thumbnails.compare(first, await thumbnails.take(page));
      assert.ok(changed > CHANGED_MAX, `${size.width}: ${changed}`);
      await page.close();
    }
    await thumbnails.close();
  });
});
