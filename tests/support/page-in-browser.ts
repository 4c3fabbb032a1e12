import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { PLACES } from '../../packages/pages/src/boat/state.ts';
import { SCREENS } from '../../packages/pages/src/boat/testing/browser.ts';
import {
  NOW,
  type Scenario,
  type ScenarioName,
  SCENARIOS,
} from '../../packages/pages/src/boat/testing/scenarios.ts';
import type { StubBoat } from '../../packages/pages/src/boat/testing/stub-boat.ts';

/** Timeout for an element to appear. The machine may be busy running other tests. */
export const SHOWN_MAX_MS = 120_000;

export type Screen = (typeof SCREENS)[number];

/** Opens a page. Every script error and every violation of the content security policy fails the test. */
export async function openPage(browser: Browser, url: string, size: Screen = SCREENS[0]): Promise<Page> {
  const page = await browser.newPage({ viewport: size });
  page.setDefaultTimeout(SHOWN_MAX_MS);
  page.on('pageerror', (error) => assert.fail(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted/.test(message.text())) assert.fail(message.text());
  });
  await page.goto(url);
  return page;
}

/** A state of the page: a scenario, and the place that is open. */
export interface ShownState {
  readonly name: string;
  readonly scenario: Scenario;
  readonly place: (typeof PLACES)[number];
}

/** Number of rows in the displayed lists. The rows of a list are alike, and measuring a thousand takes seconds. */
const ROWS_SHOWN = 12;

function shorten(scenario: Scenario): Scenario {
  const { queue, history, files } = scenario;
  return {
    ...scenario,
    queue: { ...queue, pending: queue.pending.slice(0, ROWS_SHOWN) },
    history: { ...history, exports: history.exports.slice(0, ROWS_SHOWN) },
    files: { ...files, files: files.files.slice(0, ROWS_SHOWN) },
  };
}

/** Scenarios with long or varied lists. All of their places are states. */
const WITH_EVERY_PLACE: readonly string[] = ['crowded', 'failed_and_waiting', 'empty'];

/** Every state of the page: each scenario in the place `now`, and the scenarios in `WITH_EVERY_PLACE` in all places. */
export const STATES: readonly ShownState[] = Object.entries(SCENARIOS).flatMap(([name, long]) =>
  (WITH_EVERY_PLACE.includes(name) ? PLACES : (['now'] as const)).map((place) => ({
    name: `${name}/${place}`,
    scenario: shorten(long),
    place,
  })),
);

/** A sheet, dialog or answer on the page, and the control that opens it. */
export interface ShownSheet extends ShownState {
  readonly control: string;
}

const toSheet = (
  name: string,
  [scenario, place]: readonly [ScenarioName, ShownState['place']],
  control: string,
): ShownSheet => ({ name, scenario: shorten(SCENARIOS[scenario]), place, control });

/** Every sheet, dialog and answer. The stub boat refuses every action. */
export const SHEETS: readonly ShownSheet[] = [
  toSheet('display', ['safe', 'now'], '.rail .is-last:visible, .in-hand .act:visible'),
  toSheet('again', ['failed_and_waiting', 'now'], '.choices .act--quiet'),
  toSheet('refused', ['online_waits', 'now'], '.act--main'),
  toSheet('cancel', ['failed_and_waiting', 'waiting'], '.entry__acts .act'),
  toSheet('preview', ['failed_and_waiting', 'files'], '.place__body > .choices .act:nth-child(1)'),
  toSheet('clear', ['failed_and_waiting', 'files'], '.place__body > .choices .act:nth-child(4)'),
  toSheet('file', ['failed_and_waiting', 'files'], '.entry--file .entry__acts .act'),
  toSheet('enrol', ['blocked_token', 'now'], '.act--main'),
  toSheet('counted', ['crowded', 'history'], '.delivered summary'),
];

/** Shows a state and opens a sheet in it. */
export async function openSheet(
  page: Page,
  show: (state: ShownState) => Promise<void>,
  sheet: ShownSheet,
): Promise<void> {
  // Opening a place again closes the answer to an earlier action.
  await show({ ...sheet, place: 'now' });
  if (sheet.place !== 'now') await show(sheet);
  await page.locator(sheet.control).first().click();
  await page.locator('dialog[open], .banner[role=alert], .counted').first().waitFor();
}

/** Opens a sheet's content: the records of a category, or the answer to a code. Returns false if it has none. */
export async function openInside(page: Page): Promise<boolean> {
  const dialog = page.locator('dialog[open]');
  if ((await dialog.locator('.dialog__list').count()) > 0) {
    // The first category has no records, so open the second.
    await dialog.locator('summary').nth(1).click();
    return true;
  }
  if ((await dialog.locator('input').count()) === 0) return false;
  await dialog.locator('input').fill('7KQ2M-4XB9C');
  await page.keyboard.press('Enter');
  await dialog.locator('[role=alert]').waitFor();
  return true;
}

/** Shows the first screen of a boat with waiting exports whose export manager has ended. */
export async function showStale(
  boat: StubBoat,
  page: Page,
  show: (state: ShownState) => Promise<void>,
): Promise<void> {
  await show({ name: 'stale/now', scenario: SCENARIOS.offline, place: 'now' });
  boat.fallSilent();
  await page.locator('.boat[data-stale]').waitFor();
}

/** Closes the dialog, if there is one. */
export async function closeSheet(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
}

const MINUTE_MS = 60_000;

/**
 * Shows all states in a page that stays open, like a boat whose state changes. Loading the page for each state would take ten
 * times as long. Each state has its own minute, so that the page's clock shows when the state has been drawn.
 */
export function createStage(boat: StubBoat, page: Page) {
  let minute = 0;
  let isCollecting = false;
  return async ({ scenario, place }: ShownState): Promise<void> => {
    minute = (minute + 1) % 50;
    const time = `${new Date(Date.parse(NOW) + minute * MINUTE_MS).toISOString().slice(0, 19)}Z`;
    boat.show({ ...scenario, status: { ...scenario.status, time } });
    if (isCollecting) boat.send({ kind: 'collected' });
    // The page reads all facts when a place is opened. An unknown place is the first screen.
    await page.evaluate(
      (hash) => {
        location.hash = hash;
      },
      place === 'now' ? `#now-${minute}` : `#${place}`,
    );
    // 10:08 in UTC is 13:08 on the boat.
    await page.waitForFunction(
      ([minutes, isNow]) =>
        document.querySelector('.clock')?.textContent?.endsWith(minutes) === true &&
        (document.querySelector('.now, .tier0') !== null) === isNow,
      [String(8 + minute).padStart(2, '0'), place === 'now'] as const,
    );
    boat.send({ kind: 'heartbeat', time });
    for (const event of scenario.events) boat.send(event);
    if (scenario.events.length > 0) await page.locator('.act__fill').waitFor();
    isCollecting = scenario.events.some(({ kind }) => kind === 'collecting');
  };
}

/** The browser types that the stage uses, because the tests are compiled only with Node's types. */
declare const document: {
  querySelector(selector: string): { readonly textContent: string | null } | null;
};
declare const location: { hash: string };
