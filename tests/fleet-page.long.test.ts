import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { parseEnrolmentCode, toSpokenCode } from '@d3kos/protocol';
import type { Browser, Page } from 'playwright-core';
import { toTokenId } from '../packages/central/src/installations/policy.ts';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { addOperator, PASSWORD } from '../packages/central/src/testing/operator-under-test.ts';
import { SAMPLE_BOATS } from '../packages/pages/src/fleet/testing/sample-boats.ts';
import { type SampleCentral, startSampleCentral } from '../packages/pages/src/fleet/testing/sample-fleet.ts';

const chromium = findChromium();
const TOKEN = 'operator-token-of-the-tests';
const MARKUP = '<img src=x onerror="document.title=1"><b>bold</b>';
/** Timeout for waiting until text appears. The machine may be busy running other tests. */
const SHOWN_MAX_MS = 120_000;

describe('the fleet page of a real central', { skip: chromium === undefined ? NO_BROWSER : false }, () => {
  let browser: Browser;
  let central: SampleCentral;
  before(async () => {
    if (chromium === undefined) return;
    browser = await startBrowser(chromium);
    central = await startSampleCentral(TOKEN);
    await addOperator(central.store, 'skipper', 'admin');
    await addOperator(central.store, 'watcher', 'viewer');
  });
  after(async () => {
    await browser.close();
    await central.close();
  });

  /** Opens the page. Every script error and every violation of the content security policy fails the test. */
  async function openLogin(hash: string, size: (typeof SCREENS)[number] = SCREENS[0]): Promise<Page> {
    const page = await browser.newPage({ viewport: size });
    page.setDefaultTimeout(SHOWN_MAX_MS);
    page.on('pageerror', (error) => assert.fail(error.message));
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted/.test(message.text())) assert.fail(message.text());
    });
    page.on('request', (request) => assert.equal(new URL(request.url()).origin, new URL(central.url).origin));
    await page.goto(`${central.url}/?lang=en${hash}`);
    return page;
  }

  /** Opens the page and logs in with the operator token. */
  async function openFleet(hash = '', size: (typeof SCREENS)[number] = SCREENS[0]): Promise<Page> {
    const page = await openLogin(hash, size);
    await page.getByRole('button', { name: 'Use the operator token' }).click();
    await page.locator('input[name=token]').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.locator('.fleet[data-ready]').waitFor();
    return page;
  }

  /** Opens the page in a separate browser context, and logs in with an account. */
  async function openAs(name: string, hash: string, password = PASSWORD): Promise<Page> {
    const page = await openLogin(hash);
    await page.locator('input[name=name]').fill(name);
    await page.locator('input[name=password]').fill(password);
    await page.keyboard.press('Enter');
    await page.locator('.fleet[data-ready]').waitFor();
    return page;
  }
  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
  const inDialog = (page: Page, name: string) =>
    page.locator('dialog').getByRole('button', { name, exact: true });

  test('lists the late boats first, finds a boat by its name, and shows its missing exports by number', async () => {
    const page = await openFleet();
    await page.locator('.statement h2', { hasText: '4 boats are late' }).waitFor();
    const names = await page.locator('.boats tbody b').allTextContents();
    assert.deepEqual(names.slice(0, 4), ['Storm Petrel', 'Nordlys', 'Tern', 'Brisa Nova']);
    const field = page.getByRole('searchbox');
    await field.fill('petrel ');
    await page.locator('.boats tbody tr').nth(1).waitFor({ state: 'detached' });
    assert.equal(await field.inputValue(), 'petrel ');
    await page.getByRole('link', { name: 'Storm Petrel' }).first().click();
    await page.locator('.statement h2', { hasText: 'Late: silent for 11 days' }).waitFor();
    await page.locator('.gaps li', { hasText: '5 of 9 parts have arrived' }).waitFor();
    assert.deepEqual(await page.locator('.gaps b').allTextContents(), ['41', '38', '35']);
    assert.equal(await field.inputValue(), '');
    await page.goBack();
    await page.locator('.boats tbody tr').waitFor();
    assert.equal(await field.inputValue(), 'petrel');
    await page.close();
  });

  test('empties the search field when all boats are shown, and does not disturb an input method', async () => {
    const page = await openFleet();
    const field = page.getByRole('searchbox');
    await field.fill('zzz');
    await press(page, 'Show all boats');
    await page.locator('.boats tbody tr').nth(1).waitFor();
    assert.equal(await field.inputValue(), '');
    // A search does not end the composition: the second text replaces the first.
    const keyboard = await page.context().newCDPSession(page);
    await field.focus();
    for (const text of ['す', 'すし']) {
      await keyboard.send('Input.imeSetComposition', { text, selectionStart: 0, selectionEnd: 0 });
      await page.locator('.empty', { hasText: `“${text}”` }).waitFor();
      assert.equal(await field.inputValue(), text);
    }
    await page.close();
  });

  test('refuses a wrong token, and keeps no fleet data after the logout', async () => {
    const page = await openFleet();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.locator('input[name=password]').waitFor();
    assert.ok(!(await page.content()).includes('Storm Petrel'));
    await page.getByRole('button', { name: 'Use the operator token' }).click();
    await page.locator('input[name=token]').fill('not the token');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'This token is wrong' }).waitFor();
    await page.close();
  });

  test('fits every screen', async () => {
    for (const size of SCREENS)
      for (const hash of ['', `#/boat/${SAMPLE_BOATS[0]?.id ?? ''}`, '#/accounts']) {
        const page = await openFleet(hash, size);
        const width = await page.evaluate('document.documentElement.scrollWidth');
        assert.ok(Number(width) <= size.width, `${hash} at ${size.width}: ${String(width)}`);
        await page.close();
      }
  });

  test('an admin issues a token, which is shown once, and revokes it after typing the ID', async () => {
    const id = SAMPLE_BOATS[2]?.id ?? '';
    const page = await openAs('skipper', `#/boat/${id}`);
    await page.locator('.who', { hasText: 'skipper · administrator' }).waitFor();
    assert.equal(await page.locator('.access .rows li').count(), 1);
    await press(page, 'Issue a token');
    await page.locator('dialog', { hasText: 'A new device token is shown once' }).waitFor();
    await inDialog(page, 'Issue a token').click();
    const token = (await page.locator('dialog .secret').textContent()) ?? '';
    const tokenId = toTokenId(createHash('sha256').update(token).digest('hex'));
    await inDialog(page, 'Close').click();
    const row = page.locator('.access .rows li', { hasText: tokenId });
    await row.getByText('never used').waitFor();
    assert.ok(!(await page.content()).includes(token));

    await row.getByRole('button', { name: 'Revoke' }).click();
    const revoke = inDialog(page, 'Revoke the token');
    await page.locator('input[name=confirmation]').fill(`${id.slice(1)}0`);
    assert.equal(await revoke.getAttribute('aria-disabled'), 'true');
    await page.locator('input[name=confirmation]').press('Enter');
    assert.equal((await findToken(tokenId))?.['revoked_at'], null);
    await page.locator('input[name=confirmation]').fill(id);
    await revoke.click();
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.locator('.ended summary', { hasText: '1 token that has ended' }).waitFor();
    assert.notEqual((await findToken(tokenId))?.['revoked_at'], null);
    await page
      .locator('.log li', { hasText: `Token revoked ${tokenId}` })
      .getByText('by skipper')
      .waitFor();
    await page.close();
  });

  test('an admin downloads everything that central holds about a boat', async () => {
    const id = SAMPLE_BOATS[4]?.id ?? '';
    const page = await openAs('skipper', `#/boat/${id}`);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'For spreadsheets (CSV)' }).click(),
    ]);
    assert.match(download.suggestedFilename(), new RegExp(`^d3kos-${id}-.*\\.zip$`));
    assert.equal(await download.failure(), null);
    const file = readFileSync(await download.path());
    for (const name of ['boatlog.csv', 'telemetry.csv', 'manifest.json'])
      assert.ok(file.includes(name), name);
    await page.reload();
    await page.locator('.log li', { hasText: 'Copy of all data downloaded csv' }).waitFor();
    await page.close();
  });

  async function findToken(tokenId: string) {
    const [row] = await central.store.query(
      'select revoked_at from device_tokens where left(token_sha256, 12) = $1',
      [tokenId],
    );
    return row;
  }

  test('an admin issues an enrolment code, and disables and enables it', async () => {
    const id = SAMPLE_BOATS[2]?.id ?? '';
    const page = await openAs('skipper', `#/boat/${id}`);
    await press(page, 'Issue an enrolment code');
    await inDialog(page, 'Issue an enrolment code').click();
    const spoken = (await page.locator('.enrolment__code').textContent()) ?? '';
    const code = parseEnrolmentCode(spoken);
    assert.ok(code !== undefined && spoken === toSpokenCode(code), spoken);
    await page.locator('dialog .qr').waitFor();
    const [held] = await central.store.query(
      'select installation_id from enrolment_codes where code_sha256 = $1',
      [createHash('sha256').update(code).digest('hex')],
    );
    assert.equal(held?.['installation_id'], id);
    await page.keyboard.press('Escape');
    await press(page, 'Disable the boat');
    await page.locator('input[name=confirmation]').fill(id);
    await inDialog(page, 'Disable the boat').click();
    await page.locator('.statement h2', { hasText: 'Disabled by the operator' }).waitFor();
    await press(page, 'Enable the boat');
    await inDialog(page, 'Enable the boat').click();
    await page.locator('.statement h2', { hasText: 'Late' }).waitFor();
    await page.close();
  });

  test('an admin adds a boat to the fleet and erases it again', async () => {
    const id = 'abcdefabcdef0123';
    const page = await openAs('skipper', '');
    await press(page, 'Enrol a boat');
    await page.locator('input[name=installationId]').fill('abc');
    await inDialog(page, 'Enrol a boat').click();
    await page.getByRole('alert').filter({ hasText: 'Central does not accept these values' }).waitFor();
    await page.locator('input[name=installationId]').fill(id);
    await inDialog(page, 'Enrol a boat').click();
    await page.locator('.enrolment__code').waitFor();
    await inDialog(page, 'Close').click();
    await page.locator('.statement h2', { hasText: 'Never heard' }).waitFor();
    await press(page, 'Erase everything');
    await page.locator('input[name=confirmation]').fill(id);
    await inDialog(page, 'Erase everything').click();
    await page.locator('.boats tbody a').first().waitFor();
    const [left] = await central.store.query(
      'select count(*)::int as n from installations where installation_id = $1',
      [id],
    );
    assert.equal(left?.['n'], 0);
    await page.close();
  });

  test('an admin adds an account, which sees no controls, changes its password and is removed', async () => {
    const page = await openAs('skipper', '#/accounts');
    await press(page, 'Add an account');
    await page.locator('input[name=name]').fill('crew');
    await page.locator('input[name=password]').fill('short');
    await inDialog(page, 'Add an account').click();
    await page.getByRole('alert').filter({ hasText: 'at least 12 characters' }).waitFor();
    await page.locator('input[name=password]').fill(PASSWORD);
    await inDialog(page, 'Add an account').click();
    await page.locator('.rows li', { hasText: 'crew' }).waitFor();

    const crew = await openAs('crew', `#/boat/${SAMPLE_BOATS[0]?.id ?? ''}`);
    for (const gone of [
      '.access',
      '.downloads',
      'text=Audit trail',
      'button:has-text("Issue an enrolment code")',
    ])
      assert.equal(await crew.locator(gone).count(), 0, gone);
    await crew.locator('.who').click();
    await press(crew, 'Change my password');
    await crew.locator('input[name=presentPassword]').fill('not the password');
    await crew.locator('input[name=password]').fill(`${PASSWORD}, again`);
    await inDialog(crew, 'Change my password').click();
    await crew.getByRole('alert').filter({ hasText: 'The current password is wrong' }).waitFor();
    await crew.locator('input[name=presentPassword]').fill(PASSWORD);
    await inDialog(crew, 'Change my password').click();
    await crew.locator('dialog').waitFor({ state: 'detached' });
    assert.equal(await crew.getByRole('button', { name: 'Add an account' }).count(), 0);
    await press(crew, 'Log out');
    await crew.locator('input[name=password]').waitFor();
    await crew.close();
    const back = await openAs('crew', '', `${PASSWORD}, again`);
    assert.equal(await back.getByRole('button', { name: 'Enrol a boat' }).count(), 0);

    await page.getByRole('button', { name: 'Remove the account: crew' }).click();
    await page.locator('input[name=confirmation]').fill('crew');
    await inDialog(page, 'Remove the account').click();
    await page.locator('.rows li', { hasText: 'crew' }).waitFor({ state: 'detached' });
    // The session has ended together with the account.
    await back.goto(`${central.url}/?lang=en#/accounts`);
    await back.reload();
    await back.locator('input[name=password]').waitFor();
    await back.close();
    await page.close();
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

  const refresh = (page: Page) => page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);

  test('reports that a boat is not enrolled, and is then ready', async () => {
    const page = await openFleet('#/boat/0123456789abcdef');
    await page.locator('.statement h2', { hasText: 'This boat is not enrolled' }).waitFor();
    // Central answers some other requests about an unknown boat with empty lists.
    for (let round = 0; round < 3; round += 1) {
      const last = page.waitForResponse(/0123456789abcdef\/alerts/);
      await refresh(page);
      await last;
      await page.locator('.fleet[data-ready]').waitFor();
      await page.locator('.statement h2', { hasText: 'This boat is not enrolled' }).waitFor();
    }
    assert.equal(await page.locator('.banner').count(), 0);
    await page.close();
  });

  test('reports that a boat is not enrolled after another operator erased it', async () => {
    const id = 'abcdefabcdef0124';
    const page = await openAs('skipper', '');
    await press(page, 'Enrol a boat');
    await page.locator('input[name=installationId]').fill(id);
    await inDialog(page, 'Enrol a boat').click();
    await page.locator('.enrolment__code').waitFor();
    await inDialog(page, 'Close').click();
    const other = await openFleet(`#/boat/${id}`);
    await press(page, 'Erase everything');
    await page.locator('input[name=confirmation]').fill(id);
    await inDialog(page, 'Erase everything').click();
    await page.locator('.boats tbody a').first().waitFor();
    await refresh(other);
    await other.locator('.statement h2', { hasText: 'This boat is not enrolled' }).waitFor();
    await other.close();
    await page.close();
  });

  test('reports an unanswered request until central answers it, whatever else central answers', async () => {
    const page = await openFleet();
    await page.route('**/api/v1/fleet/positions?*', (route) => route.abort());
    for (let round = 0; round < 3; round += 1) {
      const answered = page.waitForResponse(/fleet\/installations\?/);
      const failed = page.waitForEvent('requestfailed');
      await refresh(page);
      await Promise.all([answered, failed]);
      await page.locator('.banner', { hasText: 'Central does not answer' }).waitFor();
    }
    await page.unrouteAll();
    await refresh(page);
    await page.locator('.banner').waitFor({ state: 'detached' });
    await page.close();
  });

  test('reports that the texts of the chosen language are missing, and shows them once they arrive', async () => {
    const page = await openFleet();
    await page.route('**/page/texts/fi', (route) => route.abort());
    await press(page, 'Display');
    await inDialog(page, 'Suomi').click();
    await page.locator('.banner', { hasText: 'Suomi could not be loaded' }).waitFor();
    await page.unrouteAll();
    // The page tries again when it refreshes, at most every 10 seconds.
    await page.locator('.banner').waitFor({ state: 'detached' });
    await page.locator('html[lang=fi]').waitFor();
    await page.close();
  });

  test('displays markup from a boat as text, in every field that a boat can fill', async () => {
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
