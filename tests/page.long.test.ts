import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { inTemporaryFolder, prepareBoat } from './support/boat-in-process.ts';
import { createProcesses, freePort, type RunningDaemon, startDaemon } from './support/processes.ts';
import { accepting, startScriptedServer } from './support/scripted-central.ts';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { LANGUAGES } from '../packages/pages/src/i18n/languages.ts';
import { PLACES } from '../packages/pages/src/boat/state.ts';
import { SCENARIOS } from '../packages/pages/src/boat/testing/scenarios.ts';
import { startStubBoat } from '../packages/pages/src/boat/testing/stub-boat.ts';

const chromium = findChromium();
const skip = chromium === undefined ? NO_BROWSER : false;
/** Timeout for a text to appear. The machine may be busy with other tests. */
const SHOWN_MAX_MS = 120_000;
/** Smallest side of a target for wet or gloved hands, in CSS pixels. */
const TARGET_MIN_PX = 80;
/** Smallest text at the helm, in CSS pixels. */
const TEXT_MIN_PX = 18;

let browser: Browser;
before(async () => {
  if (chromium !== undefined) browser = await startBrowser(chromium);
});
after(async () => {
  if (chromium !== undefined) await browser.close();
});

const statement = (page: Page, text: string): Promise<void> =>
  page.locator('.statement h2', { hasText: text }).waitFor({ timeout: SHOWN_MAX_MS });

/** Opens a page that fails the test for every error of a script and every violation of the policy. */
async function openPage(url: string, size: (typeof SCREENS)[number] = SCREENS[0]): Promise<Page> {
  const page = await browser.newPage({ viewport: size });
  page.setDefaultTimeout(SHOWN_MAX_MS);
  page.on('pageerror', (error) => assert.fail(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted/.test(message.text())) assert.fail(message.text());
  });
  await page.goto(url);
  return page;
}

describe('the page of a real boat', { skip }, () => {
  const processes = createProcesses({ after });

  test('shows an export being made and delivered, survives a restart of the daemon, and loads nothing from elsewhere', () =>
    inTemporaryFolder('page', async (root) => {
      prepareBoat({ root, rows: 400 });
      const central = await startScriptedServer(accepting);
      const place = { root, port: await freePort(), centralUrl: central.url };
      let daemon: RunningDaemon = await startDaemon(processes, place);
      const page = await openPage(`http://localhost:${place.port}/`);
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

/** What the measurement uses of the browser. The tests have the types of Node and not those of a browser. */
interface Shown {
  readonly tagName: string;
  readonly className: string;
  readonly textContent: string | null;
  readonly scrollWidth: number;
  readonly clientWidth: number;
  getBoundingClientRect(): { readonly width: number; readonly height: number };
  closest(selector: string): Shown | null;
  matches(selector: string): boolean;
}
declare const document: {
  readonly documentElement: Shown;
  querySelectorAll(selector: string): Iterable<Shown>;
};
declare const innerWidth: number;
declare const getComputedStyle: (element: Shown) => { readonly fontSize: string };

/** Measures the page: text that is cut off or too small, targets that are too small, and content wider than the screen. */
function measure(limits: { readonly target: number; readonly text: number }): readonly string[] {
  const faults: string[] = [];
  const isShown = (element: Shown): boolean => {
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1 && element.closest('.hush') === null;
  };
  const name = (element: Shown): string =>
    `${element.tagName.toLowerCase()}.${element.className} "${(element.textContent ?? '').slice(0, 30)}"`;
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page is wider than the screen');
  for (const element of document.querySelectorAll('button, a, summary, [role=switch]')) {
    if (!isShown(element)) continue;
    const { width, height } = element.getBoundingClientRect();
    if (Math.min(width, height) < limits.target - 0.5)
      faults.push(`target of ${Math.round(width)} × ${Math.round(height)}: ${name(element)}`);
  }
  for (const element of document.querySelectorAll('h1, h2, h3, p, b, span, dt, dd, li, small, button, a')) {
    if (!isShown(element) || (element.textContent ?? '').trim() === '') continue;
    const size = Number.parseFloat(getComputedStyle(element).fontSize);
    if (size < limits.text - 0.1) faults.push(`text of ${size} px: ${name(element)}`);
    if (
      element.scrollWidth > element.clientWidth + 1 &&
      element.clientWidth > 0 &&
      !element.matches('.count, .count *')
    )
      faults.push(`cut off: ${name(element)}`);
  }
  for (const count of document.querySelectorAll('.count'))
    if (count.getBoundingClientRect().height > 34) faults.push(`wrapped: ${name(count)}`);
  return [...new Set(faults)];
}

/** Scenarios whose lists are long, so that every place is measured. */
const CROWDED: readonly string[] = ['crowded', 'failed_and_waiting'];

describe('every situation at every size', { skip }, () => {
  test('has targets of 80 px, text of 18 px, and nothing cut off, in every language', async (t) => {
    const boat = await startStubBoat();
    t.after(() => boat.close());
    const faults: string[] = [];
    let count = 0;
    for (const language of Object.keys(LANGUAGES))
      for (const size of SCREENS)
        for (const [name, scenario] of Object.entries(SCENARIOS))
          for (const place of CROWDED.includes(name) ? PLACES : ['now']) {
            boat.show(scenario);
            const page = await openPage(`${boat.url}?lang=${language}#${place}`, size);
            await page.locator('.boat[data-ready]').waitFor();
            const found = await page.evaluate(measure, { target: TARGET_MIN_PX, text: TEXT_MIN_PX });
            const where = `${language} ${name}/${place} ${size.width}×${size.height}`;
            faults.push(...found.map((fault) => `${where}: ${fault}`));
            count += 1;
            await page.close();
          }
    console.log(`${count} pages measured, ${faults.length} faults`);
    assert.deepEqual(faults, []);
    boat.show(SCENARIOS.safe);
    const page = await openPage(boat.url);
    await page.locator('.boat[data-ready]').waitFor();
    const strict = await page.evaluate(measure, { target: 1_000, text: 100 });
    assert.ok(strict.length > 20, 'the measurement finds faults');
    await page.close();
  });

  test('shows markup from a boat or a central as text', async () => {
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
      const page = await openPage(`${boat.url}#${place}`);
      await page.locator('main', { hasText: '<b>bold</b>' }).waitFor();
      assert.equal(await page.locator('main img').count(), 0);
      await page.close();
    }
    await boat.close();
  });
});
