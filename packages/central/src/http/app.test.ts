import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { HealthSchema, toConfigurationPath } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { CentralFailure } from '../platform/errors.ts';
import { SILENT_LOG } from '../platform/log.ts';
import { openPgStore } from '../platform/pg-store.ts';
import { describeOnPostgres, openEmbedded } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  expectRefusal,
  importDocument,
  NOON_MS,
  OPERATOR_TOKEN,
  startNode,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

function get(path: string, authorization?: string): Request {
  return new Request(`http://central.test${path}`, {
    headers: authorization === undefined ? {} : { Authorization: authorization },
  });
}

describeOnPostgres('the API', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('returns its name and time without credentials', async () => {
    const answer = await startNode(open().store).fetch(get('/api/v1/health'));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('Date'), 'Mon, 01 Jun 2026 12:00:00 GMT');
    const health: unknown = await answer.json();
    assert.ok(Compile(HealthSchema).Check(health));
    assert.deepEqual(health, { service: 'd3kos-central', status: 'ok', time: '2026-06-01T12:00:00.000Z' });
  });

  test('answers unknown routes with 404 and other methods with 405, as JSON', async () => {
    const app = startNode(open().store);
    for (const path of ['/nothing', '/api/v1/data', '/api/v1/data/import/1/2'])
      await expectRefusal(app, get(path), 404, 'NOT_FOUND');
    const wrong = await expectRefusal(app, get('/api/v1/data/import'), 405, 'METHOD_NOT_ALLOWED');
    assert.equal(wrong.headers.get('Allow'), 'POST');
    const posted = new Request('http://central.test/api/v1/health', { method: 'POST' });
    await expectRefusal(app, posted, 405, 'METHOD_NOT_ALLOWED');
  });

  test('lets an erasure, but no other request, take longer than the usual silence of a connection', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const limits: number[] = [];
    const connection = {
      remoteAddress: undefined,
      limitSilence: (maxMs: number) => void limits.push(maxMs),
    };
    const erase = (authorization: string) =>
      new Request(`http://central.test/api/v1/installations/${boat.id}/erase`, {
        method: 'POST',
        headers: { Authorization: authorization, 'Content-Type': 'application/json' },
        body: JSON.stringify({ installation_id: boat.id }),
      });
    const imported = await app.fetch(toImportRequest(boat, toDocument(boat)), connection);
    assert.equal(imported.status, 200);
    assert.equal((await app.fetch(erase('Bearer of-no-operator'), connection)).status, 401);
    assert.deepEqual(limits, []);
    assert.equal((await app.fetch(erase(`Bearer ${OPERATOR_TOKEN}`), connection)).status, 200);
    assert.deepEqual(limits, [900_000]);
  });

  test("reports a boat's stored records and missing exports to that boat", async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    for (const sequence of [3, 7]) await importDocument(app, boat, toDocument(boat, { sequence }));
    const half = { sequence: 5, part: { index: 2, count: 2 }, data: toBoatlog([{ record_id: '2' }]) };
    await importDocument(app, boat, toDocument(boat, half));
    const path = `/api/v1/data/export/status?installation_id=${boat.id}`;
    const answer = await app.fetch(get(path, `Bearer ${boat.token}`));
    const status = (await answer.json()) as Record<string, unknown>;
    assert.equal(answer.status, 200);
    assert.deepEqual(status['missing_sequences'], [1, 2, 4, 5, 6]);
    assert.equal(status['records_synced'], 2);
    assert.deepEqual(status['last_export'], {
      export_id: 'export_5',
      export_timestamp: '2026-06-01T11:59:00Z',
      received_at: '2026-06-01T12:00:00.000Z',
    });
    for (const key of ['pending_records', 'storage_used_mb', 'next_scheduled_export'])
      assert.ok(key in status, key);
    const rest = { sequence: 5, part: { index: 1, count: 2 }, data: toBoatlog([{ record_id: '3' }]) };
    await importDocument(app, boat, toDocument(boat, rest));
    const whole = (await (await app.fetch(get(path, `Bearer ${boat.token}`))).json()) as Record<
      string,
      unknown
    >;
    assert.deepEqual(whole['missing_sequences'], [1, 2, 4, 6]);
  });

  test('returns the newest onboarding and settings to a reflashed boat, as the boat sent them', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const path = `/api/v1/installations/${boat.id}/configuration`;
    const empty = (await (await app.fetch(get(path, `Bearer ${boat.token}`))).json()) as Record<
      string,
      unknown
    >;
    assert.deepEqual([empty['onboarding'], empty['settings']], [null, null]);
    const onboarding = {
      record_id: 'onboarding',
      configuration: { q1: 'Sea Ray', dir: 'ltr' },
      reset_count: 2,
    };
    const data = { onboarding: { category: 'onboarding', data: onboarding } };
    await importDocument(app, boat, toDocument(boat, { data }));
    const answer = await app.fetch(get(path, `Bearer ${boat.token}`));
    const given = (await answer.json()) as { onboarding: { record: unknown } };
    assert.deepEqual(given.onboarding.record, onboarding);
  });

  test('does not read a configuration record that the database expands beyond the size limit', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    // 60 KB of these numbers compress to a few hundred bytes, and the database writes them as 3 MB.
    const swelling = { record_id: 'onboarding', numbers: Array.from({ length: 9_900 }, () => 1e300) };
    const data = {
      onboarding: { category: 'onboarding', data: swelling },
      settings: { category: 'settings', data: { record_id: 'settings', language: 'en' } },
    };
    await importDocument(app, boat, toDocument(boat, { data }));
    const path = `/api/v1/installations/${boat.id}/configuration`;
    const answer = await app.fetch(get(path, `Bearer ${boat.token}`));
    const given = (await answer.json()) as Record<'onboarding' | 'settings', { record: unknown }>;
    assert.ok(given.onboarding.record === null, 'the record was read');
    assert.deepEqual(given.settings.record, { record_id: 'settings', language: 'en' });
  });

  test('shows no boat to another boat, and every boat to the operator', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const app = startNode(store);
    await importDocument(app, boat, toDocument(boat));
    const paths = [
      `/api/v1/data/export/status?installation_id=${boat.id}`,
      `/api/v1/installations/${boat.id}/configuration`,
    ];
    for (const path of paths) {
      await expectRefusal(app, get(path, `Bearer ${other.token}`), 403, 'INSTALLATION_MISMATCH');
      await expectRefusal(app, get(path), 401, 'INVALID_TOKEN');
      await expectRefusal(app, get(path, `Bearer ${boat.id}`), 401, 'INVALID_TOKEN');
      assert.equal((await app.fetch(get(path, `Bearer ${OPERATOR_TOKEN}`))).status, 200);
    }
    const older = await enrollBoat(store, true);
    const ownPath = `/api/v1/installations/${older.id}/configuration`;
    await expectRefusal(app, get(ownPath, `Bearer ${older.id}`), 401, 'INVALID_TOKEN');
    // The answer to a boat does not reveal whether the other installation exists.
    const nobody = get(
      '/api/v1/data/export/status?installation_id=ffffffffffffffff',
      `Bearer ${other.token}`,
    );
    await expectRefusal(app, nobody, 403, 'INSTALLATION_MISMATCH');
    await expectRefusal(app, get('/api/v1/data/export/status'), 400, 'INVALID_FORMAT');
    // An operator who mistypes an ID must not get an empty status.
    for (const path of paths) {
      const unknown = get(path.replace(boat.id, 'ffffffffffffffff'), `Bearer ${OPERATOR_TOKEN}`);
      await expectRefusal(app, unknown, 404, 'NOT_FOUND');
    }
  });

  test('returns the fleet only to operators, and serves a page that contains no data', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    await importDocument(app, boat, toDocument(boat));
    const path = `/api/v1/fleet/installations?search=${boat.id}`;
    const basic = `Basic ${btoa(`anybody:${OPERATOR_TOKEN}`)}`;
    for (const authorization of [`Bearer ${OPERATOR_TOKEN}`, `bearer ${OPERATOR_TOKEN}`]) {
      const answer = await app.fetch(get(path, authorization));
      assert.equal(answer.status, 200);
      assert.ok((await answer.text()).includes(boat.id));
    }
    for (const authorization of [undefined, `Bearer ${boat.token}`, basic, 'Basic ???'])
      await expectRefusal(app, get(path, authorization), 401, 'INVALID_TOKEN');
    const closed = startNode(store, { operatorToken: undefined });
    await expectRefusal(closed, get(path, 'Bearer undefined'), 401, 'INVALID_TOKEN');
    const page = await app.fetch(get('/'));
    const policy = page.headers.get('Content-Security-Policy') ?? '';
    assert.match(
      policy,
      /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'.*require-trusted-types-for/,
    );
    assert.ok(!(await page.text()).includes(boat.id));
  });

  test('exposes metrics that identify no boat, and an OpenAPI document', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    await importDocument(app, boat, toDocument(boat));
    await importDocument(app, boat, toDocument(boat));
    const text = await (await app.fetch(get('/metrics'))).text();
    assert.match(text, /^d3kos_central_import_answers_total\{code="STORED"\} 1$/m);
    assert.match(text, /^d3kos_central_import_answers_total\{code="REPEATED"\} 1$/m);
    assert.ok(!text.includes(boat.id));
    const api = (await (await app.fetch(get('/openapi.json'))).json()) as { paths: object };
    assert.ok('/api/v1/data/import' in api.paths);
  });

  test('answers a defect with INTERNAL, without details in the answer or tokens in the log', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const lines: string[] = [];
    const log = {
      write: (...line: unknown[]) => {
        lines.push(JSON.stringify(line));
      },
    };
    const failing = {
      ...store,
      transaction: () =>
        Promise.reject(new CentralFailure('STORE_FAILED', 'secret detail', { op: 'x', hint: 'y' })),
    };
    const app = startNode(failing, { log });
    const { body } = await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 500, 'INTERNAL');
    assert.ok(!body.message.includes('secret detail'));
    assert.ok(lines.some((line) => line.includes('secret detail')));
    assert.ok(lines.every((line) => !line.includes(boat.token)));
  });
});

test("limits a boat's concurrent queries, so that other boats' imports still get a connection", async () => {
  const { store, secondStore, close } = await openEmbedded();
  try {
    await migrate(store, NOON_MS);
    const [curious, other] = [await enrollBoat(store), await enrollBoat(store)];
    const app = startNode(store);
    const ask = () => app.fetch(get(toConfigurationPath(curious.id), `Bearer ${curious.token}`));
    let answers: readonly Promise<Response>[] = [];
    // The lock simulates a query that takes seconds.
    await secondStore.transaction(async (tx) => {
      await tx.query('lock table records_onboarding in access exclusive mode');
      let answered = 0;
      answers = Array.from({ length: 20 }, async () => ask().finally(() => (answered += 1)));
      for (let waiting = 0; waiting < 10 && answered + waiting < 20;) {
        const [row] = await tx.query('select count(*)::int as waiting from pg_locks where not granted');
        waiting = Number(row?.['waiting']);
      }
      const data = { settings: { category: 'settings', data: { record_id: 'settings' } } };
      await importDocument(app, other, toDocument(other, { data }));
    });
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    assert.deepEqual(
      [200, 429].map((status) => statuses.filter((one) => one === status).length),
      [2, 18],
    );
    assert.equal((await ask()).status, 200);
  } finally {
    await close();
  }
});

test('answers imports with 503 and Retry-After while the database is not available, and from the first failure also health requests', async () => {
  const store = openPgStore({ host: '/nonexistent', user: 'nobody', database: 'none' }, SILENT_LOG);
  try {
    const app = startNode(store);
    const boat = { id: '0123456789abcdef', token: 'x'.repeat(43) };
    assert.equal((await app.fetch(get('/api/v1/health'))).status, 200);
    const { headers } = await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 503, 'UNAVAILABLE');
    assert.match(headers.get('Retry-After') ?? '', /^[1-9]\d*$/);
    await expectRefusal(app, get('/api/v1/health'), 503, 'UNAVAILABLE');
  } finally {
    await store.close();
  }
});
