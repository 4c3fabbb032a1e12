import { strict as assert } from 'node:assert';
import { createHash, randomBytes } from 'node:crypto';
import { before, test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { toContentDigest } from '@d3kos/protocol';
import { createInlinePreparer } from '../import/preparer.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { systemMonotonic } from '../platform/world.ts';
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

describeOnPostgres('the body of an import', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('accepts gzip, br and zstd, lists them in every answer, and refuses other codings', async () => {
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

  test('refuses a body that does not match its digest, and accepts one without a digest', async () => {
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

  test('answers a decompression bomb of 1 GB with 413 in bounded memory', async () => {
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

  test('stops reading a body above the limit, with or without Content-Length', async () => {
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

  test('answers a small body with too many records with 413 before it checks any of them', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const records = Array.from({ length: 250_001 }, () => '{}').join();
    const text = JSON.stringify(toDocument(boat)).replace(/"entries":\[.*?\]/, `"entries":[${records}]`);
    const request = toImportRequest(boat, text, { coding: 'gzip' });
    await expectRefusal(startNode(store), request, 413, 'BODY_TOO_LARGE');
  });

  test('answers a small body with millions of values with 413 before it parses them, wherever they are', async () => {
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

  test('rejects individual records that are too wide or too large before it parses them, and stores the others', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const keys = Array.from({ length: 120_000 }, (_, index) => `"k${index}":1`).join();
    const text = JSON.stringify(toDocument(boat, { data: toBoatlog([{ record_id: 'a' }, 'HERE']) })).replace(
      '"HERE"',
      `{"record_id":"keys",${keys}},{"record_id":"list","list":[${'[],'.repeat(115_000)}0]},{"record_id":"text","text":"${randomBytes(9 << 20).toString('hex')}"}`,
    );
    const receipt = await importDocument(startNode(store), boat, text, { coding: 'gzip' });
    assert.deepEqual(
      receipt.rejected_records.map(({ record_id, reason }) => [record_id, reason]),
      [
        ['keys', 'more than 100000 values'],
        ['list', 'more than 100000 values'],
        ['text', 'more than 16777216 bytes'],
      ],
    );
    assert.deepEqual(receipt.records_imported, { boatlog: 1 });
  });

  test('answers 413 to a body that decodes to far more than its size', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    for (const [coding, compress] of [
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      const body = compress(`{"pad":"${'x'.repeat(17 << 20)}"}`);
      const request = new Request(toImportRequest(boat, ''), {
        body,
        headers: {
          Authorization: `Bearer ${boat.token}`,
          'Content-Type': 'application/json',
          'Content-Encoding': coding,
        },
      });
      const { body: refusal } = await expectRefusal(app, request, 413, 'BODY_TOO_LARGE');
      assert.match(refusal.message, /times its size/);
    }
  });

  test('answers a repeated body without parsing it, but only if the sender is still authorized', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const entries = Array.from({ length: 2_000 }, (_, index) => ({
      record_id: `${index}`,
      text: `entry ${index}`,
    }));
    const document = toDocument(boat, { data: toBoatlog(entries) });
    const first = await importDocument(startNode(store), boat, document);
    const inline = createInlinePreparer(systemMonotonic);
    const unable = { ...inline, prepare: () => Promise.reject(new Error('the body was prepared again')) };
    const app = startNode(store, { preparer: unable });
    for (const coding of ['gzip', 'identity'] as const) {
      const again = await importDocument(app, boat, document, { coding });
      assert.deepEqual(again, { ...first, duplicate: true });
    }
    const other = await enrollBoat(store);
    await assert.rejects(importDocument(app, other, document), /prepared again|INTERNAL/);
  });

  test('answers a body that ended early with 408', async () => {
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
});

/** 1 GB of spaces as one gzip body: several members of 64 MB form one body. */
function gzipBomb(): Buffer {
  const member = gzipSync(Buffer.alloc(64 << 20, ' '), { level: 9 });
  return Buffer.concat(Array.from({ length: 16 }, () => member));
}

function zstdBomb(): Buffer {
  const frame = zstdCompressSync(Buffer.alloc(64 << 20, ' '));
  return Buffer.concat(Array.from({ length: 16 }, () => frame));
}
