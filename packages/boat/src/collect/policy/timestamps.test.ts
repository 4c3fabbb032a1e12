import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createTimestampReader } from './timestamps.ts';

describe('timestamps', () => {
  const toronto = createTimestampReader('America/Toronto');
  const local = 'assumed_local:America/Toronto';
  for (const [raw, utc, zone] of [
    ['2026-03-16T14:03:05.123Z', '2026-03-16T14:03:05.123Z', 'stated'],
    ['2026-03-16T14:03:05Z', '2026-03-16T14:03:05.000Z', 'stated'],
    ['2026-03-16T10:03:05-04:00', '2026-03-16T14:03:05.000Z', 'stated'],
    ['2026-03-16T10:03:05.5-0400', '2026-03-16T14:03:05.500Z', 'stated'],
    ['2026-03-16T14:03:05.123456', '2026-03-16T14:03:05.123Z', 'assumed_utc'],
    ['2026-03-16 14:03:05', '2026-03-16T14:03:05.000Z', 'assumed_utc'],
    ['2026-03-16', '2026-03-16T00:00:00.000Z', 'assumed_utc'],
    ['20260322_122202', '2026-03-22T16:22:02.000Z', local],
    ['20260115_122202', '2026-01-15T17:22:02.000Z', local],
    // One hour after and one hour before the clocks change in spring.
    ['20260308_033000', '2026-03-08T07:30:00.000Z', local],
    ['20260308_013000', '2026-03-08T06:30:00.000Z', local],
    [1_773_669_785_123, '2026-03-16T14:03:05.123Z', 'stated'],
    [1_773_669_785, '2026-03-16T14:03:05.000Z', 'stated'],
    ['2026-02-30T10:00:00Z', null, null],
    ['2026-03-16T24:30:00.000Z', null, null],
    ['yesterday', null, null],
    ['', null, null],
    [null, null, null],
    [42, null, null],
    [Number.NaN, null, null],
    [Number.POSITIVE_INFINITY, null, null],
    // In UTC, these fall in the year 10000, which has more than four digits.
    ['99991231_235959', null, null],
    ['99991231_190000', null, null],
  ] as const)
    it(`reads ${String(raw)} as ${utc}`, () => assert.deepEqual(toronto(raw), { utc, zone }));

  it('returns no year after 9999 for a local time, in any zone', () => {
    for (const [zone, text] of [
      ['Pacific/Pago_Pago', '9999-12-31T13:00:00'],
      ['America/Toronto', '9999-12-31 23:59:59.999'],
    ] as const)
      assert.equal(createTimestampReader(zone)(text, 'local').utc, null);
    assert.equal(toronto('9999-12-31T18:59:59', 'local').utc, '9999-12-31T23:59:59.000Z');
  });

  it('uses UTC for an unknown time zone', () => {
    const { utc, zone } = createTimestampReader('Mars/Olympus')('20260322_122202');
    assert.deepEqual({ utc, zone }, { utc: '2026-03-22T12:22:02.000Z', zone: 'assumed_local:UTC' });
  });

  it('returns a valid time or null for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date({ noInvalidDate: true }).map(String)), (text) => {
        const { utc, zone } = toronto(text);
        assert.equal(utc === null, zone === null);
        if (utc !== null) assert.equal(new Date(utc).toISOString(), utc);
      }),
    );
  });

  it('parses every format that sources use', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (ms) => {
        const iso = new Date(ms).toISOString();
        assert.equal(toronto(iso).utc, iso);
        assert.equal(toronto(iso.slice(0, 23)).utc, iso);
      }),
    );
  });
});
