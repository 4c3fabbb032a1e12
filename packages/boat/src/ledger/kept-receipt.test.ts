import assert from 'node:assert/strict';
import test from 'node:test';
import type { Receipt, RejectedRecord } from '@d3kos/protocol';
import { boundRejected, sumImported, toKeptReceipt } from './kept-receipt.ts';

const receiptWith = (over: Partial<Receipt>): Receipt => ({
  status: 'success',
  import_id: 'import_1',
  export_id: 'exp_1',
  part: { index: 1, count: 1 },
  sha256: 'a'.repeat(64),
  records_imported: { boatlog: 3 },
  rejected_records: [],
  duplicate: false,
  timestamp: '2026-01-01T00:00:00Z',
  ...over,
});
const rejected = (n: number, over: Partial<RejectedRecord> = {}): RejectedRecord => ({
  category: 'boatlog',
  record_id: String(n),
  reason: 'odd',
  ...over,
});

test('counts only known categories, whatever names a receipt contains', () => {
  // Parses JSON instead of using an object literal, in which `__proto__` would set the prototype.
  const counts = JSON.parse('{"boatlog":2,"__proto__":5,"constructor":6,"toString":7,"gold":8}') as Record<
    string,
    number
  >;
  const receipts = [receiptWith({ records_imported: counts }), receiptWith({})];
  assert.deepEqual(Object.entries(sumImported(receipts)), [['boatlog', 5]]);
  assert.equal(Object.getPrototypeOf(sumImported(receipts)), Object.prototype);
  assert.deepEqual(sumImported([receiptWith({ records_imported: { boatlog: 1e300 } })]), {
    boatlog: Number.MAX_SAFE_INTEGER,
  });
});

test('a receipt of any size is stored in at most 40,000 characters', () => {
  const large: readonly Partial<Receipt>[] = [
    { import_id: 'i'.repeat(900_000), timestamp: 't'.repeat(900_000) },
    { rejected_records: Array.from({ length: 20_000 }, (_, n) => rejected(n)) },
    { rejected_records: [rejected(1, { reason: 'r'.repeat(900_000) })] },
    { rejected_records: [rejected(1, { record_id: 'r'.repeat(900_000) })] },
    {
      rejected_records: Array.from({ length: 3_000 }, (_, n) =>
        rejected(n, { record_id: String(n).padStart(300, '0') }),
      ),
    },
    { records_imported: Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`name ${n}`, n])) },
    { extra: 'x'.repeat(900_000) } as Partial<Receipt>,
  ];
  for (const over of large) assert.ok(JSON.stringify(toKeptReceipt(receiptWith(over))).length <= 40_000);
});

test('an incomplete list of rejected records is marked as such', () => {
  const few = Array.from({ length: 100 }, (_, n) => rejected(n));
  assert.deepEqual(boundRejected(few), few);
  const lists = [
    Array.from({ length: 5_000 }, (_, n) => rejected(n)),
    [rejected(1), rejected(2, { record_id: 'x'.repeat(301) })],
    [rejected(1), rejected(2, { category: 'constructor' })],
  ];
  for (const list of lists) assert.equal(boundRejected(list).at(-1)?.category, '*');
});
