import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { closeCentrals, openSeat, startCentrals } from './support/fleet-in-browser.ts';
import { bySeat, type Centrals } from './support/fleet-states.ts';
import { CHANGED_MAX, createThumbnails } from './support/thumbnails.ts';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';

const chromium = findChromium();
/**
 * The committed thumbnails. After an intentional change, regenerate them with `PAGE_PICTURES=write`, and review them before
 * committing.
 */
const PICTURES = join(import.meta.dirname, '..', 'packages', 'pages', 'src', 'fleet', 'testing', 'pictures');

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

describe("the fleet page's pictures", { skip: chromium === undefined && NO_BROWSER }, () => {
  test('every state at every size looks like its committed picture', async () => {
    const thumbnails = await createThumbnails(browser);
    const isWriting = process.env['PAGE_PICTURES'] === 'write';
    if (isWriting) mkdirSync(PICTURES, { recursive: true });
    const faults: string[] = [];
    let count = 0;
    for (const [seat, states] of bySeat()) {
      const { page, load, show, resize, close } = await openSeat(browser, centrals, seat);
      await load('en');
      for (const state of states) {
        await show(state);
        for (const size of SCREENS) {
          await resize(size);
          const picture = await thumbnails.take(page);
          const name = `${state.name.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}-${size.width}.webp`;
          const file = join(PICTURES, name);
          count += 1;
          if (isWriting) writeFileSync(file, picture);
          else if (!existsSync(file)) faults.push(`${name} is missing`);
          else {
            const changed = await thumbnails.compare(readFileSync(file), picture);
            if (changed > CHANGED_MAX) faults.push(`${name}: ${(changed * 100).toFixed(2)} % of the pixels`);
          }
        }
      }
      await close();
    }
    await thumbnails.close();
    console.log(`${count} pictures compared, ${faults.length} differ`);
    assert.deepEqual(faults, []);
  });

  test('a list or a panel that moves by half a row is detected at every size', async () => {
    const thumbnails = await createThumbnails(browser);
    const { page, load, close } = await openSeat(browser, centrals, 'admin');
    await load('en');
    for (const size of SCREENS) {
      await page.setViewportSize(size);
      const first = await thumbnails.take(page);
      assert.ok((await thumbnails.compare(first, await thumbnails.take(page))) < CHANGED_MAX / 10);
      await page.evaluate(`document.querySelector('.filters').style.marginBlockEnd = '35px'`);
      const changed = await thumbnails.compare(first, await thumbnails.take(page));
      assert.ok(changed > CHANGED_MAX, `${size.width}: ${changed}`);
      await page.evaluate(`document.querySelector('.filters').style.marginBlockEnd = ''`);
    }
    await close();
    await thumbnails.close();
  });
});
