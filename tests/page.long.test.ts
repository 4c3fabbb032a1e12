import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { inTemporaryFolder, prepareBoat } from './support/boat-in-process.ts';
import { createProcesses, freePort, type RunningDaemon, startDaemon } from './support/processes.ts';
import { openPage, SHOWN_MAX_MS } from './support/page-in-browser.ts';
import { accepting, startScriptedServer } from './support/scripted-central.ts';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { SCENARIOS } from '../packages/pages/src/boat/testing/scenarios.ts';
import { startStubBoat } from '../packages/pages/src/boat/testing/stub-boat.ts';

const chromium = findChromium();
const skip = chromium === undefined ? NO_BROWSER : false;

let browser: Browser;
before(async () => {
  if (chromium !== undefined) browser = await startBrowser(chromium);
});
after(async () => {
  if (chromium !== undefined) await browser.close();
});

const statement = (page: Page, text: string): Promise<void> =>
  page.locator('.statement h2', { hasText: text }).waitFor({ timeout: SHOWN_MAX_MS });

describe('the page of a real boat', { skip }, () => {
  const processes = createProcesses({ after });

  test('shows an export being created and delivered, survives a daemon restart, and loads nothing from elsewhere', () =>
    inTemporaryFolder('page', async (root) => {
      prepareBoat({ root, rows: 400 });
      const central = await startScriptedServer(accepting);
      const place = { root, port: await freePort(), centralUrl: central.url };
      let daemon: RunningDaemon = await startDaemon(processes, place);
      const page = await openPage(browser, `http://localhost:${place.port}/`);
      const hosts = new Set<string>();
      page.on('request', (request) => hosts.add(new URL(request.url()).host));

      await statement(page, 'Nothing has been exported yet');
      await page.getByRole('button', { name: 'Export All Data Now' }).click();
      await page.locator('.statement h2', { hasText: /Data synced|Everything is safe ashore/ }).waitFor();
      await page.locator('.passage__central .figure', { hasText: /[1-9]/ }).waitFor();

      await daemon.kill();
      await statement(page, 'Not known at the moment');
      await page.locator('.live', { hasText: 'Not live since' }).waitFor();
      assert.equal(await page.locator('.act--main').getAttribute('aria-disabled'), 'true');
      daemon = await startDaemon(processes, place);
      await statement(page, 'Everything is safe ashore');

      await page.getByRole('link', { name: 'History' }).click();
      await page.locator('.delivered', { hasText: 'Central has it' }).first().waitFor();
      await page.getByRole('link', { name: 'Files' }).click();
      await page.getByRole('button', { name: /^View/ }).first().click();
      await page.locator('dialog .delivered', { hasText: 'Boat log' }).waitFor();
      assert.deepEqual([...hosts], [`localhost:${place.port}`]);
      await page.close();
      await daemon.stop();
      await central.close();
    }));
});

describe('a long history', { skip }, () => {
  test('draws only a few rows at first, and reaches the last of a thousand when scrolled', async () => {
    const boat = await startStubBoat();
    boat.show(SCENARIOS.crowded);
    for (const size of SCREENS) {
      const page = await openPage(browser, `${boat.url}#history`, size);
      const rows = page.locator('.delivered');
      await rows.first().waitFor();
      assert.ok((await rows.count()) < 100);
      for (let shown = await rows.count(); shown < 1_000; shown = await rows.count()) {
        await rows.last().scrollIntoViewIfNeeded();
        await page.waitForFunction((count) => document.querySelectorAll('.delivered').length > count, shown);
      }
      await page.close();
    }
    await boat.close();
  });
});

/** The browser types that the tests use, because they are compiled only with Node's types. */
declare const document: { querySelectorAll(selector: string): { readonly length: number } };

describe('text from a boat and a central', { skip }, () => {
  test('displays markup from a boat or from central as text', async () => {
    const boat = await startStubBoat();
    const markup = '<img src=x onerror="document.title=1"><b>bold</b>';
    const { status, queue, ...rest } = SCENARIOS.failed_and_waiting;
    boat.show({
      ...rest,
      status: {
        ...status,
        destination: { ...status.destination, state: 'blocked', detail: markup },
        installation_id: markup,
        storage: { ...status.storage, warning: markup },
        schedule: { ...status.schedule, timezone: markup },
      },
      queue: {
        ...queue,
        failed: queue.failed.map((entry) => ({ ...entry, last_error: markup, queue_id: markup })),
      },
    });
    for (const place of ['now', 'waiting']) {
      const page = await openPage(browser, `${boat.url}#${place}`);
      await page.locator('main', { hasText: '<b>bold</b>' }).waitFor();
      assert.equal(await page.locator('main img').count(), 0);
      await page.close();
    }
    await boat.close();
  });
});
