import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Receipt } from '@d3kos/protocol';
import { findPartMismatch, findReceiptMismatch } from './receipt.ts';

const SHA256 = 'a'.repeat(64);
const EXPECTED = { exportId: 'export_1', part: { index: 2, count: 3 }, bodySha256: SHA256 };
const RECEIPT: Receipt = {
  status: 'success',
  import_id: 'import_1',
  export_id: 'export_1',
  part: { index: 2, count: 3 },
  sha256: SHA256,
  records_imported: {},
  rejected_records: [],
  duplicate: false,
  timestamp: '2026-11-23T00:00:00Z',
};

describe('a receipt', () => {
  const table: readonly (readonly [
    name: string,
    change: Partial<Receipt>,
    part: string | undefined,
    whole: string | undefined,
  ])[] = [
    ['for the part and its body', {}, undefined, undefined],
    ['that central repeats', { duplicate: true }, undefined, undefined],
    [
      'for a different export',
      { export_id: 'export_2' },
      'The receipt is for a different export',
      'The receipt is for a different export',
    ],
    [
      'for a different part',
      { part: { index: 1, count: 3 } },
      'The receipt is for a different part',
      'The receipt is for a different part',
    ],
    [
      'for a different number of parts',
      { part: { index: 2, count: 4 } },
      'The receipt is for a different part',
      'The receipt is for a different part',
    ],
    ['for a different body', { sha256: 'b'.repeat(64) }, undefined, 'The receipt is for a different body'],
  ];
  for (const [name, change, part, whole] of table)
    it(`${name} ${whole === undefined ? 'proves the part' : 'proves nothing'}`, () => {
      const receipt = { ...RECEIPT, ...change };
      assert.equal(findReceiptMismatch(receipt, EXPECTED), whole);
      assert.equal(findPartMismatch(receipt, EXPECTED), part);
    });
});
