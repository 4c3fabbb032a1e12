import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import {
  SAMPLE_BOATS,
  type SampleCentral,
  startSampleCentral,
} from '../packages/pages/src/fleet/testing/sample-fleet.ts';

const chromium = findChromium();
const TOKEN = 'operator-token-of-the-tests';
const MARKUP = '<img src=x onerror="document.title=1"><b>bold</b>';
/** Timeout for a text to appear. The machine may be busy running other tests. */
const SHOWN_MAX_MS = 120_000;

describe('the fleet page of a real central', { skip: chromium === undefined ? NO_BROWSER : false }, () => {
  let browser: Browser;
  let central: SampleCentral;
  before(async () => {
    if (chromium === undefined) return;
    browser = await startBrowser(chromium);
    central = await startSampleCentral(TOKEN);
  });
  after(async () => {
    await browser.close();
    await central.close();
  });

  /** Opens the page and logs in. Every error of a script and every violation of the policy fails the test. */
  async function openFleet(hash = '', size: (typeof SCREENS)[number] = SCREENS[0]): Promise<Page> {
    const page = await browser.newPage({ viewport: size });
    page.setDefaultTimeout(SHOWN_MAX_MS);
    page.on('pageerror', (error) => assert.fail(error.message));
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/.test(message.text())) assert.fail(message.text());
    });
    page.on('request', (request) => assert.equal(new URL(request.url()).origin, new URL(central.url).origin));
    await page.goto(`${central.url}/?lang=en${hash}`);
    await page.getByRole('button', { name: 'Use the operator token' }).click();
    await page.locator('input[name=token]').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.locator('.fleet[data-ready]').waitFor();
    return page;
  }

  test('lists the late boats first, finds one by its name, and tells its gaps by number', async () => {
    const page = await openFleet();
    await page.locator('.statement h2', { hasText: '4 boats are late' }).waitFor();
    const names = await page.locator('.boats tbody b').allTextContents();
    assert.deepEqual(names.slice(0, 4), ['Storm Petrel', 'Nordlys', 'Tern', 'Brisa Nova']);
    await page.getByRole('searchbox').fill('petrel');
    await page.locator('.boats tbody tr').nth(1).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Storm Petrel' }).first().click();
    await page.locator('.statement h2', { hasText: 'Late: silent for 11 days' }).waitFor();
    await page.locator('.gaps li', { hasText: '5 of 9 parts are here' }).waitFor();
    assert.deepEqual(await page.locator('.gaps b').allTextContents(), ['41', '38', '35']);
    await page.close();
  });

  test('refuses a wrong token, and keeps nothing of the fleet after the logout', async () => {
    const page = await openFleet();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.locator('input[name=password]').waitFor();
    assert.ok(!(await page.content()).includes('Storm Petrel'));
    await page.getByRole('button', { name: 'Use the operator token' }).click();
    await page.locator('input[name=token]').fill('not the token');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'This token is not right' }).waitFor();
    await page.close();
  });

  test('fits every screen', async () => {
    for (const size of SCREENS)
      for (const hash of ['', `#/boat/${SAMPLE_BOATS[0]?.id ?? ''}`]) {
        const page = await openFleet(hash, size);
        const width = await page.evaluate('document.documentElement.scrollWidth');
        assert.ok(Number(width) <= size.width, `${hash} at ${size.width}: ${String(width)}`);
        await page.close();
      }
  });

  test('moves the map with the keyboard', async () => {
    const page = await openFleet();
    const land = page.locator('.map__land .land');
    const at = await land.getAttribute('d');
    await page.locator('.map').focus();
    await page.keyboard.press('ArrowRight');
    assert.notEqual(await land.getAttribute('d'), at);
    await page.close();
  });

  test('shows markup from a boat as text, in every field that a boat can fill', async () => {
    const id = SAMPLE_BOATS[1]?.id ?? '';
    await central.store.query(
      `update installations set boat_name = $2, boat_name_key = lower($2), software_version = $2, last_export_timestamp = $2, refusal = $2,
         refused_at = last_heard_at where installation_id = $1`,
      [id, MARKUP],
    );
    await central.store.query(
      `update records_boatlog set entry_type = $2, record = jsonb_build_object('content', $2::text) where installation_id = $1`,
      [id, MARKUP],
    );
    await central.store.query(
      `update records_system_alerts set status = $2, severity = $2, record = jsonb_build_object('message', $2::text)
       where installation_id = $1`,
      [id, MARKUP],
    );
    await central.store.query(
      `insert into rejected_records (installation_id, import_id, ordinal, category, record_id, reason, record, received_at)
       values ($1, 'import_x', 0, $2, $2, $2, $2, now())`,
      [id, MARKUP],
    );
    await central.store.query('update installations set rejected = 1 where installation_id = $1', [id]);
    await central.store.query('update ledgers set diverged_at = now() where installation_id = $1', [id]);
    for (const hash of ['', `#/boat/${id}`]) {
      const page = await openFleet(hash);
      await page.locator('main', { hasText: '<b>bold</b>' }).waitFor();
      assert.equal(await page.locator('#app img').count(), 0);
      if (hash !== '') {
        for (const place of ['.log', '.facts', '.statement', 'h1'])
          await page.locator(place, { hasText: '<b>bold</b>' }).first().waitFor();
        assert.ok((await page.title()).includes('<b>bold</b>'));
      }
      await page.close();
    }
  });
});
