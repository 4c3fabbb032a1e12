import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { toConfigurationPath } from '@d3kos/protocol';
import { listEvents } from '../installations/audit.ts';
import type { Store } from '../platform/ports.ts';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  createNode,
  type EnrolledBoat,
  enrollBoat,
  importDocument,
  NOON_MS,
  OPERATOR_TOKEN,
  startNode,
  toBoatlog,
  toDocument,
} from '../testing/central-under-test.ts';
import { addOperator, logIn, toPageHeaders } from '../testing/operator-under-test.ts';
import type { App } from './app.ts';
import { ARCHIVES_MAX, OPERATOR_ARCHIVES_MAX } from './archive-slots.ts';

/** More rows than an archive buffers for a reader that reads nothing. */
const ROWS = 12_000;
let opened: StoreUnderTest;
before(async () => {
  opened = await openEmbedded();
  await migrate(opened.store, NOON_MS);
});
after(() => opened.close());

async function importRows(store: Store): Promise<EnrolledBoat> {
  const boat = await enrollBoat(store);
  const rows = Array.from({ length: ROWS }, (_, index) => ({
    record_id: `r${index}`,
    content: createHash('sha256').update(String(index)).digest('hex').repeat(4),
  }));
  await importDocument(startNode(store), boat, toDocument(boat, { data: toBoatlog(rows) }));
  return boat;
}

function request(node: App, path: string, headers: Record<string, string>, method = 'GET') {
  return node.fetch(new Request(`https://central.test${path}`, { method, headers }));
}

const toExport = (boat: EnrolledBoat): string => `/api/v1/installations/${boat.id}/export`;
const AS_TOKEN = { Authorization: `Bearer ${OPERATOR_TOKEN}` };

/** Repeats a request until central accepts it. Central ends an archive shortly after its reader has disconnected. */
async function untilAccepted(send: () => Promise<Response>): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await send();
    if (response.status === 200 || attempt === 100) return response;
    await setTimeout(50);
  }
}

test('archives that nobody reads are limited in number, and leave downloads for other operators', async () => {
  const { store } = opened;
  const boat = await importRows(store);
  const node = createNode(store);
  const operators = [AS_TOKEN];
  for (const name of ['first', 'second']) {
    await addOperator(store, name, 'admin');
    operators.push(toPageHeaders(await logIn(store, name)) as typeof AS_TOKEN);
  }
  const unread: Response[] = [];
  const refusals: Response[] = [];
  for (const headers of operators)
    for (let count = 0; count <= OPERATOR_ARCHIVES_MAX; count += 1) {
      const response = await request(node, toExport(boat), headers);
      (response.status === 200 ? unread : refusals).push(response);
    }
  assert.equal(unread.length, ARCHIVES_MAX);
  assert.deepEqual(
    refusals.map(({ status }) => status),
    [429, 429, 503, 503, 503],
  );
  for (const { headers } of refusals) assert.match(headers.get('Retry-After') ?? '', /^[1-9][0-9]*$/);
  const events = await listEvents(store, boat.id);
  const taken = events.filter(({ event }) => event === 'data_exported');
  assert.equal(
    taken.reduce((sum, { occurrences }) => sum + occurrences, 0),
    ARCHIVES_MAX,
  );
  await unread[0]?.body?.cancel();
  const next = await untilAccepted(() => request(node, toExport(boat), AS_TOKEN));
  assert.equal(next.status, 200);
  for (const one of [...unread.slice(1), next]) await one.body?.cancel();
});

test('an archive that cannot begin does not count as a download', async () => {
  const node = createNode(opened.store);
  for (let count = 0; count <= ARCHIVES_MAX; count += 1) {
    const response = await request(node, `/api/v1/installations/${'f'.repeat(16)}/export`, AS_TOKEN);
    assert.equal(response.status, 404);
  }
});

describe('a request with the method HEAD', () => {
  test('leaves no download in progress', async () => {
    const boat = await importRows(opened.store);
    const node = createNode(opened.store);
    for (let count = 0; count < 2 * OPERATOR_ARCHIVES_MAX; count += 1) {
      const response = await untilAccepted(() => request(node, toExport(boat), AS_TOKEN, 'HEAD'));
      assert.deepEqual([response.status, response.body], [200, null]);
    }
    const response = await untilAccepted(() => request(node, toExport(boat), AS_TOKEN));
    assert.equal(response.status, 200);
    await response.body?.cancel();
  });

  test('leaves no boat request in progress', async () => {
    const boat = await enrollBoat(opened.store);
    const settings = { category: 'settings', data: { record_id: 'settings', note: 'x'.repeat(60_000) } };
    const node = createNode(opened.store);
    await importDocument(node, boat, toDocument(boat, { data: { settings } }));
    const headers = { Authorization: `Bearer ${boat.token}` };
    for (const method of ['HEAD', 'HEAD', 'HEAD', 'HEAD', 'GET']) {
      const response = await request(node, toConfigurationPath(boat.id), headers, method);
      assert.equal(response.status, 200, method);
      if (method === 'GET') assert.match(await response.text(), /x{60000}/);
    }
  });
});

describe('a page of another site', () => {
  for (const [fetchSite, status] of [
    ['same-site', 401],
    ['cross-site', 401],
    ['unheard-of', 401],
    ['same-origin', 200],
    ['none', 200],
  ] as const)
    test(`cannot use an operator's session for an expensive read: Sec-Fetch-Site ${fetchSite}`, async () => {
      const { store } = opened;
      const name = `reader-of-${fetchSite}`;
      await addOperator(store, name, 'admin');
      const headers = { ...toPageHeaders(await logIn(store, name)), 'Sec-Fetch-Site': fetchSite };
      const boat = await enrollBoat(store);
      for (const path of [toExport(boat), '/api/v1/fleet', '/api/v1/audit']) {
        const response = await request(createNode(store), path, headers);
        assert.equal(response.status, status, path);
        await response.body?.cancel();
      }
    });
});

describe('guessed sessions', () => {
  const attacker = { remoteAddress: '198.51.100.7' };
  const toRead = (sessionId: string, more: Record<string, string> = {}) =>
    new Request('https://central.test/api/v1/fleet/installations', {
      headers: { ...toPageHeaders(sessionId), ...more },
    });

  test('are limited per address before they are looked up, but a known session is not', async () => {
    let statements = 0;
    const counting: Store = {
      ...opened.store,
      query: (text, params) => {
        statements += 1;
        return opened.store.query(text, params);
      },
    };
    const node = createNode(counting, { monotonic: () => 0 });
    await addOperator(opened.store, 'behind-the-address', 'viewer');
    const own = await logIn(opened.store, 'behind-the-address');
    assert.equal((await node.fetch(toRead(own), attacker)).status, 200);
    const statuses: number[] = [];
    for (let guess = 0; guess < 100; guess += 1) {
      const sessionId = createHash('sha256').update(`guess ${guess}`).digest('base64url');
      statuses.push((await node.fetch(toRead(sessionId), attacker)).status);
    }
    assert.deepEqual([statuses.filter((status) => status === 401).length, statuses.at(-1)], [20, 429]);
    const before = statements;
    const last = await node.fetch(toRead('x'.repeat(43)), attacker);
    assert.deepEqual([last.status, statements - before], [429, 0]);
    assert.equal((await node.fetch(toRead(own), attacker)).status, 200);
  });

  test("do not use up an operator's limit if a page on another site makes the operator's browser send them", async () => {
    const node = createNode(opened.store, { monotonic: () => 0 });
    await addOperator(opened.store, 'visitor', 'viewer');
    const own = await logIn(opened.store, 'visitor');
    for (let count = 0; count < 50; count += 1) {
      const response = await node.fetch(toRead(own, { 'Sec-Fetch-Site': 'same-site' }), attacker);
      assert.equal(response.status, 401);
    }
    assert.equal((await node.fetch(toRead(own), attacker)).status, 200);
  });
});
