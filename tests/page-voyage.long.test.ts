import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import { listen } from '../packages/boat/src/platform/listen.ts';
import { startSignalKStub } from '../packages/boat/src/testing/signalk-stub.ts';
import { findChromium, NO_BROWSER, startBrowser } from '../packages/pages/src/boat/testing/browser.ts';
import { SCENARIOS } from '../packages/pages/src/boat/testing/scenarios.ts';
import { startStubBoat } from '../packages/pages/src/boat/testing/stub-boat.ts';
import {
  INSTALLATION,
  inTemporaryFolder,
  prepareBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import { openPage } from './support/page-in-browser.ts';
import {
  countAtCentral,
  createProcesses,
  enrollAt,
  freePort,
  NO_SERVER,
  placeCentral,
  startCentral,
  startDaemon,
  withCentralStore,
} from './support/processes.ts';
import { accepting, importing, json, startScriptedServer } from './support/scripted-central.ts';
import { createSettableClock } from './support/settable-clock.ts';
import { openTcpSwitch } from './support/tcp-switch.ts';
import { until } from './support/until.ts';

const chromium = findChromium();

let browser: Browser;
before(async () => {
  if (chromium !== undefined) browser = await startBrowser(chromium);
});
after(async () => {
  if (chromium !== undefined) await browser.close();
});

const shows = (page: Page, selector: string, text: string | RegExp): Promise<void> =>
  page.locator(selector, { hasText: text }).first().waitFor();
const statement = (page: Page, text: string | RegExp): Promise<void> => shows(page, '.statement h2', text);
const press = (within: Page | Locator, name: string | RegExp): Promise<void> =>
  within.getByRole('button', { name }).first().click();
const SAFE = /Data synced|Everything is safe ashore/;

describe("an owner's situations on a voyage", { skip: chromium === undefined && NO_BROWSER }, () => {
  const processes = createProcesses({ after });

  test('the marina Wi-Fi requires a login, after which the export arrives at central', async () => {
    const place = await placeCentral(processes);
    const token = await enrollAt(place, INSTALLATION);
    await startCentral(processes, place);
    const portal = await startScriptedServer((_, response) => {
      response.writeHead(302, { location: 'http://portal.marina.example/login' }).end();
    });
    const portalPort = Number(new URL(portal.url).port);
    const wifi = await openTcpSwitch(portalPort);
    const root = join(processes.folder('marina'), 'boat');
    prepareBoat({ root }, token);
    const daemon = await startDaemon(processes, {
      root,
      port: await freePort(),
      centralUrl: `http://127.0.0.1:${wifi.port}`,
    });
    const page = await openPage(browser, `${daemon.url}/`);
    await press(page, 'Export All Data Now');
    await statement(page, 'Marina Wi-Fi requires a login');
    await shows(page, '.steps', 'Open the browser on the boat’s screen');
    await shows(page, '.passage__boat', '1 export is waiting');

    wifi.leadTo(place.port);
    await press(page, 'Check again now');
    await statement(page, SAFE);
    const counts = await withCentralStore(place, (store) => countAtCentral(store, INSTALLATION));
    assert.ok(counts.boatlog > 0);

    // Back at the pier, the portal requires a new login.
    wifi.leadTo(portalPort);
    await press(page, 'Export everything again…');
    await press(page.locator('dialog[open]'), 'Export everything again');
    await statement(page, 'Marina Wi-Fi requires a login');
    await page.close();
    await daemon.stop();
    await portal.close();
    await wifi.close();
  });

  test('a new boat is enrolled before its first export', async () => {
    const place = await placeCentral(processes);
    await startCentral(processes, place);
    const root = processes.folder('new-boat');
    prepareBoat({ root });
    rmSync(join(root, 'config', 'export-credentials.json'));
    const daemon = await startDaemon(processes, { root, port: await freePort(), centralUrl: place.url });
    const page = await openPage(browser, `${daemon.url}/`);
    await statement(page, 'This boat has no token yet');
    const { code, output } = await processes.run(
      'central',
      ['invite', INSTALLATION, '--tier', '2', '--json'],
      {
        CENTRAL_DATA_DIR: place.dataDir,
      },
    );
    assert.equal(code, 0, output);
    const line = output.split('\n').find((text) => text.startsWith('{')) ?? '';
    await press(page, 'Enrol with a code…');
    await page.locator('dialog[open] input').fill((JSON.parse(line) as { readonly code: string }).code);
    await page.keyboard.press('Enter');
    await statement(page, 'Nothing has been exported yet');
    await press(page, 'Export All Data Now');
    await statement(page, SAFE);
    await page.close();
    await daemon.stop();
  });

  test('with a nearly full card, no export is created, the page gives the reason, and delivered files can be cleared', async () => {
    const central = await startScriptedServer(accepting);
    const root = processes.folder('card');
    prepareBoat({ root });
    const place = { root, port: await freePort(), centralUrl: central.url };
    // A reserve larger than the free space on any disk.
    const full = await startDaemon(processes, {
      ...place,
      environment: { EXPORT_RESERVE_BYTES: String(Number.MAX_SAFE_INTEGER) },
    });
    const page = await openPage(browser, `${full.url}/`);
    await statement(page, 'The memory card is nearly full');
    await shows(page, '.statement p', 'No new export is created until space is free');
    // Nothing has been delivered yet, so there is nothing to clear, and the export manager would refuse to create an export.
    for (const name of ['Export All Data Now', 'Export everything again…', 'Clear delivered files…'])
      assert.equal(await page.getByRole('button', { name }).count(), 0, name);
    await full.stop();

    const daemon = await startDaemon(processes, place);
    await statement(page, 'Nothing has been exported yet');
    await press(page, 'Export All Data Now');
    await statement(page, SAFE);
    await page.getByRole('link', { name: 'Files' }).click();
    await press(page, 'Clear delivered files…');
    await press(page.locator('dialog[open]'), 'Clear 1 file');
    await shows(page, '.banner', '1 file was removed');
    await shows(page, '.empty', 'There are no export files on the card.');
    await page.close();
    await daemon.stop();
    await central.close();
  });

  test('a failed export is shown on Signal K until the owner switches notifications off', async () => {
    const signalk = await startSignalKStub();
    const central = await startScriptedServer(
      importing((_, response) =>
        json(response, 400, { status: 'error', error_code: 'INVALID_EXPORT', message: 'no records' }),
      ),
    );
    const root = processes.folder('notified');
    prepareBoat({ root });
    const daemon = await startDaemon(processes, {
      root,
      port: await freePort(),
      centralUrl: central.url,
      environment: { EXPORT_SIGNALK_URL: signalk.url },
    });
    const page = await openPage(browser, `${daemon.url}/#waiting`);
    await shows(page, '.notify__channel', 'Nothing to report');
    await page.getByRole('link', { name: /^Now/ }).click();
    await press(page, 'Export All Data Now');
    await statement(page, '1 export has failed');
    const states = (): readonly string[] => [...signalk.notifications.values()].map(({ state }) => state);
    await until('the notification', () => states().includes('warn'));
    await page.getByRole('link', { name: /^Waiting/ }).click();
    await shows(page, '.notify__channel', '1 export has failed. Since');

    const toggle = page.getByRole('switch', { name: 'Notifications' });
    await toggle.click();
    await page.locator('[role=switch][aria-checked=false]').waitFor();
    await until('the end of the notification', () => states().every((state) => state === 'normal'));
    await page.reload();
    await page.locator('[role=switch][aria-checked=false]').waitFor();
    await toggle.click();
    await until('the notification again', () => states().includes('warn'));
    await page.close();
    await daemon.stop();
    await central.close();
  });

  test('a page that stays open for a day follows the boat’s clock, and is live again after each sleep', () =>
    inTemporaryFolder('day', async (root) => {
      const { clock, set } = createSettableClock(undefined);
      const central = await startScriptedServer(accepting);
      prepareBoat({ root });
      const port = await freePort();
      set('2026-05-01 12:00:00');
      const boat = await startBoatInProcess({
        root,
        centralUrl: central.url,
        // A page may change something only if it was loaded from the configured port.
        environment: { EXPORT_TIMEZONE: 'UTC', EXPORT_PORT: String(port) },
        world: { clock },
      });
      const server = await listen((request) => boat.boat.app.fetch(request), '127.0.0.1', port);
      const page = await openPage(browser, 'about:blank');
      await page.clock.install();
      await page.goto(`http://127.0.0.1:${port}/`);
      await press(page, 'Export All Data Now');
      await statement(page, SAFE);
      /**
       * Hours after the start, and the time to which the boat's clock is then set. A boat without a clock chip starts decades
       * in the past.
       */
      const day = [
        [3, '2026-05-01 15:20:00', '15:2', 'up to 12:00 today'],
        [6, '1981-02-03 04:05:00', '04:0', '1 May 2026'],
        [9, '2026-05-01 21:40:00', '21:4', 'up to 12:00 today'],
        [15, '2026-05-02 03:10:00', '03:1', 'up to 12:00 yesterday'],
        [24, '2026-05-02 12:30:00', '12:3', 'up to 12:00 yesterday'],
      ] as const;
      let passed = 0;
      for (const [hours, time, shown, ashore] of day) {
        set(time);
        await page.clock.fastForward((hours - passed) * 3_600_000);
        passed = hours;
        await shows(page, '.clock', shown);
        await shows(page, '.live', /^Live$/);
        await shows(page, '.statement', ashore);
      }
      assert.equal(await page.locator('.banner').count(), 0);
      await page.locator('html[data-theme=day]').waitFor();
      await page.close();
      await server.close();
      await boat.stop();
      await central.close();
    }));

  test('a language that cannot be loaded is reported, and is shown once it can be loaded', async () => {
    const boat = await startStubBoat();
    boat.show(SCENARIOS.safe);
    const page = await openPage(browser, 'about:blank');
    let isBroken = true;
    await page.route('**/page/texts/de', (route) => (isBroken ? route.abort() : route.continue()));
    await page.goto(`${boat.url}?lang=de`);
    await shows(page, '.banner[role=status]', 'Deutsch could not be loaded');
    isBroken = false;
    await page.locator('html[lang=de]').waitFor();
    await page.locator('.banner').waitFor({ state: 'detached' });
    await page.close();
    await boat.close();
  });

  test('the offline bundle is saved, and the page explains what to do with it', async () => {
    const root = processes.folder('bundle');
    prepareBoat({ root });
    const daemon = await startDaemon(processes, { root, port: await freePort(), centralUrl: NO_SERVER });
    const page = await openPage(browser, `${daemon.url}/`);
    await press(page, 'Export All Data Now');
    await statement(page, 'No connection to central');
    await page.getByRole('link', { name: 'Files' }).click();
    const download = page.waitForEvent('download');
    await press(page, 'Offline bundle for a USB drive');
    assert.match((await download).suggestedFilename(), /\.bundle$/);
    await shows(page, '.banner[role=status]', 'Copy it to a USB drive');
    await page.close();
    await daemon.stop();
  });
});
