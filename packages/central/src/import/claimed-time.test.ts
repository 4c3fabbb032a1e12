import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { toClaimedTime } from './claimed-time.ts';

test('accepts a claimed time only with a zone and a valid date', () => {
  const table: readonly (readonly [unknown, string | null])[] = [
    ['2026-03-16T14:03:05.123Z', '2026-03-16T14:03:05.123Z'],
    ['2026-03-16 14:03:05+02:00', '2026-03-16T12:03:05.000Z'],
    ['2026-03-16T14:03:05.123456Z', '2026-03-16T14:03:05.123Z'],
    ['2026-03-16T14:03:05.123456', null],
    ['20260322_122202', null],
    ['2026-13-16T14:03:05Z', null],
    ['0000-01-01T00:00:00+14:00', null],
    [1_700_000_000, null],
    [null, null],
  ];
  for (const [value, expected] of table) assert.equal(toClaimedTime(value), expected, String(value));
  fc.assert(fc.property(fc.anything(), (value) => void toClaimedTime(value)));
});
