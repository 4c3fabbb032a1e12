import assert from 'node:assert/strict';
import test from 'node:test';
import type { HeldParts } from '@d3kos/protocol';
import { type Transport, TransportError } from '../platform/ports.ts';
import { fetchHeldParts } from './held-parts.ts';

const EXPORT_ID = 'exp_1';
const NEVER = new AbortController().signal;

/** The held parts from `firstIndex` on, and the value of `after` in each query, if central answers with `answer`. */
async function query(answer: (after: number) => Response, firstIndex = 1) {
  const queries: number[] = [];
  const transport: Transport = async (request) => {
    const after = Number(new URL(request.url).searchParams.get('after'));
    queries.push(after);
    return answer(after);
  };
  const target = { centralUrl: 'https://central.example', token: 'token', exportId: EXPORT_ID, firstIndex };
  return { queries, held: await fetchHeldParts(transport, target, NEVER) };
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

test('held parts are queried from the first open part to the last page', async () => {
  const { queries, held } = await query((after) => holds(after + 1, after < 6 ? after + 1 : null), 5);
  assert.deepEqual(queries, [4, 5, 6]);
  assert.deepEqual(
    held.receipts.map(({ part }) => part.index),
    [5, 6, 7],
  );
  assert.ok(held.isWhole);
});

test('an answer that breaks off shows nothing about the parts it did not name', async () => {
  const { held } = await query((after) => {
    if (after > 0) throw new TransportError('exchange', 'ECONNRESET', 'the connection broke');
    return holds(1, 1);
  });
  assert.equal(held.receipts.length, 1);
  assert.ok(!held.isWhole);
});

test('a central without the route, a web page and the answer for another export show nothing', async () => {
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
