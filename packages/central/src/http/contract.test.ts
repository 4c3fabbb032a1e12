import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROUTE_LIST } from '../api/contract.ts';
import { toOpenApi } from '../api/openapi.ts';
import { REFUSALS } from '../api/refusals.ts';
import type { Access, Route } from '../api/route.ts';
import { invite } from '../installations/codes.ts';
import { revoke } from '../installations/enroll.ts';
import { toTokenId } from '../installations/policy.ts';
import { CentralFailure, type CentralFailureCode } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../platform/world.ts';
import { migrate } from '../store/migrate.ts';
import { type EnrolledBoat, enrollBoat, NOON_MS, startNode } from '../testing/central-under-test.ts';
import { assertKeepsContract } from '../testing/contract-check.ts';
import { addOperator, logIn } from '../testing/operator-under-test.ts';
import { BOAT_CASES, type Boats } from './testing/contract-cases.ts';
import { FLEET_CASES } from './testing/fleet-cases.ts';
import { OPERATOR_CASES } from './testing/operator-cases.ts';

const CASES = [...BOAT_CASES, ...OPERATOR_CASES, ...FLEET_CASES];

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
    const managed = await enrollBoat(store);
    for (const role of ['viewer', 'admin'] as const) await addOperator(store, role, role);
    for (const name of ['role-of', 'password-of', 'removed']) await addOperator(store, name, 'viewer');
    const sessions = { viewer: await logIn(store, 'viewer'), admin: await logIn(store, 'admin') };
    const managedTokenId = toTokenId(createHash('sha256').update(managed.token).digest('hex'));
    boats = { boat, other, disabled, codes, managed, managedTokenId, sessions };
    await revoke({ store, wallMs: NOON_MS }, boats.disabled.id, 'installation');
  });
  after(() => opened?.close());

  for (const { route, outcome, toRequest, node = {}, fails, sentBefore = 0, toFirstRequest } of CASES)
    test(`${route}: ${outcome}${fails === undefined ? '' : ` for ${fails}`}`, async () => {
      assert.ok(opened !== undefined && boats !== undefined);
      const store = fails === undefined ? opened.store : toFailingStore(opened.store, fails);
      const request = toRequest(boats);
      const app = startNode(store, node);
      if (toFirstRequest !== undefined) await app.fetch(toFirstRequest(boats));
      for (let sent = 0; sent < sentBefore; sent += 1) await app.fetch(toRequest(boats));
      const response = await app.fetch(request);
      const kept = await assertKeepsContract(request, response);
      assert.deepEqual(
        [kept.route, kept.kind === 'answered' ? 'answered' : kept.refusal],
        [route, outcome],
        await response.text(),
      );
    });

  test('lists exactly the answers and refusals that a real node returns', () => {
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

  test('matches the table of the reference page, line by line', async () => {
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
    case 'boat-or-admin':
      return 'the boat, admins';
    case 'operator':
      return 'operators';
    case 'admin':
      return 'admins';
  }
}

/** Returns a store on which every statement fails with this code. */
function toFailingStore(store: Store, code: CentralFailureCode): Store {
  const fail = () => Promise.reject(new CentralFailure(code, 'planned', { op: 'test', hint: 'none' }));
  return { ...store, query: fail, script: fail, transaction: fail };
}
