import type {
  Accounts,
  Alerts,
  Audit,
  BoatDetails,
  BoatPage,
  Exports,
  Log,
  Overview,
  Positions,
  Refusal,
  Rejected,
  Tokens,
  UsedRoute,
} from './api.ts';
import type { OpenChange } from './change.ts';
import type { Look } from '../ui/look.ts';
import type { Topology } from './land.ts';
import type { MapView } from './map-view.ts';
import { WORLD } from './map-view.ts';
import { type Place, WHOLE_FLEET } from './place.ts';

/** Number of boats on one page of the list. */
export const PAGE_LENGTH = 50;
/** Number of exports shown at once. If a request starts above the newest export, central returns the newest ones. */
export const EXPORTS_SHOWN = 40;

/** Who is using the page. `unknown` means that the page has not requested the session yet. */
export type Session =
  | { readonly kind: 'none'; readonly refusal: Refusal | undefined }
  | { readonly kind: 'checking' }
  | {
      readonly kind: 'open';
      /** The operator token, kept only in memory. Undefined if the browser has a session cookie. */
      readonly token: string | undefined;
      /** Null for the operator token. */
      readonly name: string | null;
      readonly role: 'viewer' | 'admin';
      readonly expiresAt: string | null;
    };

/**
 * Returns the session after central has refused its credentials. If it used a cookie, the session has ended; if it used the
 * operator token, the token is no longer accepted.
 */
export function toEndedSession(session: Session, refusal: Refusal): Session {
  const hasCookie = session.kind === 'open' && session.token === undefined;
  return { kind: 'none', refusal: hasCookie ? { ...refusal, code: SESSION_ENDED } : refusal };
}

/** The page's own code: the session ended while the page was open. */
export const SESSION_ENDED = 'SESSION_ENDED';

/** The facts about the open boat. */
export interface OpenBoat {
  readonly installationId: string;
  readonly details: BoatDetails | undefined;
  readonly exports: Exports | undefined;
  /** Only exports with lower numbers are shown. If undefined, the newest ones are shown. */
  readonly exportsBefore: number | undefined;
  readonly log: Log | undefined;
  readonly alerts: Alerts | undefined;
  readonly rejected: Rejected | undefined;
  /** The boat's tokens and events. Only an admin may read them. */
  readonly tokens: Tokens | undefined;
  readonly audit: Audit | undefined;
}

/** Why the last request of a route failed. The next answer of the same route removes the entry. */
export type Troubles = Readonly<Partial<Record<UsedRoute, Refusal>>>;

/** Everything that the page shows. All facts about boats come from central's answers. */
export interface PageState {
  readonly session: Session;
  readonly place: Place;
  readonly overview: Overview | undefined;
  readonly positions: Positions | undefined;
  readonly map: MapView;
  readonly land: Topology | undefined;
  readonly coast: Topology | undefined;
  /** The displayed page of the list. */
  readonly boats: BoatPage | undefined;
  /** The `after` values of the previous pages, first page first, and of the displayed page. */
  readonly pages: readonly (string | undefined)[];
  readonly boat: OpenBoat | undefined;
  /** Only an admin may read them. */
  readonly accounts: Accounts | undefined;
  /** The events that concern no boat, such as logins. Only an admin may read them. */
  readonly trail: Audit | undefined;
  /** The change whose dialog is open. */
  readonly change: OpenChange | undefined;
  /** The routes whose last request failed, and why. The facts that they return are out of date. */
  readonly troubles: Troubles;
  readonly isDisplayOpen: boolean;
  readonly look: Look;
  readonly language: string | undefined;
  /** `UTC`, or the time zone of the operator's computer. */
  readonly zone: 'utc' | 'local';
}

export const INITIAL_STATE: PageState = {
  session: { kind: 'checking' },
  place: { kind: 'fleet', view: WHOLE_FLEET },
  overview: undefined,
  positions: undefined,
  map: WORLD,
  land: undefined,
  coast: undefined,
  boats: undefined,
  pages: [undefined],
  boat: undefined,
  accounts: undefined,
  trail: undefined,
  change: undefined,
  troubles: {},
  isDisplayOpen: false,
  look: 'auto',
  language: undefined,
  zone: 'utc',
};

/** True if an admin is logged in. */
export function isAdmin({ session }: PageState): boolean {
  return session.kind === 'open' && session.role === 'admin';
}

/** True if central has answered that the open boat is not enrolled. It may have been erased while its view was open. */
export function isBoatUnknown({ place, troubles }: PageState): boolean {
  return place.kind === 'boat' && troubles.fleetBoat?.code === 'NOT_FOUND';
}

/** Why the facts on the page are out of date, or undefined if the last request of every route was answered. */
export function toTrouble(state: PageState): Refusal | undefined {
  return isBoatUnknown(state) ? undefined : Object.values(state.troubles)[0];
}

/**
 * Returns the state after opening a view. Facts about another boat are dropped, so that they are never shown under this boat's
 * name.
 */
export function applyPlace(state: PageState, place: Place): PageState {
  const isSameList =
    place.kind === 'fleet' &&
    state.place.kind === 'fleet' &&
    JSON.stringify(place) === JSON.stringify(state.place);
  if (isSameList) return state;
  return {
    ...state,
    place,
    troubles: {},
    boats: place.kind === 'fleet' ? undefined : state.boats,
    pages: place.kind === 'fleet' ? [undefined] : state.pages,
    boat: place.kind === 'boat' ? toOpenBoat(place.installationId) : undefined,
    // A secret that has not been read yet stays, because central returns it only once.
    change: state.change?.outcome === undefined ? undefined : state.change,
  };
}

function toOpenBoat(installationId: string): OpenBoat {
  return {
    installationId,
    details: undefined,
    exports: undefined,
    exportsBefore: undefined,
    log: undefined,
    alerts: undefined,
    rejected: undefined,
    tokens: undefined,
    audit: undefined,
  };
}
