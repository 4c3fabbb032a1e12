import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ENROL_PATH, toContentDigest } from '@d3kos/protocol';
import { ROUTE_LIST, type RouteId } from '../api/contract.ts';
import { toOpenApi } from '../api/openapi.ts';
import { REFUSALS, type Refusal } from '../api/refusals.ts';
import type { Access, Route } from '../api/route.ts';
import { invite } from '../installations/codes.ts';
import { revoke } from '../installations/enroll.ts';
import { CentralFailure, type CentralFailureCode } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../platform/world.ts';
import { migrate } from '../store/migrate.ts';
import {
  type EnrolledBoat,
  enrollBoat,
  NOON_MS,
  OPERATOR_TOKEN,
  startNode,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';
import { assertKeepsContract } from '../testing/contract-check.ts';

interface Boats {
  readonly boat: EnrolledBoat;
  readonly other: EnrolledBoat;
  readonly disabled: EnrolledBoat;
  /** An enrolment code for each boat. */
  readonly codes: { readonly boat: string; readonly other: string; readonly disabled: string };
}
type Outcome = 'answered' | Refusal;
/** A request to a route, the properties of the node that gets it, and the expected reply in terms of the contract. */
interface Case {
  readonly route: RouteId;
  readonly outcome: Outcome;
  readonly toRequest: (boats: Boats) => Request;
  readonly node?: Parameters<typeof startNode>[1];
  readonly fails?: CentralFailureCode;
  /** How often the same request was sent before. */
  readonly sentBefore?: number;
}

function get(path: string, bearer?: string): Request {
  const headers: Record<string, string> = bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` };
  return new Request(`http://central.test${path}`, { headers });
}

const BUSY = { limits: { installationImportsMax: 0 } };

/** Returns the refusals of every route for boats. `toRequest` makes a request about `boat` with the token of a boat. */
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

function toStoreCases(route: RouteId, toRequest: Case['toRequest']): readonly Case[] {
  return [
    { route, outcome: 'INTERNAL', toRequest, fails: 'STORE_FAILED' },
    { route, outcome: 'UNAVAILABLE', toRequest, fails: 'STORE_UNAVAILABLE' },
  ];
}

/** The refusals of every route whose JSON body is checked. `toRequest` makes a request with these headers and this body. */
function toBodyCases(
  route: RouteId,
  toRequest: (headers: Readonly<Record<string, string>>, body?: RequestInit) => Request,
): readonly Case[] {
  const incomplete = new ReadableStream({ start: (controller) => controller.error(new Error('reset')) });
  return [
    { route, outcome: 'INVALID_FORMAT', toRequest: () => toRequest({}, { body: '{"surplus":1}' }) },
    {
      route,
      outcome: 'UNSUPPORTED_MEDIA_TYPE',
      toRequest: () => toRequest({ 'Content-Type': 'text/plain' }),
    },
    { route, outcome: 'BODY_TOO_LARGE', toRequest: () => toRequest({}, { body: ' '.repeat(5_000) }) },
    {
      route,
      outcome: 'BODY_INCOMPLETE',
      // Node requires `duplex` for a stream as body; the type does not have it.
      toRequest: () => toRequest({}, { body: incomplete, duplex: 'half' } as RequestInit),
    },
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

/** The cases of a route about one installation, given its path for an installation id. */
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

/** Another code for every request, so that the limit of one network is not met before a test wants it. */
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
  ...toBodyCases('redeemCode', (headers, body) =>
    body === undefined ? redeem({}, headers) : new Request(redeem({}, headers), body),
  ),
  ...toStoreCases('redeemCode', () => redeem({})),
];

const CASES: readonly Case[] = [
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
  { route: 'health', outcome: 'answered', toRequest: () => get('/api/v1/health') },
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
  { route: 'fleetPage', outcome: 'answered', toRequest: () => get('/', OPERATOR_TOKEN) },
  { route: 'fleetPage', outcome: 'INVALID_TOKEN', toRequest: () => get('/') },
  {
    route: 'fleetPage',
    outcome: 'FLEET_CLOSED',
    toRequest: () => get('/', OPERATOR_TOKEN),
    node: { operatorToken: undefined },
  },
  {
    route: 'fleetPage',
    outcome: 'TOO_MANY_REQUESTS',
    toRequest: () => get('/', 'a guess of the operator token'.replaceAll(' ', '-')),
    sentBefore: 40,
  },
  ...toStoreCases('fleetPage', () => get('/', OPERATOR_TOKEN)),
];

describe('the API contract', () => {
  let opened: StoreUnderTest | undefined;
  let boats: Boats | undefined;
  before(async () => {
    opened = await openEmbedded();
    const { store } = opened;
    await migrate(store, NOON_MS);
    const [boat, other, disabled] = [
      await enrollBoat(store),
      await enrollBoat(store),
      await enrollBoat(store),
    ];
    const codeOf = async ({ id }: EnrolledBoat) => {
      const world = { store, wallMs: NOON_MS, randomHex: systemRandomHex };
      return (await invite(world, { installationId: id, expiresHours: 1 })).code;
    };
    const codes = { boat: await codeOf(boat), other: await codeOf(other), disabled: await codeOf(disabled) };
    boats = { boat, other, disabled, codes };
    await revoke({ store, wallMs: NOON_MS }, boats.disabled.id, 'installation');
  });
  after(() => opened?.close());

  for (const { route, outcome, toRequest, node = {}, fails, sentBefore = 0 } of CASES)
    test(`${route}: ${outcome}${fails === undefined ? '' : ` for ${fails}`}`, async () => {
      assert.ok(opened !== undefined && boats !== undefined);
      const store = fails === undefined ? opened.store : toFailingStore(opened.store, fails);
      const request = toRequest(boats);
      const app = startNode(store, node);
      for (let sent = 0; sent < sentBefore; sent += 1) await app.fetch(toRequest(boats));
      const response = await app.fetch(request);
      const kept = await assertKeepsContract(request, response);
      assert.deepEqual(
        [kept.route, kept.kind === 'answered' ? 'answered' : kept.refusal],
        [route, outcome],
        await response.text(),
      );
    });

  test('lists exactly the answers and refusals that a real node gives', () => {
    for (const { id, refusals } of ROUTE_LIST) {
      const seen = CASES.filter(({ route }) => route === id).map(({ outcome }) => outcome);
      assert.deepEqual([...new Set(seen)].sort(), ['answered', ...refusals].sort(), id);
    }
  });

  test('is described by OpenAPI with a response schema for every status of every route', () => {
    const { paths } = toOpenApi() as unknown as {
      paths: Record<string, Record<string, { responses: object }>>;
    };
    for (const { method, path, refusals } of ROUTE_LIST) {
      const statuses = new Set(['200', ...refusals.map((name) => String(REFUSALS[name].status))]);
      const { responses } = paths[path]?.[method.toLowerCase()] ?? { responses: {} };
      assert.deepEqual(Object.keys(responses).sort(), [...statuses].sort(), path);
      for (const response of Object.values(responses)) assert.match(JSON.stringify(response), /"schema":\{"/);
    }
  });

  test('is the table of the reference page, line by line', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../../docs/reference/http-api.md'), 'utf8');
    const section = page.split(/^## /m).find((text) => text.startsWith('Central, port 8095\n')) ?? '';
    assert.deepEqual(
      section.split('\n').filter((line) => /^\| `(GET|POST)/.test(line)),
      ROUTE_LIST.map(toReferenceRow),
    );
  });
});

function toReferenceRow({ method, path, access, summary, description }: Route): string {
  return `| \`${method} ${path}\` | ${toCallers(access)} | ${[summary, description].join(' ').trim()} |`;
}

function toCallers(access: Access): string {
  switch (access) {
    case 'anyone':
      return 'anyone';
    case 'boat-imports':
    case 'boat-reads':
      return 'the boat';
    case 'boat-or-operator':
      return 'the boat, operators';
    case 'operator':
      return 'operators';
  }
}

/** A store whose every statement fails with this code. */
function toFailingStore(store: Store, code: CentralFailureCode): Store {
  const fail = () => Promise.reject(new CentralFailure(code, 'planned', { op: 'test', hint: 'none' }));
  return { ...store, query: fail, script: fail, transaction: fail };
}
