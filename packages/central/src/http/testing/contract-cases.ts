import { ENROL_PATH, toContentDigest } from '@d3kos/protocol';
import type { RouteId } from '../../api/contract.ts';
import type { Refusal } from '../../api/refusals.ts';
import type { Role } from '../../operators/policy.ts';
import type { CentralFailureCode } from '../../platform/errors.ts';
import { systemRandomHex } from '../../platform/world.ts';
import {
  type EnrolledBoat,
  OPERATOR_TOKEN,
  type startNode,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../../testing/central-under-test.ts';
import { toPageHeaders } from '../../testing/operator-under-test.ts';

/** The boats, codes, accounts and sessions that the requests use. */
export interface Boats {
  readonly boat: EnrolledBoat;
  readonly other: EnrolledBoat;
  readonly disabled: EnrolledBoat;
  /** An enrolment code for each boat. */
  readonly codes: { readonly boat: string; readonly other: string; readonly disabled: string };
  /** A boat whose access an admin changes, and the ID of its token. */
  readonly managed: EnrolledBoat;
  readonly managedTokenId: string;
  readonly sessions: Readonly<Record<Role, string>>;
}
export type Outcome = 'answered' | Refusal;
/** A request to a route, the properties of the node that handles it, and the expected reply by its name in the contract. */
export interface Case {
  readonly route: RouteId;
  readonly outcome: Outcome;
  readonly toRequest: (boats: Boats) => Request;
  readonly node?: Parameters<typeof startNode>[1];
  readonly fails?: CentralFailureCode;
  /** How many times the same request is sent beforehand. */
  readonly sentBefore?: number;
  /** Another request that is sent beforehand. */
  readonly toFirstRequest?: Case['toRequest'];
}

export function get(path: string, bearer?: string): Request {
  const headers: Record<string, string> = bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` };
  return new Request(`http://central.test${path}`, { headers });
}

const BUSY = { limits: { installationImportsMax: 0 } };

/** Returns the refusals that every boat route shares. `toRequest` builds a request about `boat` with a boat's token. */
function toBoatCases(
  route: RouteId,
  toRequest: (boat: EnrolledBoat, token: string) => Request,
): readonly Case[] {
  return [
    { route, outcome: 'answered', toRequest: ({ boat }) => toRequest(boat, boat.token) },
    { route, outcome: 'INVALID_TOKEN', toRequest: ({ boat }) => toRequest(boat, 'unknown') },
    {
      route,
      outcome: 'INSTALLATION_DISABLED',
      toRequest: ({ disabled }) => toRequest(disabled, disabled.token),
    },
    {
      route,
      outcome: 'TOO_MANY_REQUESTS',
      toRequest: ({ boat }) => toRequest(boat, boat.token),
      node: BUSY,
    },
    ...toStoreCases(route, ({ boat }) => toRequest(boat, boat.token)),
  ];
}

export function toStoreCases(route: RouteId, toRequest: Case['toRequest']): readonly Case[] {
  return [
    { route, outcome: 'INTERNAL', toRequest, fails: 'STORE_FAILED' },
    { route, outcome: 'UNAVAILABLE', toRequest, fails: 'STORE_UNAVAILABLE' },
  ];
}

/**
 * Returns the refusals that every route with a checked JSON body shares. `toRequest` builds a request with these headers and this
 * body.
 */
export function toBodyCases(
  route: RouteId,
  toRequest: (boats: Boats, headers: Readonly<Record<string, string>>, body?: RequestInit) => Request,
): readonly Case[] {
  const incomplete = () =>
    new ReadableStream({ start: (controller) => controller.error(new Error('reset')) });
  const toCase = (
    outcome: Outcome,
    headers: Readonly<Record<string, string>>,
    toInit?: () => RequestInit,
  ): Case => ({ route, outcome, toRequest: (boats) => toRequest(boats, headers, toInit?.()) });
  return [
    toCase('INVALID_FORMAT', {}, () => ({ body: '{"surplus":1}' })),
    toCase('UNSUPPORTED_MEDIA_TYPE', { 'Content-Type': 'text/plain' }),
    toCase('BODY_TOO_LARGE', {}, () => ({ body: ' '.repeat(5_000) })),
    // Node requires `duplex` for a stream as body; the type does not have it.
    toCase('BODY_INCOMPLETE', {}, () => ({ body: incomplete(), duplex: 'half' }) as RequestInit),
  ];
}

const importCases: readonly Case[] = [
  ...toBoatCases('importPart', (boat, bearer) => toImportRequest(boat, toDocument(boat), { bearer })),
  { route: 'importPart', outcome: 'INVALID_FORMAT', toRequest: ({ boat }) => toImportRequest(boat, '{}') },
  {
    route: 'importPart',
    outcome: 'INVALID_DIGEST',
    toRequest: ({ boat }) =>
      toImportRequest(boat, toDocument(boat), {
        headers: { 'Content-Digest': toContentDigest('A'.repeat(43) + '=') },
      }),
  },
  {
    route: 'importPart',
    outcome: 'INSTALLATION_MISMATCH',
    toRequest: ({ boat, other }) => toImportRequest(other, toDocument(boat)),
  },
  {
    route: 'importPart',
    outcome: 'QUOTA_EXCEEDED',
    toRequest: ({ boat }) => toImportRequest(boat, toDocument(boat, { exportId: 'over_quota' })),
    node: { quota: { records: 0 } },
  },
  {
    route: 'importPart',
    outcome: 'BODY_INCOMPLETE',
    toRequest: ({ boat }) => {
      const body = new ReadableStream({ start: (controller) => controller.error(new Error('reset')) });
      return new Request(toImportRequest(boat, ''), { body, duplex: 'half' } as RequestInit);
    },
  },
  {
    route: 'importPart',
    outcome: 'IDEMPOTENCY_CONFLICT',
    toRequest: ({ boat }) =>
      toImportRequest(boat, toDocument(boat, { data: toBoatlog([{ record_id: 'other' }]) })),
  },
  {
    route: 'importPart',
    outcome: 'LEDGER_DIVERGED',
    toRequest: ({ boat }) => toImportRequest(boat, toDocument(boat, { exportId: 'restored_1' })),
  },
  {
    route: 'importPart',
    outcome: 'BODY_TOO_LARGE',
    toRequest: ({ boat }) => toImportRequest(boat, toDocument(boat)),
    node: { limits: { bodySizeMaxBytes: 10 } },
  },
  {
    route: 'importPart',
    outcome: 'UNSUPPORTED_MEDIA_TYPE',
    toRequest: ({ boat }) =>
      toImportRequest(boat, toDocument(boat), { headers: { 'Content-Type': 'text/html' } }),
  },
];

/** Returns the cases of a route that concerns one installation. `toPath` returns its path for an installation ID. */
function toOwnCases(route: RouteId, toPath: (installationId: string) => string): readonly Case[] {
  return [
    ...toBoatCases(route, (boat, token) => get(toPath(boat.id), token)),
    { route, outcome: 'answered', toRequest: ({ boat }) => get(toPath(boat.id), OPERATOR_TOKEN) },
    { route, outcome: 'INVALID_FORMAT', toRequest: ({ boat }) => get(toPath('nobody'), boat.token) },
    {
      route,
      outcome: 'INSTALLATION_MISMATCH',
      toRequest: ({ boat, other }) => get(toPath(boat.id), other.token),
    },
    { route, outcome: 'NOT_FOUND', toRequest: () => get(toPath('f'.repeat(16)), OPERATOR_TOKEN) },
  ];
}

/** Each request uses a different code, so that no test reaches the limit per network unintentionally. */
const redeem = (change: Readonly<Record<string, unknown>>, headers: Readonly<Record<string, string>> = {}) =>
  new Request(`http://central.test${ENROL_PATH}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ code: 'ZZZZZZZZZZ', token_sha256: systemRandomHex(32), ...change }),
  });

const enrolmentCases: readonly Case[] = [
  { route: 'redeemCode', outcome: 'answered', toRequest: ({ codes }) => redeem({ code: codes.boat }) },
  { route: 'redeemCode', outcome: 'INVALID_CODE', toRequest: () => redeem({}) },
  { route: 'redeemCode', outcome: 'TOO_MANY_REQUESTS', toRequest: () => redeem({}), sentBefore: 40 },
  {
    route: 'redeemCode',
    outcome: 'INSTALLATION_MISMATCH',
    toRequest: ({ codes, boat }) => redeem({ code: codes.other, installation_id: boat.id }),
  },
  {
    route: 'redeemCode',
    outcome: 'INSTALLATION_DISABLED',
    toRequest: ({ codes }) => redeem({ code: codes.disabled }),
  },
  ...toBodyCases('redeemCode', (_, headers, body) => new Request(redeem({}, headers), body)),
  ...toStoreCases('redeemCode', () => redeem({})),
];

/** The cases of the boat, node and Fleet page routes. */
export const BOAT_CASES: readonly Case[] = [
  ...enrolmentCases,
  ...importCases,
  ...toBoatCases('heldParts', (_, token) => get('/api/v1/data/import/export_1?after=0', token)),
  {
    route: 'heldParts',
    outcome: 'INVALID_FORMAT',
    toRequest: ({ boat }) => get('/api/v1/data/import/export_1?after=x', boat.token),
  },
  ...toOwnCases('exportStatus', (id) => `/api/v1/data/export/status?installation_id=${id}`),
  ...toOwnCases('configuration', (id) => `/api/v1/installations/${id}/configuration`),
  {
    route: 'configuration',
    outcome: 'FORBIDDEN',
    toRequest: ({ boat, sessions }) =>
      new Request(get(`/api/v1/installations/${boat.id}/configuration`), {
        headers: toPageHeaders(sessions.viewer),
      }),
  },
  { route: 'health', outcome: 'answered', toRequest: () => get('/api/v1/health') },
  {
    route: 'health',
    outcome: 'UNAVAILABLE',
    toRequest: () => get('/api/v1/health'),
    toFirstRequest: ({ boat }) => get(`/api/v1/installations/${boat.id}/configuration`, boat.token),
    fails: 'STORE_UNAVAILABLE',
  },
  { route: 'metrics', outcome: 'answered', toRequest: () => get('/metrics') },
  { route: 'metrics', outcome: 'answered', toRequest: () => get('/metrics'), fails: 'STORE_FAILED' },
  { route: 'metrics', outcome: 'answered', toRequest: () => get('/metrics'), fails: 'STORE_UNAVAILABLE' },
  { route: 'ready', outcome: 'answered', toRequest: () => get('/api/v1/ready') },
  {
    route: 'ready',
    outcome: 'UNAVAILABLE',
    toRequest: () => get('/api/v1/ready'),
    fails: 'STORE_UNAVAILABLE',
  },
  { route: 'openApi', outcome: 'answered', toRequest: () => get('/openapi.json') },
];
