import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { RECORD_SIZE_MAX_BYTES, RECORD_VALUES_MAX } from '@d3kos/protocol';
import fc from 'fast-check';
import { OUTER_VALUES_MAX, RECORDS_MAX, VALUES_MAX } from './document-limits.ts';
import { cutOversized, findRecordId, OVERSIZED_KEY, scanDocument } from './scan-document.ts';

function toBytes(text: string): Buffer {
  return Buffer.from(text);
}

function toDocument(entries: string, data = '{}'): string {
  return `{"part":{"index":1},"data":{"boatlog":{"entries":[${entries}],"data":${data}}}}`;
}

/** A record with more values than allowed. */
const WIDE = `{"record_id":"wide","list":[${'{},'.repeat(RECORD_VALUES_MAX)}0]}`;

test('changes nothing in a document within the limits, no matter what its strings contain', () => {
  const property = fc.property(fc.array(fc.jsonValue()), (entries) => {
    const bytes = toBytes(toDocument(entries.map((one) => JSON.stringify(one)).join()));
    const scan = scanDocument(bytes);
    assert.ok(scan.kind === 'within_limits');
    assert.deepEqual(scan.oversized, []);
    assert.equal(cutOversized(bytes, scan.oversized), bytes);
  });
  fc.assert(property);
});

test('cuts exactly the oversized records out of their document, and reports them', () => {
  const large = `{"record_id":"large","text":"${'\\\"]},'.repeat(RECORD_SIZE_MAX_BYTES / 4)}"}`;
  for (const oversized of [WIDE, large])
    for (const place of [0, 1, 2]) {
      const records = ['{"record_id":"a","x":[1,{}]}', '{"record_id":"b"}'];
      records.splice(place, 0, oversized);
      const bytes = toBytes(toDocument(records.join(' , ')));
      const scan = scanDocument(bytes);
      assert.ok(scan.kind === 'within_limits');
      const [found, ...more] = scan.oversized;
      assert.ok(found !== undefined && more.length === 0);
      assert.equal(findRecordId(bytes, found), oversized === WIDE ? 'wide' : 'large');
      const cut: unknown = JSON.parse(Buffer.from(cutOversized(bytes, scan.oversized)).toString());
      const expected: unknown[] = [{ record_id: 'a', x: [1, {}] }, { record_id: 'b' }];
      expected.splice(place, 0, { [OVERSIZED_KEY]: 0 });
      assert.deepEqual(cut, { part: { index: 1 }, data: { boatlog: { entries: expected, data: {} } } });
    }
});

test("cuts out a section's single document if it is oversized", () => {
  const bytes = toBytes(toDocument('', WIDE));
  const scan = scanDocument(bytes);
  assert.ok(scan.kind === 'within_limits');
  const cut = JSON.parse(Buffer.from(cutOversized(bytes, scan.oversized)).toString()) as {
    readonly data: { readonly boatlog: { readonly data: unknown } };
  };
  assert.deepEqual(cut.data.boatlog.data, { [OVERSIZED_KEY]: 0 });
});

test('reports a document with too many records or values, wherever they are', () => {
  const many = (value: string, count: number) => `${value},`.repeat(count);
  const kinds = {
    records: toDocument(`${many('1', RECORDS_MAX)}1`),
    values: toDocument(
      Array.from({ length: VALUES_MAX / 5_000 + 1 }, () => `[${many('[]', 5_000)}0]`).join(),
    ),
    outside: `{${Array.from({ length: OUTER_VALUES_MAX + 1 }, (_, index) => `"k${index}":1`).join()}}`,
    nested: `{"more":[${many('1', OUTER_VALUES_MAX)}1],"data":{}}`,
  };
  assert.equal(scanDocument(toBytes(kinds.records)).kind, 'too_many_records');
  for (const name of ['values', 'outside', 'nested'] as const)
    assert.equal(scanDocument(toBytes(kinds[name])).kind, 'too_many_values', name);
});

test('finds numbers that JavaScript may change, but only outside strings', () => {
  const isLong = (entry: string) => {
    const scan = scanDocument(toBytes(toDocument(entry)));
    return scan.kind === 'within_limits' && scan.mayHaveExactNumber;
  };
  assert.equal(isLong('{"n":1234567890123456}'), true);
  assert.equal(isLong('{"n":-1234567890123456789}'), true);
  assert.equal(isLong('{"n":12345678.12345678}'), true);
  assert.equal(isLong('{"n":1e400}'), true);
  assert.equal(isLong('{"n":-0}'), true);
  assert.equal(isLong('{"n":"1234567890123456789 1e400 -0","m":-123456789012.345,"true":true}'), false);
});

test('does not fail on text that is not JSON', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('{', '}', '[', ']', ',', '"', '\\', '1', ' ') }),
      (text) => {
        scanDocument(toBytes(text));
      },
    ),
  );
});
