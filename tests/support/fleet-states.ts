import type { Page } from 'playwright-core';
import { SAMPLE_BOATS } from '../../packages/pages/src/fleet/testing/sample-boats.ts';
import { SAMPLE_NOW, type SampleCentral } from '../../packages/pages/src/fleet/testing/sample-fleet.ts';

/** The centrals that serve the states: one with a boat in every state, one without boats, and one with many. */
export type Centrals = Readonly<Record<'sample' | 'empty' | 'many', SampleCentral>>;

/** Which operator views which central. A seat has one browser page, which shows its states one after another. */
export const SEATS = {
  admin: { central: 'sample', login: 'skipper' },
  viewer: { central: 'sample', login: 'watcher' },
  token: { central: 'sample', login: 'token' },
  door: { central: 'sample', login: undefined },
  empty: { central: 'empty', login: 'skipper' },
  many: { central: 'many', login: 'skipper' },
} as const satisfies Readonly<
  Record<string, { readonly central: keyof Centrals; readonly login: string | undefined }>
>;
export type Seat = keyof typeof SEATS;

/** A page that shows a state, and its central. */
export interface Shown {
  readonly page: Page;
  readonly central: SampleCentral;
}

/** A state of the Fleet page: its address, and the steps that lead to it. */
export interface FleetState {
  readonly name: string;
  readonly seat: Seat;
  readonly hash: string;
  /** Selects the part of the page to scroll to. By default, the page is shown from its start. */
  readonly at?: string;
  /** The steps that lead from the address to the state. */
  readonly enter?: (shown: Shown) => Promise<void>;
  /** Prepares the page for the next state. Open dialogs are closed in any case. */
  readonly leave?: (shown: Shown) => Promise<void>;
}

/** Reads all facts again, as the page does every 15 s. */
async function refresh(page: Page): Promise<void> {
  await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
}

/** Presses a control, and waits for the dialog that it opens. */
function press(control: string): NonNullable<FleetState['enter']> {
  return async ({ page }) => {
    await page.locator(control).first().click();
    await page.locator('dialog[open]').waitFor();
  };
}

/** Opens a dialog, fills its fields, makes the change, and waits for a part of the answer. */
function change(
  control: string,
  answer: string,
  fields: Readonly<Record<string, string>> = {},
): NonNullable<FleetState['enter']> {
  return async (shown) => {
    await press(control)(shown);
    for (const [name, value] of Object.entries(fields))
      await shown.page.locator(`dialog [name=${name}]`).fill(value);
    await shown.page.locator('dialog .change__acts .act >> nth=1').click();
    await shown.page.locator(answer).waitFor();
  };
}

/** Logs in on the login page, and waits for the refusal. */
function logInWrong(fields: Readonly<Record<string, string>>): NonNullable<FleetState['enter']> {
  return async ({ page }) => {
    for (const [name, value] of Object.entries(fields))
      await page.locator(`.login input[name=${name}]`).fill(value);
    await page.keyboard.press('Enter');
    await page.locator('.login [role=alert] svg').waitFor();
  };
}

const WRONG_LOGIN = { name: 'nobody', password: 'not the password' };
const toTokenForm: NonNullable<FleetState['enter']> = async ({ page }) => {
  await page.locator('.login .act--quiet').click();
  await page.locator('input[name=token]').waitFor();
};
/** Loads the login page again, and forgets the failed logins. */
const leaveDoor: NonNullable<FleetState['leave']> = async ({ page, central }) => {
  await page.context().setOffline(false);
  await central.store.query('delete from login_failures');
  await page.reload();
  await page.locator('.login form .act--main:not([aria-disabled=true])').waitFor();
};

/** The page as it is when central cannot be reached. */
const STALE: Pick<FleetState, 'enter' | 'leave'> = {
  enter: async ({ page }) => {
    await page.context().setOffline(true);
    await refresh(page);
    await page.locator('.banner').waitFor();
  },
  leave: async ({ page }) => {
    await page.context().setOffline(false);
    await refresh(page);
    await page.locator('.banner').waitFor({ state: 'detached' });
  },
};

const MINUTE_MS = 60_000;
/** The page ten minutes before the end of the session. */
const SESSION_ENDS: Pick<FleetState, 'enter' | 'leave'> = {
  enter: async ({ page }) => {
    const end = await page.evaluate<string>(
      `fetch('/api/v1/session').then((answer) => answer.json()).then((session) => session.expires_at)`,
    );
    await page.clock.setFixedTime(Date.parse(end) - 10 * MINUTE_MS);
    await refresh(page);
    await page.locator('.banner').waitFor();
  },
  leave: async ({ page }) => {
    await page.clock.setFixedTime(SAMPLE_NOW);
    await refresh(page);
    await page.locator('.banner').waitFor({ state: 'detached' });
  },
};

const toBoatHash = (name: string): string =>
  `#/boat/${SAMPLE_BOATS.find((boat) => boat.name === name)?.id ?? ''}`;
const STORM_PETREL = toBoatHash('Storm Petrel');
/** The boat that gets new tokens and codes. */
const SANNA = toBoatHash('Sanna');
const ACCESS = '.access .filters .act >> nth=';
const TOKEN_ROW = '.access .rows__acts .act >> nth=';
const OTHERS = '.panel >> nth=1 >> ';

const LIST_STATES: readonly FleetState[] = [
  { name: 'list', seat: 'admin', hash: '#/' },
  { name: 'list, map', seat: 'admin', hash: '#/', at: '.map__frame' },
  { name: 'list by name', seat: 'admin', hash: '#/?sort=name' },
  { name: 'list of late boats', seat: 'admin', hash: '#/?filter=late' },
  { name: 'list without boats', seat: 'admin', hash: '#/?filter=late&tier=0' },
  { name: 'list without a match', seat: 'admin', hash: '#/?search=nobody' },
  { name: 'list of a viewer', seat: 'viewer', hash: '#/' },
  { name: 'no boats', seat: 'empty', hash: '#/' },
  { name: 'many boats', seat: 'many', hash: '#/' },
  {
    name: 'many boats, page 2, map nearer',
    seat: 'many',
    hash: '#/?sort=name',
    enter: async ({ page }) => {
      const moved = page.waitForResponse(/fleet\/positions/);
      await page.locator('.map__acts .act').first().click();
      await moved;
      await page.locator('nav.pages .act >> nth=1').click();
      await page.locator('nav.pages .act:not([aria-disabled=true]) >> nth=0').waitFor();
    },
  },
  { name: 'display', seat: 'admin', hash: '#/', enter: press('.top .end > .act') },
  { name: 'stale list', seat: 'admin', hash: '#/', ...STALE },
  { name: 'session ends', seat: 'admin', hash: '#/', ...SESSION_ENDS },
];

const BOAT_STATES: readonly FleetState[] = [
  ...SAMPLE_BOATS.map(({ id, name }) => ({
    name: name ?? 'unnamed boat',
    seat: 'admin' as const,
    hash: `#/boat/${id}`,
  })),
  { name: 'Storm Petrel, numbers', seat: 'admin', hash: STORM_PETREL, at: '.numbers' },
  { name: 'Storm Petrel, access', seat: 'admin', hash: STORM_PETREL, at: '.access' },
  { name: 'Storm Petrel, restore', seat: 'admin', hash: STORM_PETREL, at: '.downloads' },
  { name: 'Storm Petrel, alerts', seat: 'admin', hash: STORM_PETREL, at: 'aside .log' },
  {
    name: 'Äolus, rejected records',
    seat: 'admin',
    hash: toBoatHash('Äolus'),
    at: '.side--wide > .panel .log',
  },
  { name: 'Kittiwake, ledgers', seat: 'admin', hash: toBoatHash('Kittiwake'), at: '.ledgers' },
  { name: 'unknown boat', seat: 'admin', hash: '#/boat/0123456789abcdef' },
  { name: 'boat of a viewer', seat: 'viewer', hash: STORM_PETREL },
  { name: 'boat with the operator token', seat: 'token', hash: STORM_PETREL },
  { name: 'stale boat', seat: 'admin', hash: STORM_PETREL, ...STALE },
];

const DIALOG_STATES: readonly FleetState[] = [
  { name: 'enrol', seat: 'admin', hash: '#/', enter: press('div.pages .act') },
  {
    name: 'enrol refused',
    seat: 'admin',
    hash: '#/',
    enter: change('div.pages .act', 'dialog [role=alert] svg', { installationId: 'abc' }),
  },
  { name: 'invite', seat: 'admin', hash: SANNA, enter: press(`${ACCESS}0`) },
  { name: 'issue a token', seat: 'admin', hash: SANNA, enter: press(`${ACCESS}1`) },
  { name: 'disable', seat: 'admin', hash: SANNA, enter: press(`${ACCESS}2`) },
  { name: 'erase', seat: 'admin', hash: SANNA, enter: press(`${ACCESS}3`) },
  { name: 'replace a token', seat: 'admin', hash: SANNA, enter: press(`${TOKEN_ROW}0`) },
  { name: 'revoke a token', seat: 'admin', hash: SANNA, enter: press(`${TOKEN_ROW}1`) },
  {
    name: 'enable',
    seat: 'admin',
    hash: toBoatHash('Northern Lights of the Western Approaches II'),
    enter: press(`${ACCESS}2`),
  },
  { name: 'code', seat: 'admin', hash: SANNA, enter: change(`${ACCESS}0`, 'dialog .enrolment__code') },
  { name: 'token', seat: 'admin', hash: SANNA, enter: change(`${ACCESS}1`, 'dialog .secret') },
];

const ACCOUNT_STATES: readonly FleetState[] = [
  { name: 'accounts', seat: 'admin', hash: '#/accounts' },
  { name: 'accounts of a viewer', seat: 'viewer', hash: '#/accounts' },
  { name: 'accounts with the operator token', seat: 'token', hash: '#/accounts' },
  { name: 'own password', seat: 'admin', hash: '#/accounts', enter: press('.rows__acts .act') },
  {
    name: 'own password refused',
    seat: 'admin',
    hash: '#/accounts',
    enter: change('.rows__acts .act', 'dialog [role=alert] svg', {
      presentPassword: 'not the password',
      password: 'a long phrase of the tests, again',
    }),
    leave: async ({ central }) => {
      await central.store.query('delete from login_failures');
    },
  },
  { name: 'add an account', seat: 'admin', hash: '#/accounts', enter: press(`${OTHERS}.filters .act`) },
  {
    name: 'make administrator',
    seat: 'admin',
    hash: '#/accounts',
    enter: press(`${OTHERS}.rows__acts .act >> nth=0`),
  },
  {
    name: 'set a password',
    seat: 'admin',
    hash: '#/accounts',
    enter: press(`${OTHERS}.rows__acts .act >> nth=1`),
  },
  {
    name: 'remove an account',
    seat: 'admin',
    hash: '#/accounts',
    enter: press(`${OTHERS}.rows__acts .act >> nth=2`),
  },
];

const DOOR_STATES: readonly FleetState[] = [
  { name: 'login', seat: 'door', hash: '' },
  { name: 'login refused', seat: 'door', hash: '', enter: logInWrong(WRONG_LOGIN), leave: leaveDoor },
  {
    name: 'login limited',
    seat: 'door',
    hash: '',
    enter: async (shown) => {
      await logInWrong(WRONG_LOGIN)(shown);
      await shown.central.store.query('update login_failures set failures = 100');
      await shown.page.keyboard.press('Enter');
      await shown.page.locator('.login .act--main[aria-disabled=true]').waitFor({ state: 'detached' });
      await logInWrong(WRONG_LOGIN)(shown);
    },
    leave: leaveDoor,
  },
  {
    name: 'login unreachable',
    seat: 'door',
    hash: '',
    enter: async (shown) => {
      await shown.page.context().setOffline(true);
      await logInWrong(WRONG_LOGIN)(shown);
    },
    leave: leaveDoor,
  },
  { name: 'login with the operator token', seat: 'door', hash: '', enter: toTokenForm, leave: leaveDoor },
  {
    name: 'operator token refused',
    seat: 'door',
    hash: '',
    enter: async (shown) => {
      await toTokenForm(shown);
      await logInWrong({ token: 'not the token' })(shown);
    },
    leave: leaveDoor,
  },
  {
    // This is the seat's last state, because the seat would have to log in again.
    name: 'session ended',
    seat: 'admin',
    hash: '#/',
    enter: async ({ page }) => {
      await page.context().clearCookies();
      await refresh(page);
      await page.locator('.login [role=alert] svg').waitFor();
    },
  },
];

/** Every state of the Fleet page, in an order in which no state changes what a later one shows. */
export const FLEET_STATES: readonly FleetState[] = [
  ...LIST_STATES,
  ...BOAT_STATES,
  ...ACCOUNT_STATES,
  ...DIALOG_STATES,
  ...DOOR_STATES,
];

/** Each seat's states, in order. */
export function bySeat(
  states: readonly FleetState[] = FLEET_STATES,
): readonly (readonly [Seat, readonly FleetState[]])[] {
  // The keys of SEATS are its seats.
  return (Object.keys(SEATS) as readonly Seat[])
    .map((seat) => [seat, states.filter((state) => state.seat === seat)] as const)
    .filter(([, own]) => own.length > 0);
}
