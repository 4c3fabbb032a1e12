import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { AXE_SOURCE, findViolations } from './support/axe.ts';
import { SHOWN_MAX_MS } from './support/page-in-browser.ts';
import { addOperator, PASSWORD } from '../packages/central/src/testing/operator-under-test.ts';
import { findChromium, NO_BROWSER, startBrowser } from '../packages/pages/src/boat/testing/browser.ts';
import {
  SAMPLE_BOATS,
  SAMPLE_NOW,
  type SampleCentral,
  startSampleCentral,
} from '../packages/pages/src/fleet/testing/sample-fleet.ts';

const chromium = findChromium();
const THEMES = ['day', 'night', 'watch'] as const;
/** One language for each writing direction. */
const DIRECTIONS = ['en', 'ar'] as const;

/** The states of the page, each with its address and the control that opens a dialog. */
const STATES: Readonly<Record<string, readonly [hash: string, opens?: string]>> = {
  list: ['#/'],
  'list without a match': ['#/?search=nobody'],
  late: ['#/?filter=late'],
  display: ['#/', '.top .end .act >> nth=0'],
  ...Object.fromEntries(SAMPLE_BOATS.map(({ id, name }) => [name ?? 'unnamed', [`#/boat/${id}`] as const])),
  erase: [`#/boat/${SAMPLE_BOATS[0]?.id ?? ''}`, '.access .act >> nth=-1'],
  accounts: ['#/accounts'],
};

let browser: Browser;
let central: SampleCentral;
before(async () => {
  if (chromium === undefined) return;
  browser = await startBrowser(chromium);
  central = await startSampleCentral('operator-token-of-the-tests');
  await addOperator(central.store, 'skipper', 'admin');
});
after(async () => {
  if (chromium === undefined) return;
  await browser.close();
  await central.close();
});

/** Opens the page in a context, and logs in. */
async function openFleet(context: BrowserContext, language: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(SHOWN_MAX_MS);
  await page.clock.setFixedTime(SAMPLE_NOW);
  await page.goto(`${central.url}/?lang=${language}`);
  await page.locator('input[name=name]').fill('skipper');
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.locator('.fleet[data-ready]').waitFor();
  return page;
}

/** Shows all states in a page that stays open, and calls `check` with the name of each. */
async function showEvery(page: Page, check: (name: string) => Promise<void>): Promise<void> {
  for (const [name, [hash, opens]] of Object.entries(STATES)) {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await page.locator('.fleet[data-ready]').waitFor();
    if (opens !== undefined) {
      await page.locator(opens).click();
      await page.locator('dialog').waitFor();
    }
    await check(name);
    if (opens !== undefined) {
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
    }
  }
}

describe('accessibility of the fleet page', { skip: chromium === undefined && NO_BROWSER }, () => {
  test('axe finds no violation in any state, theme and direction', async () => {
    const faults: string[] = [];
    let count = 0;
    for (const theme of THEMES)
      for (const language of DIRECTIONS) {
        // The policy of the page forbids the script of axe.
        const context = await browser.newContext({
          viewport: { width: 1280, height: 800 },
          bypassCSP: true,
        });
        await context.addInitScript(`localStorage.setItem('d3kos-export-look', '${theme}')`);
        const page = await openFleet(context, language);
        await page.evaluate(AXE_SOURCE);
        await showEvery(page, async (name) => {
          const found = await findViolations(page);
          faults.push(...found.map((fault) => `${theme} ${language} ${name}: ${fault}`));
          count += 1;
        });
        await context.close();
      }
    console.log(
      `${count} pages checked by axe (${THEMES.length} themes × ${DIRECTIONS.length} directions × ${Object.keys(STATES).length} states), ${faults.length} violations`,
    );
    assert.deepEqual(faults, []);
  });
});
