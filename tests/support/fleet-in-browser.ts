import assert from 'node:assert/strict';
import type { Browser, BrowserContextOptions, Page, ViewportSize } from 'playwright-core';
import { type Centrals, type FleetState, type Seat, SEATS, type Shown } from './fleet-states.ts';
import { SHOWN_MAX_MS } from './page-in-browser.ts';
import { addOperator, PASSWORD } from '../../packages/central/src/testing/operator-under-test.ts';
import { insertBoats } from '../../packages/central/src/testing/many-boats.ts';
import { SCREENS } from '../../packages/pages/src/boat/testing/browser.ts';
import { SAMPLE_NOW, startSampleCentral } from '../../packages/pages/src/fleet/testing/sample-fleet.ts';

/** The operator token of every central on the stage. */
export const FLEET_TOKEN = 'operator-token-of-the-tests';
/** Boats of the large fleet: enough for groups on the map and for several pages of the list. */
const MANY_BOATS = 600;
const DAY_MS = 86_400_000;

/** Starts the centrals. Each has an administrator and two viewers. */
export async function startCentrals(): Promise<Centrals> {
  const [sample, empty, many] = await Promise.all([
    startSampleCentral(FLEET_TOKEN),
    startSampleCentral(FLEET_TOKEN, []),
    startSampleCentral(FLEET_TOKEN, []),
  ]);
  await insertBoats(many.store, MANY_BOATS, new Date(SAMPLE_NOW).toISOString());
  for (const { store } of [sample, empty, many]) {
    await addOperator(store, 'skipper', 'admin', SAMPLE_NOW - 40 * DAY_MS);
    await addOperator(store, 'watcher', 'viewer', SAMPLE_NOW - 30 * DAY_MS);
    await addOperator(store, 'harbour-office-of-lagos', 'viewer', SAMPLE_NOW - 20 * DAY_MS);
  }
  return { sample, empty, many };
}

export async function closeCentrals(centrals: Centrals): Promise<void> {
  await Promise.all(Object.values(centrals).map((central) => central.close()));
}

/** An open page of a seat. */
export interface OpenSeat {
  readonly page: Page;
  /** Loads the page in a language, and logs in if needed. */
  load(language: string): Promise<void>;
  /** Shows a state at the first screen size, after leaving the previous state. */
  show(state: FleetState): Promise<void>;
  /** Shows the same state at another size. */
  resize(size: ViewportSize): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a page for a seat, in a context of its own because cookies do not distinguish ports. Every script error and every
 * violation of the content security policy fails the test.
 */
export async function openSeat(
  browser: Browser,
  centrals: Centrals,
  seat: Seat,
  { theme = 'day', ...options }: BrowserContextOptions & { readonly theme?: string } = {},
): Promise<OpenSeat> {
  const { central: name, login } = SEATS[seat];
  const central = centrals[name];
  // Without animation, nothing depends on the moment at which a state is measured.
  const context = await browser.newContext({ viewport: SCREENS[0], reducedMotion: 'reduce', ...options });
  await context.addInitScript(`localStorage.setItem('d3kos-export-look', '${theme}')`);
  const page = await context.newPage();
  page.setDefaultTimeout(SHOWN_MAX_MS);
  page.on('pageerror', (error) => assert.fail(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted/.test(message.text())) assert.fail(message.text());
  });
  await page.clock.setFixedTime(SAMPLE_NOW);
  let leave: (() => Promise<void>) | undefined;
  let at: string | undefined;
  const scroll = (): Promise<void> =>
    page.evaluate(`document.querySelector(${JSON.stringify(at ?? 'html')}).scrollIntoView()`);
  return {
    page,
    load: async (language) => {
      await leave?.();
      leave = undefined;
      await page.goto(`${central.url}/?lang=${language}`);
      await page.locator('.login form .act--main:not([aria-disabled=true]), .fleet').first().waitFor();
      if (login !== undefined && (await page.locator('.login').count()) > 0) await logIn(page, login);
    },
    show: async (state) => {
      await leave?.();
      leave = undefined;
      await showState({ page, central }, state, options.viewport ?? SCREENS[0]);
      at = state.at;
      await scroll();
      const { leave: next } = state;
      if (next !== undefined) leave = () => next({ page, central });
    },
    resize: async (size) => {
      await page.setViewportSize(size);
      await scroll();
    },
    close: () => context.close(),
  };
}

async function logIn(page: Page, login: string): Promise<void> {
  if (login === 'token') {
    await page.locator('.login .act--quiet').click();
    await page.locator('input[name=token]').fill(FLEET_TOKEN);
  } else {
    await page.locator('input[name=name]').fill(login);
    await page.locator('input[name=password]').fill(PASSWORD);
  }
  await page.keyboard.press('Enter');
  await page.locator('.fleet[data-ready]').waitFor();
}

async function showState(shown: Shown, { hash, enter, seat }: FleetState, size: ViewportSize): Promise<void> {
  const { page } = shown;
  await page.setViewportSize(size);
  while ((await page.locator('dialog[open]').count()) > 0) {
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
  }
  // The page has drawn the new view before this resolves, because its own listener runs first.
  await page.evaluate(`new Promise((resolve) => {
    scrollTo(0, 0);
    if (location.hash === ${JSON.stringify(hash)}) return resolve();
    addEventListener('hashchange', () => setTimeout(resolve), { once: true });
    location.hash = ${JSON.stringify(hash)};
  })`);
  if (seat !== 'door') await page.locator('.fleet[data-ready]').waitFor();
  await enter?.(shown);
  await page.evaluate(
    `document.activeElement.matches('dialog *') ? undefined : document.activeElement.blur()`,
  );
}
