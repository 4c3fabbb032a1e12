import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { AXE_SOURCE, findViolations } from './support/axe.ts';
import { closeCentrals, openSeat, startCentrals } from './support/fleet-in-browser.ts';
import { until } from './support/until.ts';
import { bySeat, type Centrals, FLEET_STATES } from './support/fleet-states.ts';
import { findChromium, NO_BROWSER, startBrowser } from '../packages/pages/src/boat/testing/browser.ts';
import { SAMPLE_BOATS } from '../packages/pages/src/fleet/testing/sample-boats.ts';
import { SAMPLE_NOW } from '../packages/pages/src/fleet/testing/sample-fleet.ts';

const chromium = findChromium();
const THEMES = ['day', 'night', 'watch'] as const;
/** One language for each writing direction. */
const DIRECTIONS = ['en', 'ar'] as const;
/** A zoom of 200 % halves the CSS pixels of a desktop. */
const ZOOMED = { width: 640, height: 400 };
const STORM_PETREL = `#/boat/${SAMPLE_BOATS[0]?.id ?? ''}`;
/** Maximum number of Tab presses to reach a control. */
const TABS_MAX = 80;

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

/**
 * Resolves once the expression is true on the page. The page's policy does not allow Playwright to evaluate a string repeatedly.
 */
const untilTrue = (page: Page, expression: string): Promise<void> =>
  until(expression, () => page.evaluate<boolean>(expression));

/** The name of the focused element, as a person reads it. */
function readFocus(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => {
    const element = document.activeElement;
    if (element === document.body) return '';
    if (element.matches('main')) return 'main';
    return (element.getAttribute('aria-label') ?? element.closest('label')?.textContent ?? element.textContent).trim();
  })()`);
}

/** Presses Tab until a control has the focus. Every focus along the way must be visible. */
async function tabTo(page: Page, name: string): Promise<void> {
  const seen: string[] = [];
  for (let count = 0; count < TABS_MAX; count += 1) {
    await page.keyboard.press('Tab');
    const found = await readFocus(page);
    const outline = await page.evaluate<string>(`(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement.closest('label.field') ?? document.activeElement);
      return outlineStyle + outlineWidth;
    })()`);
    if (found !== '') assert.equal(outline, 'solid4px', found);
    if (found === name) return;
    seen.push(found);
  }
  assert.fail(`Tab does not reach "${name}": ${seen.join(', ')}`);
}

describe('accessibility of the fleet page', { skip: chromium === undefined && NO_BROWSER }, () => {
  test('axe finds no violation in any state, theme and direction', async () => {
    const faults: string[] = [];
    let count = 0;
    for (const theme of THEMES)
      for (const [seat, states] of bySeat()) {
        // The page's policy forbids the axe script.
        const { page, load, show, close } = await openSeat(browser, centrals, seat, {
          theme,
          bypassCSP: true,
        });
        for (const language of DIRECTIONS) {
          await load(language);
          for (const state of states) {
            await show(state);
            // A state may have reloaded the page.
            if (!(await page.evaluate(`'axe' in window`))) await page.evaluate(AXE_SOURCE);
            const found = await findViolations(page);
            faults.push(...found.map((fault) => `${theme} ${language} ${state.name}: ${fault}`));
            count += 1;
          }
        }
        await close();
      }
    console.log(
      `${count} pages checked by axe (${THEMES.length} themes × ${DIRECTIONS.length} directions × ${FLEET_STATES.length} states), ${faults.length} violations`,
    );
    assert.deepEqual(faults, []);
  });

  test('at 200 % zoom, everything can be read without horizontal scrolling', async () => {
    let count = 0;
    for (const [seat, states] of bySeat()) {
      const { page, load, show, close } = await openSeat(browser, centrals, seat, { viewport: ZOOMED });
      await load('de');
      for (const state of states) {
        await show(state);
        const width = await page.evaluate<number>('document.documentElement.scrollWidth');
        assert.ok(width <= ZOOMED.width, `${state.name}: ${width} px`);
        const dialog = page.locator('dialog[open]');
        if ((await dialog.count()) > 0)
          assert.ok(await dialog.evaluate((one) => one.scrollWidth <= one.clientWidth), state.name);
        count += 1;
      }
      await close();
    }
    console.log(`${count} states at 200 % zoom`);
  });

  test('with forced colours, bars, exports, marks and controls stand out from the page', async () => {
    const { page, load, show, close } = await openSeat(browser, centrals, 'admin', {
      forcedColors: 'active',
    });
    await load('en');
    const findHidden = (selectors: readonly string[]): Promise<readonly string[]> =>
      page.evaluate(`${JSON.stringify(selectors)}.filter((selector) => {
        const paper = getComputedStyle(document.body).backgroundColor;
        const style = getComputedStyle(document.querySelector(selector));
        const edge = style.borderTopStyle !== 'none' && style.borderTopWidth !== '0px' ? style.borderTopColor : paper;
        const ink = document.querySelector(selector).matches('svg') ? style.stroke : paper;
        return [style.backgroundColor, edge, ink].every((colour) => colour === paper || colour === 'rgba(0, 0, 0, 0)');
      })`);
    assert.deepEqual(
      await findHidden([
        '.bars i',
        '.bars .is-now',
        '.filters .act',
        '.boats .mark svg',
        '.map__mark svg',
        '.map',
      ]),
      [],
    );
    const boat = FLEET_STATES.find(({ name }) => name === 'Storm Petrel');
    assert.ok(boat !== undefined);
    await show(boat);
    assert.deepEqual(
      await findHidden([
        '.timeline i:not(.is-none)',
        '.numbers > div:not([class*=is-])',
        '.numbers .is-missing',
        '.numbers .is-part',
        '.numbers .is-withdrawn',
        '.held i',
        '.access .act',
      ]),
      [],
    );
    await close();
  });

  test('nothing moves if the operator prefers reduced motion', async () => {
    for (const [seat, states] of bySeat(FLEET_STATES.filter(({ enter }) => enter === undefined))) {
      const { page, load, show, close } = await openSeat(browser, centrals, seat, {
        reducedMotion: 'reduce',
      });
      await load('en');
      for (const state of states) {
        await show(state);
        assert.equal(await page.evaluate('document.getAnimations().length'), 0, state.name);
      }
      const moving = await page.evaluate<readonly string[]>(`[...document.querySelectorAll('*')]
        .filter((one) => getComputedStyle(one).transitionDuration !== '0s').map((one) => one.className)`);
      assert.deepEqual(moving, []);
      await close();
    }
  });

  test('with the keyboard alone, a boat is opened, its erasure is cancelled, and the list is reached again', async () => {
    const { page, load, close } = await openSeat(browser, centrals, 'admin');
    await load('en');
    await tabTo(page, 'Late4');
    await page.keyboard.press('Enter');
    await page.locator('.boats tbody tr').nth(4).waitFor({ state: 'detached' });
    // A filter keeps the focus, so that the next one is a key press away.
    assert.equal(await readFocus(page), 'Late4');
    await tabTo(page, 'Storm Petrel');
    await page.keyboard.press('Enter');
    await page.locator('.gaps li').first().waitFor();
    await untilTrue(page, `document.activeElement.matches('main')`);
    await tabTo(page, 'Erase everything');
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    // The focus is inside the dialog and cannot leave it.
    for (let count = 0; count < 6; count += 1) {
      assert.ok(await page.evaluate(`document.activeElement.matches('dialog *, body')`));
      await page.keyboard.press('Tab');
    }
    await tabTo(page, 'Cancel');
    await page.keyboard.press('Enter');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await untilTrue(page, `document.activeElement.textContent === 'Erase everything'`);
    // Escape returns the focus too.
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await untilTrue(page, `document.activeElement.textContent === 'Erase everything'`);
    await page.locator('.top a.act').focus();
    await page.keyboard.press('Enter');
    await page.locator('.boats tbody a').first().waitFor();
    await untilTrue(page, `document.activeElement.textContent === 'Storm Petrel'`);
    await close();
  });

  test('with the keyboard alone, the steps of a restore and the audit trail are read', async () => {
    const { page, load, close } = await openSeat(browser, centrals, 'admin');
    await load('en');
    await page.evaluate(`location.hash = '${STORM_PETREL}'`);
    await page.locator('.steps').waitFor();
    await untilTrue(page, `document.activeElement.matches('main')`);
    await tabTo(page, 'Issue an enrolment code');
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    await tabTo(page, 'Issue an enrolment code');
    await page.keyboard.press('Enter');
    await page.locator('.enrolment__code').waitFor();
    assert.ok(await page.evaluate(`document.activeElement.matches('dialog')`), 'the answer has the focus');
    await tabTo(page, 'Close');
    await page.keyboard.press('Enter');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await page.locator('.log li', { hasText: 'Enrolment code issued' }).first().waitFor();
    await untilTrue(page, `document.activeElement.textContent === 'Issue an enrolment code'`);
    await close();
  });

  test('with the keyboard alone, the map is moved and zoomed, and a group and a boat on it are opened', async () => {
    const { page, load, close } = await openSeat(browser, centrals, 'many');
    await load('en');
    const land = page.locator('.map__land .land');
    await page.locator('.map').focus();
    for (const key of ['ArrowRight', 'ArrowUp', '+', '-', 'ArrowDown', 'ArrowLeft']) {
      const drawn = await land.getAttribute('d');
      await page.keyboard.press(key);
      await untilTrue(
        page,
        `document.querySelector('.map__land .land').getAttribute('d') !== ${JSON.stringify(drawn)}`,
      );
    }
    const groups = page.locator('.map__group');
    await groups.first().waitFor();
    await page.keyboard.press('Tab');
    assert.match(await readFocus(page), /^\d+ boats here, \d+ late$/);
    const before = await land.getAttribute('d');
    await page.keyboard.press('Enter');
    await untilTrue(
      page,
      `document.querySelector('.map__land .land').getAttribute('d') !== ${JSON.stringify(before)}`,
    );
    await close();
    const sample = await openSeat(browser, centrals, 'admin');
    await sample.load('en');
    await sample.page.locator('.map').focus();
    await tabTo(sample.page, 'Storm Petrel, Late');
    await sample.page.keyboard.press('Enter');
    await sample.page.locator('.gaps li').first().waitFor();
    await untilTrue(sample.page, `document.activeElement.matches('main')`);
    await sample.close();
  });

  test('a live region announces a state once, and not again at every refresh', async () => {
    const { page, load, close } = await openSeat(browser, centrals, 'admin');
    await load('en');
    await page.evaluate(`
      window.readings = 0;
      for (const region of document.querySelectorAll('[aria-live], [role=status], [role=alert]'))
        new MutationObserver((changes) => { window.readings += changes.length; })
          .observe(region, { subtree: true, childList: true, characterData: true });
    `);
    for (const seconds of [15, 30, 45]) {
      centrals.sample.setNow(SAMPLE_NOW + seconds * 1_000);
      await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
      const [, minutes, rest] = new Date(SAMPLE_NOW + seconds * 1_000).toISOString().split(':');
      await page.locator('.live', { hasText: `${minutes}:${rest?.slice(0, 2)}` }).waitFor();
    }
    centrals.sample.setNow(SAMPLE_NOW);
    assert.equal(await page.evaluate('window.readings'), 0);
    await close();
  });
});
