import type { AnswerOf, BodyOf, ParameterOf, ROUTES, RouteId } from '@d3kos/central/api';

/** The routes that the page uses, which the compiler checks against the contract. */
const USED = {
  fleetOverview: ['GET', '/api/v1/fleet'],
  fleetBoats: ['GET', '/api/v1/fleet/installations'],
  fleetPositions: ['GET', '/api/v1/fleet/positions'],
  fleetBoat: ['GET', '/api/v1/fleet/installations/{id}'],
  fleetExports: ['GET', '/api/v1/fleet/installations/{id}/exports'],
  fleetLog: ['GET', '/api/v1/fleet/installations/{id}/log'],
  fleetAlerts: ['GET', '/api/v1/fleet/installations/{id}/alerts'],
  fleetRejected: ['GET', '/api/v1/fleet/installations/{id}/rejected'],
  login: ['POST', '/api/v1/session'],
  session: ['GET', '/api/v1/session'],
  logout: ['POST', '/api/v1/session/end'],
  changeOwnPassword: ['POST', '/api/v1/session/password'],
  accounts: ['GET', '/api/v1/accounts'],
  addAccount: ['POST', '/api/v1/accounts'],
  changeRole: ['POST', '/api/v1/accounts/{name}/role'],
  changePassword: ['POST', '/api/v1/accounts/{name}/password'],
  removeAccount: ['POST', '/api/v1/accounts/{name}/remove'],
  tokens: ['GET', '/api/v1/installations/{id}/tokens'],
  issueToken: ['POST', '/api/v1/installations/{id}/tokens'],
  rotateToken: ['POST', '/api/v1/installations/{id}/tokens/{token_id}/rotate'],
  revokeToken: ['POST', '/api/v1/installations/{id}/tokens/{token_id}/revoke'],
  invite: ['POST', '/api/v1/installations/{id}/invitations'],
  disableInstallation: ['POST', '/api/v1/installations/{id}/disable'],
  enableInstallation: ['POST', '/api/v1/installations/{id}/enable'],
  eraseInstallation: ['POST', '/api/v1/installations/{id}/erase'],
  audit: ['GET', '/api/v1/audit'],
} as const satisfies {
  readonly [Id in RouteId]?: readonly [(typeof ROUTES)[Id]['method'], (typeof ROUTES)[Id]['path']];
};

export const LAND_PATH = '/page/land.json' satisfies (typeof ROUTES)['fleetLand']['path'];
export const COAST_PATH = '/page/coast.json' satisfies (typeof ROUTES)['fleetCoast']['path'];

/** Returns the path of the texts for a language. */
export function toTextsPath(language: string): string {
  const path = '/page/texts/{language}' satisfies (typeof ROUTES)['fleetTexts']['path'];
  return path.replace('{language}', language);
}

/** Returns the path of the archive with everything that central holds about an installation. */
export function toExportPath(id: string, format: 'csv' | 'ndjson' | 'parquet'): string {
  const path = '/api/v1/installations/{id}/export' satisfies (typeof ROUTES)['exportInstallation']['path'];
  return `${path.replace('{id}', id)}?format=${format}`;
}

export type { AnswerOf };
export type UsedRoute = keyof typeof USED;
/** The parameters of a route as strings. */
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
export type Tokens = AnswerOf<'tokens'>;
export type Token = Tokens['tokens'][number];
export type Audit = AnswerOf<'audit'>;
export type Accounts = AnswerOf<'accounts'>;

/** Why a request failed. `UNREACHABLE` means that no answer arrived. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

export type Reply<T> =
  { readonly kind: 'answer'; readonly value: T } | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Timeout of a request. Central answers within 100 ms unless its database has a problem. */
const ANSWER_MAX_MS = 30_000;
/** Timeout of an erasure, which may remove millions of rows. It is the limit of central, which closes the connection then. */
const ERASED_MAX_MS = 900_000 satisfies (typeof ROUTES)['eraseInstallation']['answerMaxMs'];

/** Headers of a request that changes something. Central accepts such requests only from a script on its own page. */
const POST_HEADERS = { 'Content-Type': 'application/json', 'X-Requested-With': 'fleet-page' };

/**
 * Calls a route of central with the operator's token or, without one, the session cookie. Never rejects.
 */
export async function call<Id extends UsedRoute>(
  token: string | undefined,
  id: Id,
  parameters: Given<Id>,
  body?: BodyOf<Id>,
): Promise<Reply<AnswerOf<Id>>> {
  const given: Readonly<Record<string, string | undefined>> = parameters;
  const [method, pattern] = USED[id];
  const path = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(given[name] ?? ''));
  const query = new URLSearchParams(
    Object.entries(given).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !pattern.includes(`{${entry[0]}}`),
    ),
  );
  try {
    const response = await fetch(query.size === 0 ? path : `${path}?${query}`, {
      method,
      headers: {
        ...(method === 'POST' ? POST_HEADERS : {}),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(id === 'eraseInstallation' ? ERASED_MAX_MS : ANSWER_MAX_MS),
    });
    const answer: unknown = await response.json();
    // Central's answers match the schema in the route's contract.
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
