import assert from 'node:assert/strict';
import test from 'node:test';
import type { HeldParts } from '@d3kos/protocol';
import { type MonotonicMs, type Transport, TransportError } from '../platform/ports.ts';
import { fetchHeldParts } from './held-parts.ts';

const EXPORT_ID = 'exp_1';
const NEVER = new AbortController().signal;

/**
 * Queries the held parts from `firstIndex` on from a central that answers with `answer`. Also returns the value of `after` in
 * each query.
 */
async function query(answer: (after: number) => Response, firstIndex = 1, pageMs = 0) {
  let nowMs = 0;
  const queries: number[] = [];
  const transport: Transport = async (request) => {
    const after = Number(new URL(request.url).searchParams.get('after'));
    queries.push(after);
    nowMs += pageMs;
    return answer(after);
  };
  const clock = { monotonic: () => nowMs as MonotonicMs };
  const target = { centralUrl: 'https://central.example', token: 'token', exportId: EXPORT_ID, firstIndex };
  return { queries, held: await fetchHeldParts({ transport, clock }, target, NEVER) };
}

const holds = (index: number, next: number | null): Response => {
  const parts: HeldParts['parts'] = [
    {
      status: 'success',
      import_id: `import_${index}`,
      export_id: EXPORT_ID,
      part: { index, count: 9 },
      sha256: 'a'.repeat(64),
      records_imported: {},
      rejected_records: [],
      duplicate: false,
      timestamp: '2026-01-01T00:00:00Z',
    },
  ];
  return Response.json({ status: 'success', export_id: EXPORT_ID, parts, next } satisfies HeldParts);
};

test('queries held parts from the first open part to the last page', async () => {
  const { queries, held } = await query((after) => holds(after + 1, after < 6 ? after + 1 : null), 5);
  assert.deepEqual(queries, [4, 5, 6]);
  assert.deepEqual(
    held.receipts.map(({ part }) => part.index),
    [5, 6, 7],
  );
  assert.ok(held.isWhole);
});

test('an answer that breaks off proves nothing about parts that it did not list', async () => {
  const { held } = await query((after) => {
    if (after > 0) throw new TransportError('exchange', 'ECONNRESET', 'the connection broke');
    return holds(1, 1);
  });
  assert.equal(held.receipts.length, 1);
  assert.ok(!held.isWhole);
});

test('a central without the route, a web page and an answer about another export prove nothing', async () => {
  const answers = [
    () => Response.json({ status: 'error', error_code: 'NOT_FOUND', message: 'no route' }, { status: 404 }),
    () => new Response('<html></html>', { status: 200 }),
    () => Response.json({ status: 'success', export_id: 'exp_2', parts: [], next: null }),
  ];
  for (const answer of answers) {
    const { held } = await query(answer);
    assert.deepEqual(held.receipts, []);
    assert.ok(!held.isWhole);
  }
});

/** Returns a page of about `sizeBytes` that is not the last. */
const largePage = (after: number, sizeBytes: number): Response => {
  const rejected = { category: 'boatlog', record_id: '1', reason: 'x'.repeat(sizeBytes) };
  const part = {
    status: 'success',
    import_id: 'import_1',
    export_id: EXPORT_ID,
    part: { index: after + 1, count: 200 },
    sha256: 'a'.repeat(64),
    records_imported: {},
    rejected_records: [rejected],
    duplicate: false,
    timestamp: '2026-01-01T00:00:00Z',
  };
  return Response.json({ status: 'success', export_id: EXPORT_ID, parts: [part], next: after + 1 });
};

for (const sizeBytes of [2_000_000, 700_000])
  test(`ends the query before pages of ${sizeBytes} bytes exhaust memory`, async () => {
    const { queries, held } = await query((after) => largePage(after, sizeBytes));
    assert.ok(held.receipts.length * sizeBytes <= 8 * 1024 * 1024);
    assert.ok(queries.length <= held.receipts.length + 1 && held.receipts.length >= 4);
    assert.equal(held.isWhole, false);
  });

for (const pageMs of [60_000, 290_000])
  test(`ends the query after five minutes if each page takes ${pageMs} ms`, async () => {
    const { queries, held } = await query((after) => largePage(after, 10), 1, pageMs);
    assert.equal(queries.length, pageMs === 60_000 ? 6 : 2);
    assert.equal(held.isWhole, false);
  });
