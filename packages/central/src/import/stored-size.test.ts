import { strict as assert } from 'node:assert';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { openPglite, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { numberOf } from '../store/row.ts';
import { preparePart } from './prepare-part.ts';
import { toStoredBytes } from './stored-size.ts';

let opened: StoreUnderTest;
before(async () => {
  opened = await openPglite();
});
after(() => opened.close());

function prepareEntries(entries: readonly unknown[]) {
  const document = {
    installation_id: '0123456789abcdef',
    export_timestamp: '2026-06-01T11:59:00Z',
    format_version: '1.0',
    data: { boatlog: { category: 'boatlog', entries } },
  };
  const prepared = preparePart({
    bytes: Buffer.from(JSON.stringify(document)),
    sha256: '0'.repeat(64),
    installationId: undefined,
    idempotencyKey: undefined,
  });
  assert.ok(prepared.kind === 'prepared');
  return prepared.sorted.batches;
}

test('counts the bytes of records as PostgreSQL does, or leaves them to PostgreSQL', async () => {
  // Strings without numeric escapes, and numbers of at most 15 digits: most documents are plain.
  const text = fc.string({ unit: 'grapheme', maxLength: 12 });
  const number = fc.oneof(
    fc.integer(),
    fc.integer({ min: -9_999, max: 9_999 }).map((value) => value / 1e8),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, false, '\\"/\n\t\u2028'),
      text,
      number,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(text, tie('value'), { maxKeys: 3 }),
    ),
  }));
  let counted = 0;
  const property = fc.asyncProperty(
    fc.array(fc.dictionary(text, value, { maxKeys: 5 }), { minLength: 1, maxLength: 5 }),
    async (entries) => {
      for (const { storedBytes, columns } of prepareEntries(entries)) {
        const [row = {}] = await opened.store.query(
          'select sum(octet_length(record::text))::float8 as bytes from unnest($1::jsonb[]) as record',
          [columns[2]],
        );
        if (storedBytes !== undefined) assert.equal(storedBytes, numberOf(row, 'bytes'));
        counted += storedBytes === undefined ? 0 : 1;
      }
    },
  );
  await fc.assert(property, { numRuns: 300 });
  assert.ok(counted > 100, `counted only ${counted} documents`);
});

test('leaves numbers to PostgreSQL that JavaScript writes with an exponent', () => {
  const rate = 0.000_000_1;
  assert.equal(toStoredBytes({ rate }, JSON.stringify({ rate })), undefined);
  const [ordinary] = prepareEntries([{ record_id: 'a', rate: 0.000_001 }]);
  assert.equal(ordinary?.storedBytes, Buffer.byteLength('{"rate": 0.000001, "record_id": "a"}'));
});
