import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { PLACES } from '../../packages/pages/src/boat/state.ts';
import { SCREENS } from '../../packages/pages/src/boat/testing/browser.ts';
import { NOW, type Scenario, SCENARIOS } from '../../packages/pages/src/boat/testing/scenarios.ts';
import type { StubBoat } from '../../packages/pages/src/boat/testing/stub-boat.ts';

/** Timeout for something to appear. The machine may be busy running other tests. */
export const SHOWN_MAX_MS = 120_000;

export type Screen = (typeof SCREENS)[number];

/** Opens a page that fails the test for every error of a script and every violation of the policy. */
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

/** Number of rows in the lists that are shown. The rows of a list are alike, and measuring a thousand takes seconds. */
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

/** Scenarios whose lists are long or of every kind. All of their places are states. */
const WITH_EVERY_PLACE: readonly string[] = ['crowded', 'failed_and_waiting', 'empty'];

/** Every state of the page: each scenario on the first screen, and the other places where they differ. */
export const STATES: readonly ShownState[] = Object.entries(SCENARIOS).flatMap(([name, long]) =>
  (WITH_EVERY_PLACE.includes(name) ? PLACES : (['now'] as const)).map((place) => ({
    name: `${name}/${place}`,
    scenario: shorten(long),
    place,
  })),
);

const MINUTE_MS = 60_000;

/**
 * Shows one state after another in a page that stays open, as a boat whose state changes. This takes a tenth of
 * the time that loading the page for each state takes. Each state has its own minute, so that the page's clock
 * shows when the state has been drawn.
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

/** The browser types that the stage uses. The tests have the types of Node and not those of a browser. */
declare const document: {
  querySelector(selector: string): { readonly textContent: string | null } | null;
};
declare const location: { hash: string };
