import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { openEmbedded, openPglite, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { createArrayWriter } from './binary-array.ts';

const texts = fc.array(fc.option(fc.string({ unit: 'binary' }).map(toStored)), { minLength: 1 });
const times = fc.array(
  fc.option(fc.date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') })),
  { minLength: 1 },
);
const numbers = fc.array(fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })), { minLength: 1 });

/** Returns text that PostgreSQL can store. */
function toStored(text: string): string {
  return text.toWellFormed().replaceAll('\0', '');
}

for (const [name, open] of Object.entries({ 'a server': openEmbedded, PGlite: openPglite }))
  describe(`an array sent to ${name} in binary format`, () => {
    let opened: StoreUnderTest;
    before(async () => {
      opened = await open();
    });
    after(() => opened.close());

    test('has the strings, times, numbers and JSON values that were written', async () => {
      const property = fc.asyncProperty(texts, times, numbers, async (words, dates, values) => {
        const [text, json, time, number] = (
          ['text', 'jsonb', 'timestamptz', 'double precision'] as const
        ).map((type) => createArrayWriter(type, words.length));
        for (const word of words) {
          text?.text(word);
          json?.text(word === null ? null : JSON.stringify({ word }));
        }
        for (const date of dates) time?.number(date?.getTime() ?? null);
        for (const value of values) number?.number(value);
        const [row] = await opened.store.query(
          `select to_json($1::text[])::text as texts, to_json($2::jsonb[])::text as documents, to_json($4::double precision[])::text as numbers,
             (select json_agg((extract(epoch from t) * 1000)::float8)::text from unnest($3::timestamptz[]) t) as times`,
          [text, json, time, number].map((writer) => writer?.finish()),
        );
        const read = (column: string): unknown => JSON.parse(String(row?.[column]));
        assert.deepEqual(read('texts'), words);
        assert.deepEqual(
          read('documents'),
          words.map((word) => (word === null ? null : { word })),
        );
        assert.deepEqual(
          read('times'),
          dates.map((date) => date?.getTime() ?? null),
        );
        assert.deepEqual(read('numbers'), values);
      });
      await fc.assert(property, { numRuns: 50 });
    });

    test('may be longer than its first buffer', async () => {
      const long = '\u20ac'.repeat(50_000);
      const writer = createArrayWriter('text', 4);
      for (const value of ['a', long, null, long]) writer.text(value);
      const [row] = await opened.store.query('select to_json($1::text[])::text as texts', [writer.finish()]);
      assert.deepEqual(JSON.parse(String(row?.['texts'])), ['a', long, null, long]);
    });
  });
