import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { toContentDigest } from '@d3kos/protocol';
import { revoke } from '../installations/enroll.ts';
import type { Store } from '../platform/ports.ts';
import { describeOnEveryStore } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  type EnrolledBoat,
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

describeOnEveryStore('import', (open) => {
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
        ]),
        marine_vision_captures: {
          category: 'marine_vision_captures',
          entries: [{ record_id: 'c1', species: 'pike' }],
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
          boatlog: 2,
          marine_vision_captures: 1,
          qr_codes: 0,
          settings: 1,
          system_alerts: 1,
          onboarding: 0,
        },
        rejected_records: [],
        duplicate: false,
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

  test('refuses another body under a key that is taken, and keeps what it has', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    await importDocument(startNode(store), boat, toDocument(boat));
    const other = toDocument(boat, { data: toBoatlog([{ record_id: '1', content: 'storm' }]) });
    await expectRefusal(startNode(store), toImportRequest(boat, other), 409, 'IDEMPOTENCY_CONFLICT');
    const [held] = await heldRecords(store, boat);
    assert.match(String(held?.['json']), /calm/);
  });

  test('stores a part once when two nodes get it ten times at once', async () => {
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

  test('takes gzip, br and zstd, tells so in every answer, and refuses other codings', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const codings = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync };
    let sequence = 0;
    for (const [coding, compress] of Object.entries(codings)) {
      sequence += 1;
      const document = toDocument(boat, { sequence });
      const body = compress(JSON.stringify(document));
      const answer = await app.fetch(
        new Request(toImportRequest(boat, document), {
          body,
          headers: {
            Authorization: `Bearer ${boat.token}`,
            'Content-Type': 'application/json',
            'Content-Encoding': coding,
            'Content-Digest': toContentDigest(createHash('sha256').update(body).digest('base64')),
          },
        }),
      );
      assert.equal(answer.status, 200, coding);
      assert.equal(answer.headers.get('Accept-Encoding'), 'gzip, br, zstd');
    }
    const deflate = toImportRequest(boat, toDocument(boat), { headers: { 'Content-Encoding': 'deflate' } });
    await expectRefusal(app, deflate, 415, 'UNSUPPORTED_MEDIA_TYPE');
    const notGzip = toImportRequest(boat, toDocument(boat), { headers: { 'Content-Encoding': 'gzip' } });
    await expectRefusal(app, notGzip, 400, 'INVALID_FORMAT');
  });

  test('refuses a body that does not match its digest, and takes one without', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const wrong = toContentDigest(createHash('sha256').update('other').digest('base64'));
    const request = toImportRequest(boat, toDocument(boat), { headers: { 'Content-Digest': wrong } });
    await expectRefusal(startNode(store), request, 400, 'INVALID_DIGEST');
    for (const unreadable of ['garbage', 'sha-256=:AAAA:', 'md5=:AAAA:', '']) {
      const headers = { 'Content-Digest': unreadable };
      await expectRefusal(
        startNode(store),
        toImportRequest(boat, toDocument(boat), { headers }),
        400,
        'INVALID_DIGEST',
      );
    }
    assert.deepEqual(await heldRecords(store, boat), []);
    await importDocument(startNode(store), boat, toDocument(boat), {
      headers: { 'Content-Digest': undefined },
    });
  });

  test('answers a bomb of 1 GB with 413 in bounded memory', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const bombs = { gzip: gzipBomb(), zstd: zstdBomb() };
    const app = startNode(store);
    const rssBefore = process.memoryUsage().rss;
    for (const [coding, bomb] of Object.entries(bombs)) {
      assert.ok(bomb.length < 2_000_000, `${coding}: ${bomb.length}`);
      const request = new Request(toImportRequest(boat, ''), {
        body: bomb,
        headers: {
          Authorization: `Bearer ${boat.token}`,
          'Content-Type': 'application/json',
          'Content-Encoding': coding,
        },
      });
      await expectRefusal(app, request, 413, 'BODY_TOO_LARGE');
    }
    const grownBytes = process.memoryUsage().rss - rssBefore;
    assert.ok(grownBytes < 200 * 1_048_576, `memory grew by ${grownBytes}`);
  });

  test('stops reading a body above the limit, whether it says so or not', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store, { limits: { bodySizeMaxBytes: 65_536 } });
    const large = toImportRequest(boat, `{"pad":"${'x'.repeat(70_000)}"}`);
    await expectRefusal(app, large, 413, 'BODY_TOO_LARGE');
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(10_000));
      },
    });
    const request = new Request(toImportRequest(boat, ''), { body: endless, duplex: 'half' } as RequestInit);
    await expectRefusal(app, request, 413, 'BODY_TOO_LARGE');
    assert.ok(pulled < 20, `${pulled} chunks were read`);
  });

  test('answers a small body of more records than a boat has with 413, before any of them is looked at', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const records = Array.from({ length: 250_001 }, () => '{}').join();
    const text = JSON.stringify(toDocument(boat)).replace(/"entries":\[.*?\]/, `"entries":[${records}]`);
    const request = toImportRequest(boat, text, { coding: 'gzip' });
    await expectRefusal(startNode(store), request, 413, 'BODY_TOO_LARGE');
  });

  test('answers a small body of millions of values with 413 before it makes anything of them, wherever they are', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const text = JSON.stringify(toDocument(boat, { data: toBoatlog([{ record_id: 'a', list: 'HERE' }]) }));
    for (const value of ['0', '{}', '[]'])
      for (const [from, to] of [
        ['"HERE"', `[${`${value},`.repeat(2_500_000)}1234567890123456789]`],
        ['"data"', `"more":[${`${value},`.repeat(2_500_000)}0],"data"`],
      ] as const) {
        const request = toImportRequest(boat, text.replace(from, to), { coding: 'gzip' });
        await expectRefusal(app, request, 413, 'BODY_TOO_LARGE');
      }
  });

  test('tells a boat whose body ended early to try again', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.error(new Error('reset'));
      },
    });
    const request = new Request(toImportRequest(boat, ''), { body: broken, duplex: 'half' } as RequestInit);
    await expectRefusal(startNode(store), request, 408, 'UNAVAILABLE');
  });

  test('refuses what is not a document of format 1.0, naming the version', async () => {
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

  test('takes the document of an older boat, once, however often it is sent', async () => {
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

  test('lets a boat write only as itself', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const app = startNode(store);
    await expectRefusal(app, toImportRequest(other, toDocument(boat)), 403, 'INSTALLATION_MISMATCH');
    for (const bearer of [boat.id, 'x'.repeat(43), '%', `${boat.token}x`])
      await expectRefusal(app, toImportRequest(boat, toDocument(boat), { bearer }), 401, 'INVALID_TOKEN');
    const anonymous = toImportRequest(boat, toDocument(boat), { headers: { Authorization: undefined } });
    const { headers } = await expectRefusal(app, anonymous, 401, 'INVALID_TOKEN');
    assert.match(headers.get('WWW-Authenticate') ?? '', /^Bearer/);
    assert.deepEqual(await heldRecords(store, boat), []);
  });

  test('turns a disabled installation away with 403 and a revoked token with 401', async () => {
    const { store } = open();
    const boat = await enrollBoat(store, true);
    const app = startNode(store);
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'installation');
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 403, 'INSTALLATION_DISABLED');
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'tokens');
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 401, 'INVALID_TOKEN');
    await expectRefusal(
      app,
      toImportRequest(boat, toDocument(boat), { bearer: boat.id }),
      401,
      'INVALID_TOKEN',
    );
  });

  test('keeps no boat out for others on slow links, and one boat to its own limit with 429', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const app = startNode(store, { limits: { importsMax: 1, installationImportsMax: 1 } });
    const slow = slowBody(boat);
    const first = app.fetch(slow.request);
    await slow.isRead;
    const busy = await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 429, 'TOO_MANY_REQUESTS');
    assert.match(busy.headers.get('Retry-After') ?? '', retryAfter);
    await importDocument(app, other, toDocument(other));
    slow.end();
    assert.equal((await first).status, 200);
  });

  test('stores no more at once than it may, lets a few wait their turn, and refuses the others with 503', async () => {
    const { store } = open();
    const gate = Promise.withResolvers<void>();
    let storing = 0;
    let storingMost = 0;
    const slowStore: Store = {
      ...store,
      async transaction(work) {
        storing += 1;
        storingMost = Math.max(storingMost, storing);
        await gate.promise;
        return store.transaction(work).finally(() => (storing -= 1));
      },
    };
    const boats = await Promise.all(Array.from({ length: 5 }, () => enrollBoat(store)));
    const late = await enrollBoat(store);
    const app = startNode(slowStore, { limits: { importsMax: 1, installationImportsMax: 1 } });
    const imports = boats.map((boat) => app.fetch(toImportRequest(boat, toDocument(boat))));
    // One is being stored and four wait, which the node says of itself.
    while (!/imports_under_way 5\n/.test(await (await app.fetch(metricsRequest())).text()))
      await setImmediate();
    while (storing === 0) await setImmediate();
    const full = await expectRefusal(app, toImportRequest(late, toDocument(late)), 503, 'UNAVAILABLE');
    assert.match(full.headers.get('Retry-After') ?? '', retryAfter);
    gate.resolve();
    for (const answer of await Promise.all(imports)) assert.equal(answer.status, 200);
    assert.equal(storingMost, 1);
    await importDocument(app, late, toDocument(late));
    assert.match(await (await app.fetch(metricsRequest())).text(), /imports_under_way 0\n/);
  });

  test('holds no more of unfinished bodies than its largest imports would take, and refuses what is beyond with 503', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const limits = { importsMax: 1, installationImportsMax: 2, bodySizeMaxBytes: 1_000 };
    const app = startNode(store, { limits });
    const slow = slowBody(boat, Buffer.alloc(900));
    const first = app.fetch(slow.request);
    await slow.isRead;
    const full = await expectRefusal(app, toImportRequest(other, toDocument(other)), 503, 'UNAVAILABLE');
    assert.match(full.headers.get('Retry-After') ?? '', retryAfter);
    slow.end();
    await (await first).body?.cancel();
    await importDocument(app, other, toDocument(other));
  });
});

const retryAfter = /^[1-9]\d*$/;

function metricsRequest(): Request {
  return new Request('http://central.test/metrics');
}

/** A request whose body, behind what comes at once, comes only when told, and that says when it is being read. */
function slowBody(boat: EnrolledBoat, atOnce?: Uint8Array) {
  const text = Buffer.from(JSON.stringify(toDocument(boat)));
  let left = atOnce;
  const read = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (left !== undefined) {
          controller.enqueue(left);
          left = undefined;
          return;
        }
        read.resolve();
        await release.promise;
        controller.enqueue(text);
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const ordinary = toImportRequest(boat, toDocument(boat), { headers: { 'Content-Digest': undefined } });
  return {
    request: new Request(ordinary, { body, duplex: 'half' } as RequestInit),
    isRead: read.promise,
    end: () => release.resolve(),
  };
}

/** 1 GB of spaces as one gzip body: members of 64 MB, one after the other, are one body too. */
function gzipBomb(): Buffer {
  const member = gzipSync(Buffer.alloc(64 << 20, ' '), { level: 9 });
  return Buffer.concat(Array.from({ length: 16 }, () => member));
}

function zstdBomb(): Buffer {
  const frame = zstdCompressSync(Buffer.alloc(64 << 20, ' '));
  return Buffer.concat(Array.from({ length: 16 }, () => frame));
}
