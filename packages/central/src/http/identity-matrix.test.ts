import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ENROL_PATH } from '@d3kos/protocol';
import { ROUTE_LIST, type RouteId } from '../api/contract.ts';
import { enroll, revoke } from '../installations/enroll.ts';
import { toTokenId } from '../installations/policy.ts';
import { SESSION_MAX_MS } from '../operators/policy.ts';
import type { Store } from '../platform/ports.ts';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../platform/world.ts';
import { migrate } from '../store/migrate.ts';
import {
  type EnrolledBoat,
  enrollBoat,
  importDocument,
  NOON_MS,
  OPERATOR_TOKEN,
  startNode,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';
import { assertKeepsContract } from '../testing/contract-check.ts';
import { addOperator, logIn, PASSWORD, toPageHeaders } from '../testing/operator-under-test.ts';

/** Everyone who may call central. Every request is about boat A. */
const IDENTITIES = [
  'anyone',
  'boat A',
  'boat B',
  'revoked token of A',
  'disabled boat',
  'viewer',
  'admin',
  'expired session',
  'operator token',
] as const;
type Identity = (typeof IDENTITIES)[number];

/** The outcome for each identity, in the order of IDENTITIES. */
type Row = readonly string[];
const NO = 'INVALID_TOKEN';
const OK = 'answered';
const everyone = (outcome: string): Row => IDENTITIES.map(() => outcome);
const BOAT_WRITES: Row = [NO, OK, 'INSTALLATION_MISMATCH', NO, 'INSTALLATION_DISABLED', NO, NO, NO, NO];
/** Boat B gets an answer about itself, never a receipt for A. */
const BOAT_READS: Row = [NO, OK, OK, NO, 'INSTALLATION_DISABLED', NO, NO, NO, NO];
const OWN_OR_OPERATOR: Row = [NO, OK, 'INSTALLATION_MISMATCH', NO, 'INSTALLATION_DISABLED', OK, OK, NO, OK];
const OWN_OR_ADMIN: Row = [
  NO,
  OK,
  'INSTALLATION_MISMATCH',
  NO,
  'INSTALLATION_DISABLED',
  'FORBIDDEN',
  OK,
  NO,
  OK,
];
const OPERATOR: Row = [NO, NO, NO, NO, NO, OK, OK, NO, OK];
const ADMIN: Row = [NO, NO, NO, NO, NO, 'FORBIDDEN', OK, NO, OK];

/** One row for each route. The type check and a test fail if a route has none. */
const MATRIX: Readonly<Record<RouteId, Row>> = {
  importPart: BOAT_WRITES,
  heldParts: BOAT_READS,
  exportStatus: OWN_OR_OPERATOR,
  configuration: OWN_OR_ADMIN,
  redeemCode: everyone('INVALID_CODE'),
  health: everyone(OK),
  ready: everyone(OK),
  metrics: everyone(OK),
  openApi: everyone(OK),
  fleetOverview: OPERATOR,
  fleetBoats: OPERATOR,
  fleetPositions: OPERATOR,
  fleetBoat: OPERATOR,
  fleetExports: OPERATOR,
  fleetLog: OPERATOR,
  fleetAlerts: OPERATOR,
  fleetRejected: OPERATOR,
  fleetPage: everyone(OK),
  fleetScript: everyone(OK),
  fleetStyle: everyone(OK),
  fleetTexts: everyone(OK),
  fleetLand: everyone(OK),
  fleetCoast: everyone(OK),
  login: everyone('INVALID_LOGIN'),
  session: OPERATOR,
  logout: OPERATOR,
  changeOwnPassword: [NO, NO, NO, NO, NO, OK, OK, NO, 'FORBIDDEN'],
  accounts: ADMIN,
  addAccount: ADMIN,
  changeRole: ADMIN,
  changePassword: ADMIN,
  removeAccount: ADMIN,
  tokens: ADMIN,
  issueToken: ADMIN,
  rotateToken: ADMIN,
  revokeToken: ADMIN,
  invite: ADMIN,
  disableInstallation: ADMIN,
  enableInstallation: ADMIN,
  eraseInstallation: ADMIN,
  exportInstallation: ADMIN,
  audit: ADMIN,
};

/** The bodies of requests that need one. */
const BODIES: Readonly<Partial<Record<RouteId, object>>> = {
  redeemCode: { code: '0000000000', token_sha256: '0'.repeat(64) },
  login: { name: 'nobody', password: PASSWORD },
  changeOwnPassword: { present_password: PASSWORD, password: PASSWORD },
  addAccount: { name: 'added', role: 'admin', password: PASSWORD },
  changeRole: { role: 'admin' },
  changePassword: { password: 'another passphrase of the tests' },
  issueToken: {},
  rotateToken: {},
  invite: {},
};

/** A word in the records of boat A. No answer to another boat may contain it. */
const SECRET = 'anchored-in-the-secret-bay';

/** Individual requests use separate boats and operators, because some requests change them. */
async function prepare(store: Store) {
  const [boat, other, disabled] = [await enrollBoat(store), await enrollBoat(store), await enrollBoat(store)];
  const data = toBoatlog([{ record_id: '1', content: SECRET }]);
  await importDocument(startNode(store), boat, toDocument(boat, { data }));
  await revoke({ store, wallMs: NOON_MS }, boat.id, 'tokens');
  const world = { store, wallMs: NOON_MS, randomHex: systemRandomHex };
  const { token } = await enroll(world, { installationId: boat.id });
  await revoke({ store, wallMs: NOON_MS }, disabled.id, 'installation');
  for (const table of ['operators', 'operator_sessions']) await store.query(`delete from ${table}`);
  for (const name of ['viewer', 'admin'] as const) await addOperator(store, name, name);
  await addOperator(store, 'target', 'viewer');
  const sessions = {
    viewer: await logIn(store, 'viewer'),
    admin: await logIn(store, 'admin'),
    expired: await logIn(store, 'admin', NOON_MS - SESSION_MAX_MS),
  };
  return { boat: { id: boat.id, token }, revoked: boat, other, disabled, sessions };
}
type Prepared = Awaited<ReturnType<typeof prepare>>;

/** The headers with which an identity sends its requests. */
function toHeaders(identity: Identity, prepared: Prepared): Record<string, string> {
  const bearer = (token: string) => ({
    'Content-Type': 'application/json',
    Authorization: `Bearer ${token}`,
  });
  switch (identity) {
    case 'anyone':
      return toPageHeaders();
    case 'boat A':
      return bearer(prepared.boat.token);
    case 'boat B':
      return bearer(prepared.other.token);
    case 'revoked token of A':
      return bearer(prepared.revoked.token);
    case 'disabled boat':
      return bearer(prepared.disabled.token);
    case 'viewer':
    case 'admin':
      return toPageHeaders(prepared.sessions[identity]);
    case 'expired session':
      return toPageHeaders(prepared.sessions.expired);
    case 'operator token':
      return bearer(OPERATOR_TOKEN);
  }
}

/** A request to a route about boat A, with these headers. */
function toRequest(id: RouteId, boat: EnrolledBoat, headers: Record<string, string>): Request {
  const document = toDocument(boat, { sequence: 2 });
  if (id === 'importPart') {
    const { method, url } = toImportRequest(boat, document);
    return new Request(url, { method, headers, body: JSON.stringify(document) });
  }
  const route = ROUTE_LIST.find((one) => one.id === id);
  assert.ok(route !== undefined);
  const values: Readonly<Record<string, string>> = {
    id: boat.id,
    export_id: 'export_1',
    name: 'target',
    language: 'de',
    token_id: toTokenId(createHash('sha256').update(boat.token).digest('hex')),
  };
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'x');
  const queries: Readonly<Partial<Record<RouteId, string>>> = {
    exportStatus: `?installation_id=${boat.id}`,
    fleetPositions: '?west=-180&south=-80&east=180&north=80&cell=10',
  };
  const query = queries[id] ?? '';
  // Central's page sends both headers with a login, so every identity does so here.
  const sent = id === 'login' ? { ...toPageHeaders(), ...headers } : headers;
  const body = id === 'eraseInstallation' ? { installation_id: boat.id } : BODIES[id];
  return new Request(`http://central.test${path}${query}`, {
    method: route.method,
    headers: sent,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** The contents of the tables that grant access, and the boats' records, as one string. */
async function readState(store: Store): Promise<string> {
  const tables = [
    'installations',
    'device_tokens',
    'enrolment_codes',
    'operators',
    'operator_sessions',
    'imports',
  ];
  const texts: unknown[] = [];
  for (const table of tables) {
    // A refusal's time and code are recorded with the refused boat.
    const [row] = await store.query(
      `select json_agg(facts order by facts::text)::text as text
       from (select to_jsonb(t) - 'refused_at' - 'refusal' as facts from ${table} t) rows`,
    );
    texts.push(row?.['text']);
  }
  return JSON.stringify(texts);
}

describe('every route for every identity', () => {
  let opened: StoreUnderTest | undefined;
  before(async () => {
    opened = await openEmbedded();
    await migrate(opened.store, NOON_MS);
  });
  after(() => opened?.close());

  test('has a row for each route, and a cell for each identity in every row', () => {
    assert.deepEqual(Object.keys(MATRIX).sort(), ROUTE_LIST.map(({ id }) => id).sort());
    for (const [id, row] of Object.entries(MATRIX)) assert.equal(row.length, IDENTITIES.length, id);
    assert.ok(ROUTE_LIST.filter(({ path }) => path !== ENROL_PATH).length > 20);
  });

  for (const { id } of ROUTE_LIST)
    test(`${id}`, async () => {
      assert.ok(opened !== undefined);
      const { store } = opened;
      const prepared = await prepare(store);
      // Refused identities come first, so that they see the state before the successful requests change it.
      const order = [...IDENTITIES.entries()].toSorted(
        ([a], [b]) => Number(MATRIX[id][a] === OK) - Number(MATRIX[id][b] === OK),
      );
      for (const [at, identity] of order) {
        // A successful request may have invalidated the session or token of a later one.
        const current = MATRIX[id][at] === OK ? await prepare(store) : prepared;
        const request = toRequest(id, current.boat, toHeaders(identity, current));
        const beforeIt = await readState(store);
        const response = await startNode(store).fetch(request);
        const kept = await assertKeepsContract(request, response);
        const outcome = kept.kind === 'answered' ? OK : kept.refusal;
        const text = await response.text();
        assert.equal(outcome, MATRIX[id][at], `${id} for ${identity}: ${text}`);
        if (outcome !== OK)
          assert.equal(await readState(store), beforeIt, `${id} for ${identity} changed rows`);
        if (identity === 'boat A' || identity === 'admin' || identity === 'operator token') continue;
        assert.ok(!text.includes(SECRET), `${id} shows ${identity} a record of A`);
        if (identity === 'boat B') assert.ok(!text.includes(current.boat.id), `${id} shows B the ID of A`);
      }
    });
});
