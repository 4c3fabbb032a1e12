import type { JSX } from 'preact';
import { LANGUAGES } from '../i18n/languages.ts';
import { Act, Banner } from '../ui/controls.tsx';
import { Icon } from '../ui/icons.tsx';
import { AccountsPlace } from './accounts.tsx';
import { BoatPlace } from './boat.tsx';
import { ChangeDialog } from './change-dialog.tsx';
import { Display } from './display.tsx';
import { useFollowFocus } from './follow-focus.ts';
import { Fleet } from './list.tsx';
import { Login } from './login.tsx';
import { ACCOUNTS_ADDRESS, toListAddress, WHOLE_FLEET } from './place.ts';
import { Search } from './search.tsx';
import { isAdmin, isBoatUnknown, toTrouble } from './state.ts';
import type { View } from './view.ts';
import { toName } from './words.ts';

/** The whole page: the login, or the header and the open view. */
export function App({ view }: { readonly view: View }): JSX.Element {
  const { state } = view;
  const isOpen = state.session.kind === 'open';
  useFollowFocus(state.place, isOpen && isReady(view));
  if (!isOpen) return <Login view={view} />;
  const { place, boat } = state;
  return (
    <div
      class="fleet"
      data-stale={toTrouble(state) === undefined ? undefined : ''}
      data-ready={isReady(view) ? '' : undefined}
    >
      <Head view={view} />
      <div class="scale scale--lying" aria-hidden="true" />
      <div>
        <Banners view={view} />
        {place.kind === 'fleet' && <Fleet view={view} list={place.view} />}
        {place.kind === 'boat' && boat !== undefined && <BoatPlace view={view} boat={boat} />}
        {place.kind === 'accounts' && <AccountsPlace view={view} />}
      </div>
      {state.isDisplayOpen && <Display view={view} />}
      {state.change !== undefined && <ChangeDialog view={view} open={state.change} />}
    </div>
  );
}

/** True once everything that the view shows has been read. Screenshots wait for it. */
function isReady({ state }: View): boolean {
  const { place, boat } = state;
  if (place.kind === 'fleet')
    return (
      state.boats !== undefined &&
      state.overview !== undefined &&
      state.positions !== undefined &&
      state.map.isSet &&
      state.land !== undefined
    );
  if (place.kind === 'accounts')
    return !isAdmin(state) || (state.accounts !== undefined && state.trail !== undefined);
  if (isBoatUnknown(state)) return true;
  return (
    boat?.details !== undefined &&
    boat.exports !== undefined &&
    boat.log !== undefined &&
    boat.alerts !== undefined &&
    boat.rejected !== undefined &&
    (!isAdmin(state) || (boat.tokens !== undefined && boat.audit !== undefined)) &&
    state.coast !== undefined
  );
}

/**
 * Returns the time of day with its zone. `UTC` is abbreviated as in the display settings, because its full name is long in some
 * languages.
 */
function toZonedTime(date: Date, timeZone: string, locale: string): string {
  const isUtc = timeZone === 'UTC';
  const format = new Intl.DateTimeFormat(locale, {
    timeStyle: isUtc ? 'medium' : 'long',
    timeZone,
    hourCycle: 'h23',
  });
  return isUtc ? `${format.format(date)} UTC` : format.format(date);
}

function Head({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { place, boat } = state;
  const isLive = toTrouble(state) === undefined;
  const asOf = place.kind === 'boat' ? boat?.details?.as_of : state.boats?.as_of;
  const time = asOf === undefined ? undefined : toZonedTime(new Date(asOf), view.timeZone, texts.locale);
  const title =
    place.kind === 'boat' && boat?.details !== undefined
      ? toName(boat.details.boat, texts)
      : say(place.kind === 'accounts' ? 'accounts.title' : 'page.title');
  return (
    <header class="top">
      {place.kind !== 'fleet' && (
        <a class="act" href={toListAddress(WHOLE_FLEET)}>
          <Icon name="back" />
          <span>{say('act.back')}</span>
        </a>
      )}
      <h1>
        <bdi>{title}</bdi>
        {place.kind === 'fleet' && <span> · {location.hostname}</span>}
      </h1>
      <div class="end">
        {place.kind !== 'accounts' && !isBoatUnknown(state) && (
          <span class="note live" data-tone={isLive ? undefined : 'warn'}>
            <Icon name={isLive ? 'online' : 'gone'} />
            {time === undefined ? say('page.loading') : say('page.asOf', { time })}
          </span>
        )}
        <Search view={view} />
        <Act icon="display" label={say('act.display')} onPress={() => acts.openDisplay(true)}>
          {say('act.display')}
        </Act>
        {state.session.kind === 'open' && (
          <a class="note who" href={ACCOUNTS_ADDRESS}>
            {state.session.name === null
              ? say('accounts.title')
              : toWho(state.session.name, state.session.role, texts)}
          </a>
        )}
        <Act onPress={acts.logout}>{say('act.logout')}</Act>
      </div>
    </header>
  );
}

/** The operator's name. The role is hidden where the header is narrow. */
function toWho(name: string, role: 'viewer' | 'admin', { say }: View['texts']): JSX.Element {
  return (
    <>
      <bdi>{name}</bdi>
      <span class="at-desk"> · {say(`session.${role}`)}</span>
    </>
  );
}

/** Warnings about the page itself. */
function Banners({ view }: { readonly view: View }): JSX.Element | null {
  const banners = [toSessionEnd(view), toTroubleBanner(view), toMissingTexts(view)].filter(
    (banner) => banner !== undefined,
  );
  return banners.length === 0 ? null : <div class="banners">{banners}</div>;
}

/** How long before the end of the session the page warns the operator. */
const SESSION_END_TOLD_MS = 15 * 60_000;

function toSessionEnd({ state, texts }: View): JSX.Element | undefined {
  const { session } = state;
  const { say, clock } = texts;
  const endsAt = session.kind === 'open' ? session.expiresAt : null;
  if (endsAt === null || Date.parse(endsAt) - Date.now() > SESSION_END_TOLD_MS) return undefined;
  return (
    <Banner key="session" tone="warn" icon="late" role="status">
      <b>{say('session.ends', { time: clock(endsAt) })}</b>
      {say('session.ends.says')}
    </Banner>
  );
}

function toTroubleBanner({ state, texts }: View): JSX.Element | undefined {
  const { say } = texts;
  const { place, boat } = state;
  const trouble = toTrouble(state);
  if (trouble === undefined) return undefined;
  const asOf = place.kind === 'boat' ? boat?.details?.as_of : state.boats?.as_of;
  return (
    <Banner key="trouble" tone="warn" icon="gone" role="status">
      <b>{say('page.old')}</b>
      {asOf === undefined ? say('page.old.never') : say('page.old.says', { time: texts.clock(asOf) })}
      <span class="note"> {say('page.seen', { detail: `${trouble.code}: ${trouble.message}` })}</span>
    </Banner>
  );
}

/** A warning that the page is not in the language that the operator chose. */
function toMissingTexts({ texts, missingLanguage }: View): JSX.Element | undefined {
  if (missingLanguage === undefined) return undefined;
  return (
    <Banner key="texts" tone="warn" icon="failed" role="status">
      <b>{texts.say('texts.missing', { language: LANGUAGES[missingLanguage] })}</b>
    </Banner>
  );
}
