import assert from 'node:assert/strict';
import test from 'node:test';
import type { HeldParts } from '@d3kos/protocol';
import type { Ledger } from '../ledger/ledger.ts';
import { type Transport, TransportError } from '../platform/ports.ts';
import { fetchHeldPartsIfUnsure } from './held-parts.ts';

const EXPORT_ID = 'exp_1';
const NEVER = new AbortController().signal;

/** What comes of asking about parts from `firstIndex` on, and what was asked, where each question is answered by `answer`. */
async function ask(answer: (after: number) => Response, firstIndex = 1, bundled = '') {
  const asked: number[] = [];
  const transport: Transport = async (request) => {
    const after = Number(new URL(request.url).searchParams.get('after'));
    asked.push(after);
    return answer(after);
  };
  // What asking touches of the ledger.
  const ledger = { facts: { get: () => bundled } } as unknown as Ledger;
  const target = {
    centralUrl: 'https://central.example',
    token: 'token',
    exportId: EXPORT_ID,
    firstIndex,
    mayBeHeld: bundled === '',
  };
  return { asked, held: await fetchHeldPartsIfUnsure({ ledger, world: { transport } }, target, NEVER) };
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

test('what central holds is asked for from the first open part on, to the end', async () => {
  const { asked, held } = await ask((after) => holds(after + 1, after < 6 ? after + 1 : null), 5);
  assert.deepEqual(asked, [4, 5, 6]);
  assert.deepEqual(
    held.receipts.map(({ part }) => part.index),
    [5, 6, 7],
  );
  assert.ok(held.isWhole);
});

test('an answer that breaks off says nothing of what it did not name', async () => {
  const { held } = await ask((after) => {
    if (after > 0) throw new TransportError('exchange', 'ECONNRESET', 'the connection broke');
    return holds(1, 1);
  });
  assert.equal(held.receipts.length, 1);
  assert.ok(!held.isWhole);
});

test('a central that does not know the question says nothing', async () => {
  const answers = [
    () => Response.json({ status: 'error', error_code: 'NOT_FOUND', message: 'no route' }, { status: 404 }),
    () => new Response('<html></html>', { status: 200 }),
    () => Response.json({ status: 'success', export_id: 'exp_2', parts: [], next: null }),
  ];
  for (const answer of answers) {
    const { held } = await ask(answer);
    assert.deepEqual(held.receipts, []);
    assert.ok(!held.isWhole);
  }
});

test('of an export that is on no stick, and whose part was answered, nothing is asked', async () => {
  const { asked } = await ask(() => holds(1, null), 1, 'exp_other');
  assert.deepEqual(asked, []);
});
