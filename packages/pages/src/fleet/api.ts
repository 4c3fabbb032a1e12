import type { AnswerOf, ParameterOf, ROUTES, RouteId } from '@d3kos/central/api';

/** The paths of the routes that the page uses. The compiler compares them with the contract. */
const PATHS = {
  fleetOverview: '/api/v1/fleet',
  fleetBoats: '/api/v1/fleet/installations',
  fleetPositions: '/api/v1/fleet/positions',
  fleetBoat: '/api/v1/fleet/installations/{id}',
  fleetExports: '/api/v1/fleet/installations/{id}/exports',
  fleetLog: '/api/v1/fleet/installations/{id}/log',
  fleetAlerts: '/api/v1/fleet/installations/{id}/alerts',
  fleetRejected: '/api/v1/fleet/installations/{id}/rejected',
  login: '/api/v1/session',
  session: '/api/v1/session',
  logout: '/api/v1/session/end',
} as const satisfies { readonly [Id in RouteId]?: (typeof ROUTES)[Id]['path'] };

export const LAND_PATH = '/page/land.json' satisfies (typeof ROUTES)['fleetLand']['path'];
export const COAST_PATH = '/page/coast.json' satisfies (typeof ROUTES)['fleetCoast']['path'];

export type { AnswerOf };
export type UsedRoute = keyof typeof PATHS;
/** The parameters of a route as texts. */
export type Given<Id extends UsedRoute> = Readonly<Partial<Record<ParameterOf<Id>, string>>>;
export type Overview = AnswerOf<'fleetOverview'>;
export type BoatPage = AnswerOf<'fleetBoats'>;
export type Boat = BoatPage['boats'][number];
export type BoatState = Boat['state'];
export type Positions = AnswerOf<'fleetPositions'>;
export type PositionGroup = Positions['groups'][number];
export type BoatDetails = AnswerOf<'fleetBoat'>;
export type Exports = AnswerOf<'fleetExports'>;
export type Export = Exports['exports'][number];
export type Log = AnswerOf<'fleetLog'>;
export type Alerts = AnswerOf<'fleetAlerts'>;
export type Rejected = AnswerOf<'fleetRejected'>;

/** Why a request was not answered. `UNREACHABLE` means that no answer arrived. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

export type Reply<T> =
  { readonly kind: 'answer'; readonly value: T } | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Timeout for an answer. Central answers within 100 ms, or its database is in trouble. */
const ANSWER_MAX_MS = 30_000;

/** The routes that change something. */
const POSTED: readonly UsedRoute[] = ['login', 'logout'];

/** Headers of a request that changes something: central takes it only from a script of its own page. */
const POST_HEADERS = { 'Content-Type': 'application/json', 'X-Requested-With': 'fleet-page' };

/**
 * Calls a route of central, with the operator's token or, without one, with the cookie of the session. Never rejects.
 */
export async function call<Id extends UsedRoute>(
  token: string | undefined,
  id: Id,
  parameters: Given<Id>,
  body?: object,
): Promise<Reply<AnswerOf<Id>>> {
  const given: Readonly<Record<string, string | undefined>> = parameters;
  const path = PATHS[id].replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(given[name] ?? ''));
  const query = new URLSearchParams(
    Object.entries(given).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !PATHS[id].includes(`{${entry[0]}}`),
    ),
  );
  try {
    const response = await fetch(query.size === 0 ? path : `${path}?${query}`, {
      method: POSTED.includes(id) ? 'POST' : 'GET',
      headers: {
        ...(POSTED.includes(id) ? POST_HEADERS : {}),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_MAX_MS),
    });
    const answer: unknown = await response.json();
    // Central answers a route with the schema of its contract.
    if (response.ok) return { kind: 'answer', value: answer as AnswerOf<Id> };
    return { kind: 'refused', refusal: toRefusal(answer) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'refused', refusal: { code: 'UNREACHABLE', message } };
  }
}

function toRefusal(body: unknown): Refusal {
  const { error_code: code, message } = (body ?? {}) as Readonly<Record<string, unknown>>;
  return typeof code === 'string' && typeof message === 'string'
    ? { code, message }
    : { code: 'UNREACHABLE', message: 'the answer is not from central' };
}
