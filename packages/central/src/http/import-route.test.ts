import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { before, test } from 'node:test';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  expectRefusal,
  heldRecords,
  importDocument,
  NOON_MS,
  startNode,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

describeOnPostgres('import', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('stores every category and answers with the receipt of the decoded body', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const document = toDocument(boat, {
      data: {
        ...toBoatlog([
          {
            record_id: '1',
            timestamp: '2026-05-31T10:00:00Z',
            entry_type: 'voice',
            latitude: 43.5,
            longitude: -79.1,
          },
          { record_id: '2', timestamp: '20260322_122202', type: 'engine' },
          { record_id: '3', type: 'auto', gps: { latitude: 214.7483647, longitude: 214.7483647 } },
        ]),
        marine_vision_captures: {
          category: 'marine_vision_captures',
          entries: [{ record_id: 'c1', species: 'pike', gps: { latitude: 0, longitude: 0 } }],
        },
        system_alerts: { category: 'system_alerts', entries: [{ record_id: 'a1', status: 'detected' }] },
        settings: { category: 'settings', data: { record_id: 'settings', timezone: 'UTC' } },
        onboarding: { category: 'onboarding', entry_count: 0, data: {} },
        qr_codes: { category: 'qr_codes', state: 'source_missing', entry_count: 0, entries: [] },
      },
    });
    const text = JSON.stringify(document);
    const receipt = await importDocument(startNode(store), boat, document, { coding: 'gzip' });
    assert.deepEqual(
      { ...receipt, import_id: typeof receipt.import_id },
      {
        status: 'success',
        import_id: 'string',
        export_id: 'export_1',
        part: { index: 1, count: 1 },
        sha256: createHash('sha256').update(text).digest('hex'),
        records_imported: {
          boatlog: 3,
          marine_vision_captures: 1,
          qr_codes: 0,
          settings: 1,
          system_alerts: 1,
          onboarding: 0,
        },
        rejected_records: [],
        duplicate: false,
        missing_sequences: [],
        timestamp: '2026-06-01T12:00:00.000Z',
      },
    );
    const typed = await store.query(
      `select entry_type, latitude, recorded_at is null as has_no_time from records_boatlog where installation_id = $1 order by record_id`,
      [boat.id],
    );
    assert.deepEqual(
      typed.map((row) => ({ ...row })),
      [
        { entry_type: 'voice', latitude: 43.5, has_no_time: false },
        { entry_type: 'engine', latitude: null, has_no_time: true },
        { entry_type: 'auto', latitude: null, has_no_time: true },
      ],
    );
    const withoutFix = await store.query(
      `select latitude, longitude, record->'gps'->>'latitude' as sent from records_boatlog
         where installation_id = $1 and record_id = '3'
       union all select latitude, longitude, record->'gps'->>'latitude' from records_marine_vision_captures
         where installation_id = $1`,
      [boat.id],
    );
    assert.deepEqual(
      withoutFix.map((row) => ({ ...row })),
      [
        { latitude: null, longitude: null, sent: '214.7483647' },
        { latitude: null, longitude: null, sent: '0' },
      ],
    );
  });

  test('answers the same bytes under the same key with the same receipt, marked as duplicate, and changes nothing', async () => {
    const { store, secondStore } = open();
    const boat = await enrollBoat(store);
    const first = await importDocument(startNode(store), boat, toDocument(boat));
    const before = await store.query('select * from installations where installation_id = $1', [boat.id]);
    const later = startNode(secondStore, { wall: () => NOON_MS + 60_000 });
    const second = await importDocument(later, boat, toDocument(boat), { coding: 'gzip' });
    assert.deepEqual(second, { ...first, duplicate: true });
    assert.deepEqual(
      await store.query('select * from installations where installation_id = $1', [boat.id]),
      before,
    );
  });

  test('refuses a different body under a stored key, and keeps the stored body', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    await importDocument(startNode(store), boat, toDocument(boat));
    const other = toDocument(boat, { data: toBoatlog([{ record_id: '1', content: 'storm' }]) });
    await expectRefusal(startNode(store), toImportRequest(boat, other), 409, 'IDEMPOTENCY_CONFLICT');
    const [held] = await heldRecords(store, boat);
    assert.match(String(held?.['json']), /calm/);
  });

  test('stores a part once even if two nodes receive it ten times at the same time', async () => {
    const { store, secondStore } = open();
    const boat = await enrollBoat(store);
    const limits = { importsMax: 20, installationImportsMax: 20 };
    const nodes = [startNode(store, { limits }), startNode(secondStore, { limits })] as const;
    const receipts = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        importDocument(nodes[index % 2 === 0 ? 0 : 1], boat, toDocument(boat)),
      ),
    );
    assert.equal(receipts.filter(({ duplicate }) => !duplicate).length, 1);
    assert.equal(new Set(receipts.map(({ import_id }) => import_id)).size, 1);
    assert.equal((await heldRecords(store, boat)).length, 1);
  });

  test('refuses a body that is not a document of format 1.0, and states the required version', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const good = toDocument(boat);
    const bodies = [
      '',
      'null',
      '[]',
      '{"format_version":"1.0"}',
      'not json',
      JSON.stringify({ ...good, format_version: '2.0' }),
      JSON.stringify({ ...good, installation_id: 'nobody' }),
      JSON.stringify({ ...good, data: [] }),
      JSON.stringify({ ...good, data: { boatlog: { category: 'boatlog', entries: 'none' } } }),
      JSON.stringify({ ...good, data: { boatlog: null } }),
      JSON.stringify({ ...good, sequence: 1e300 }),
      JSON.stringify({ ...good, part: { index: 3, count: 2 } }),
      '['.repeat(100_000),
    ];
    for (const body of bodies) {
      const { body: error } = await expectRefusal(app, toImportRequest(boat, body), 400, 'INVALID_FORMAT');
      assert.equal(error.required_version, '1.0', body.slice(0, 60));
    }
    const latin1 = new Request(toImportRequest(boat, ''), { body: new Uint8Array([0x22, 0xe9, 0x22]) });
    latin1.headers.delete('Content-Digest');
    await expectRefusal(app, latin1, 400, 'INVALID_FORMAT');
    const html = toImportRequest(boat, good, { headers: { 'Content-Type': 'text/html' } });
    await expectRefusal(app, html, 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  test('refuses a key that contradicts its document', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    for (const key of ['export_1/2', 'export_2/1', 'export_1', 'export_1/0', ' ']) {
      const request = toImportRequest(boat, toDocument(boat), { headers: { 'Idempotency-Key': key } });
      await expectRefusal(startNode(store), request, 400, 'INVALID_FORMAT');
    }
  });

  test("stores an older boat's document once, however often it is sent", async () => {
    const { store } = open();
    const boat = await enrollBoat(store, true);
    const body = JSON.stringify({
      installation_id: boat.id,
      export_timestamp: '2026-02-20T10:05:30.123456Z',
      format_version: '1.0',
      data: {
        ...toBoatlog([
          { entry_id: 1, timestamp: '2026-02-20T10:00:00Z', type: 'voice', gps: { latitude: 1.5 } },
        ]),
        settings: { category: 'settings', data: { license: { tier: 2 } } },
        telemetry: { category: 'telemetry', data: { system_uptime_seconds: 5 } },
        onboarding: { category: 'onboarding', data: {}, error: 'no file' },
      },
    });
    const sending = { bearer: boat.id, headers: { 'Content-Digest': undefined } };
    const app = startNode(store);
    const first = await importDocument(app, boat, body, sending);
    assert.deepEqual(first.records_imported, { boatlog: 1, settings: 1, onboarding: 0, telemetry: 1 });
    assert.equal(first.export_id, `sha256-${first.sha256}`);
    assert.equal((await importDocument(app, boat, body, sending)).duplicate, true);
    await importDocument(app, boat, body.replace('10:05:30', '11:05:30'), sending);
    const held = await Promise.all(
      ['boatlog', 'settings', 'telemetry'].map(async (name) => (await heldRecords(store, boat, name)).length),
    );
    assert.deepEqual(held, [1, 1, 2]);
  });
});
