import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { INSTALLATION, prepareBoat } from './support/boat-in-process.ts';
import { openPage } from './support/page-in-browser.ts';
import {
  type CentralPlace,
  countAtCentral,
  createProcesses,
  freePort,
  NO_SERVER,
  placeCentral,
  startCentral,
  startDaemon,
  withCentralStore,
} from './support/processes.ts';
import { accepting, importing, json, startScriptedServer } from './support/scripted-central.ts';
import { findChromium, NO_BROWSER, startBrowser } from '../packages/pages/src/boat/testing/browser.ts';
import { CATALOGUES } from '../packages/pages/src/i18n/catalogues.ts';
import { createTexts } from '../packages/pages/src/i18n/texts.ts';

const chromium = findChromium();
const OTHER_INSTALLATION = 'fedcba9876543210';
const arabic = createTexts('ar', CATALOGUES.ar, 'UTC');

let browser: Browser;
before(async () => {
  if (chromium !== undefined) browser = await startBrowser(chromium);
});
after(async () => {
  if (chromium !== undefined) await browser.close();
});

/** Waits until an element of the page shows the given text. */
const shows = (page: Page, selector: string, text: string | RegExp): Promise<void> =>
  page.locator(selector, { hasText: text }).first().waitFor();
const statement = (page: Page, text: string): Promise<void> => shows(page, '.statement h2', text);
const press = (within: Page | Locator, name: string | RegExp): Promise<void> =>
  within.getByRole('button', { name }).first().click();

describe(
  "an owner's actions on the page of a real boat",
  { skip: chromium === undefined && NO_BROWSER },
  () => {
    const processes = createProcesses({ after });

    /** Starts a sample boat's daemon, and opens its page. */
    async function openBoat(centralUrl: string, options: { readonly tier?: 0 | 2 } = {}) {
      const root = processes.folder('journey');
      prepareBoat({ root, ...options });
      const daemon = await startDaemon(processes, { root, port: await freePort(), centralUrl });
      return { root, daemon, page: await openPage(browser, `${daemon.url}/`) };
    }

    /** Returns central's enrolment code for an installation. */
    async function invite({ dataDir }: CentralPlace, installationId: string): Promise<string> {
      const { code, output } = await processes.run(
        'central',
        ['invite', installationId, '--tier', '2', '--json'],
        { CENTRAL_DATA_DIR: dataDir },
      );
      assert.equal(code, 0, output);
      const line = output.split('\n').find((text) => text.startsWith('{')) ?? '';
      return (JSON.parse(line) as { readonly code: string }).code;
    }

    test('a boat whose token is refused is enrolled with a code, and its exports arrive', async () => {
      const place = await placeCentral(processes);
      await startCentral(processes, place);
      const { daemon, page } = await openBoat(place.url);
      await press(page, 'Export All Data Now');
      await statement(page, 'Central refuses this boat’s token');

      await press(page, 'Enrol with a code…');
      const dialog = page.locator('dialog[open]');
      const field = dialog.getByLabel('Enrolment code');
      assert.equal(await field.evaluate((element) => element === element.ownerDocument.activeElement), true);
      await field.fill('7KQ2M');
      await page.keyboard.press('Enter');
      await shows(page, 'dialog [role=alert]', 'This code is incomplete');
      await field.fill('00000-00000');
      await press(dialog, 'Enrol');
      await shows(page, 'dialog [role=alert]', 'Central does not accept this code');
      const otherCode = await invite(place, OTHER_INSTALLATION);
      await field.fill(otherCode);
      await press(dialog, 'Enrol');
      await shows(page, 'dialog [role=alert]', 'This code is for another boat');
      await shows(page, 'dialog [role=alert]', OTHER_INSTALLATION);
      // The typed text is kept so that it can be corrected.
      assert.equal(await field.inputValue(), otherCode);

      const code = await invite(place, INSTALLATION);
      await field.fill(`${code.slice(0, 5)}-${code.slice(5)}`.toLowerCase());
      await page.keyboard.press('Enter');
      await dialog.waitFor({ state: 'detached' });
      await shows(page, '.banner[role=status]', 'The boat is enrolled at central');
      await page.locator('.statement h2', { hasText: /Data synced|Everything is safe ashore/ }).waitFor();
      const counts = await withCentralStore(place, (store) => countAtCentral(store, INSTALLATION));
      assert.ok(counts.boatlog > 0);
      await page.close();
      await daemon.stop();
    });

    test('a boat whose code returns another installation ID does not count as enrolled', async () => {
      const central = await startScriptedServer((request, response) =>
        request.path === '/api/v1/enrolments'
          ? json(response, 200, {
              status: 'success',
              installation_id: OTHER_INSTALLATION,
              token_id: '3f1c09ab77de',
              expires_at: null,
            })
          : json(response, 401, { status: 'error', error_code: 'UNAUTHORIZED', message: 'unknown token' }),
      );
      const { daemon, page } = await openBoat(central.url);
      await press(page, 'Export All Data Now');
      await press(page, 'Enrol with a code…');
      await page.locator('dialog[open] input').fill('7KQ2M-4XB9C');
      await page.keyboard.press('Enter');
      await shows(page, 'dialog [role=alert]', 'This code is for another boat');
      await page.keyboard.press('Escape');
      await statement(page, 'Central refuses this boat’s token');
      await page.close();
      await daemon.stop();
      await central.close();
    });

    test('a waiting export is cancelled, a failed one is retried, and both texts state that nothing is lost', async () => {
      const central = await startScriptedServer((_, response) => void response.destroy());
      const { daemon, page } = await openBoat(central.url);
      await press(page, 'Export All Data Now');
      await statement(page, 'No connection to central');
      await page.getByRole('link', { name: /^Waiting/ }).click();
      await press(page, /^Cancel/);
      await shows(page, 'dialog', 'nothing is lost');
      await press(page.locator('dialog[open]'), 'Keep sending');
      await page.locator('dialog').waitFor({ state: 'detached' });
      await press(page, /^Cancel/);
      await press(page.locator('dialog[open]'), 'Stop sending');
      await shows(page, '.banner', 'The export was stopped. Its file is kept.');
      await shows(page, '.group h2', 'Failed, file kept');

      // Central refuses the file the first time.
      let isAccepting = false;
      central.answer(
        importing((request, response) =>
          isAccepting
            ? accepting(request, response)
            : json(response, 400, { status: 'error', error_code: 'INVALID_EXPORT', message: 'no records' }),
        ),
      );
      await press(page, /^Retry: /);
      await shows(page, '.banner', 'The failed exports are back in the queue.');
      await shows(page, '.entry[data-tone=bad]', 'INVALID_EXPORT');
      await shows(page, '.entry[data-tone=bad]', 'Nothing is lost');
      isAccepting = true;
      await press(page, /^Retry: /);
      await shows(page, '.empty', 'Nothing is waiting. Central has everything this boat has exported.');
      await page.getByRole('link', { name: 'History' }).click();
      await shows(page, '.delivered', 'Central has it');
      await page.close();
      await daemon.stop();
      await central.close();
    });

    test('tier 0 shows no export controls and opens no connection, and a higher tier shows the controls', async () => {
      const central = await startScriptedServer(accepting);
      const { root, daemon, page } = await openBoat(central.url, { tier: 0 });
      await shows(page, '.tier0 h2', 'This boat does not export');
      assert.deepEqual(await page.locator('main .act:visible').allTextContents(), []);
      assert.equal(central.connections(), 0);
      writeFileSync(
        join(root, 'config', 'license.json'),
        JSON.stringify({ installation_id: INSTALLATION, tier: 2 }),
      );
      // The page updates without a reload.
      await statement(page, 'Nothing has been exported yet');
      await press(page, 'Export All Data Now');
      await page.locator('.statement h2', { hasText: /Data synced|Everything is safe ashore/ }).waitFor();
      await page.close();
      await daemon.stop();
      await central.close();
    });

    test('the language and the night theme that the owner chooses apply immediately and after a reload', async () => {
      const { daemon, page } = await openBoat(NO_SERVER);
      const root = page.locator('html');
      const isDark = (): Promise<boolean> =>
        page.evaluate(`(() => {
        const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number);
        return Math.max(red, green, blue) < 32;
      })()`);
      await page.locator('.boat[data-ready]').waitFor();
      await press(page, 'Display');
      await page.getByRole('radio', { name: 'Deutsch' }).click();
      await shows(page, 'dialog h2', createTexts('de', CATALOGUES.de, 'UTC').say('display.title'));
      await page.getByRole('radio', { name: 'العربية' }).click();
      await shows(page, 'dialog h2', arabic.say('display.title'));
      assert.deepEqual([await root.getAttribute('lang'), await root.getAttribute('dir')], ['ar', 'rtl']);
      await page
        .getByRole('radio', { name: arabic.say('display.night') })
        .first()
        .click();
      await page.locator('html[data-theme=night]').waitFor();
      assert.equal(await isDark(), true);
      await page.reload();
      await page.locator('html[data-theme=night][lang=ar] .boat[data-ready]').waitFor();
      assert.equal(await isDark(), true);
      await shows(page, 'h1', arabic.say('page.title'));
      await press(page, arabic.say('place.display'));
      await page.getByRole('radio', { name: arabic.say('display.watch') }).click();
      await page.locator('html[data-theme=watch]').waitFor();
      await page.close();
      await daemon.stop();
    });
  },
);
