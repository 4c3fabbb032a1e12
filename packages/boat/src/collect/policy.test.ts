import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sha256 } from './digest.ts';
import {
  createTimestampReader,
  fitCursor,
  mergeHomes,
  nextPageRows,
  PAGE_ROWS,
  parseAnchors,
  toContentId,
  toCursor,
  toRecordId,
} from './policy.ts';

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
    // An hour after and an hour before the clocks change in spring.
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
  ] as const)
    it(`reads ${String(raw)} as ${utc}`, () => assert.deepEqual(toronto(raw), { utc, zone }));

  it('takes a time zone it does not know as UTC', () => {
    const { utc, zone } = createTimestampReader('Mars/Olympus')('20260322_122202');
    assert.deepEqual({ utc, zone }, { utc: '2026-03-22T12:22:02.000Z', zone: 'assumed_local:UTC' });
  });

  it('gives a moment or nothing for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date({ noInvalidDate: true }).map(String)), (text) => {
        const { utc, zone } = toronto(text);
        assert.equal(utc === null, zone === null);
        if (utc !== null) assert.equal(new Date(utc).toISOString(), utc);
      }),
    );
  });

  it('reads every moment it wrote', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (ms) => {
        const iso = new Date(ms).toISOString();
        assert.equal(toronto(iso).utc, iso);
        assert.equal(toronto(iso.slice(0, 23)).utc, iso);
      }),
    );
  });
});

describe('identities', () => {
  it('are the id and the raw timestamp', () =>
    assert.equal(toRecordId('7', '20260322_122202', sha256), '7@20260322_122202'));
  it('are never longer, emptier or stranger than central takes, and differ where their parts do', () => {
    const part = fc.oneof(fc.string({ unit: 'binary', maxLength: 500 }), fc.string());
    fc.assert(
      fc.property(part, part, part, (id, timestamp, other) => {
        const recordId = toRecordId(id, timestamp, sha256);
        assert.ok(recordId.length >= 1 && recordId.length <= 300);
        assert.ok(recordId.isWellFormed() && !recordId.includes('\0') && !recordId.includes('\n'));
        if (id.toWellFormed() !== other.toWellFormed() && timestamp !== '')
          assert.notEqual(recordId, toRecordId(other, timestamp, sha256));
      }),
    );
  });
  it('of rows without an id tell identical neighbours apart', () => {
    const digest = sha256('x');
    assert.equal(toContentId(digest, 0), `~${digest.slice(0, 32)}`);
    assert.equal(toContentId(digest, 2), `~${digest.slice(0, 32)}#2`);
  });
});

describe('cursors', () => {
  const digests = new Map([9, 7, 4].map((position) => [position, sha256(String(position)).slice(0, 12)]));
  const cursor = toCursor([...digests].map(([position, digest]) => ({ position, digest })));
  const at = (position: number): string | undefined => digests.get(position);

  it('keep what they remember', () => {
    assert.ok(cursor !== undefined);
    assert.deepEqual(
      parseAnchors(cursor),
      [...digests].map(([position, digest]) => ({ position, digest })),
    );
  });
  it('fit where the row is still the same', () => assert.deepEqual(fitCursor(cursor, at), cursor));
  it('fall back to the newest row that is still there', () => {
    const fitted = fitCursor(cursor, (position) => (position === 9 ? undefined : at(position)));
    assert.equal(fitted?.position, 7);
    assert.deepEqual(fitCursor(fitted, at), fitted);
  });
  it('do not fit another database', () =>
    assert.equal(
      fitCursor(cursor, () => '000000000000'),
      undefined,
    ));
  it('that cannot be read do not fit anything', () => {
    for (const check of ['', 'x', '9:xyz', '8:000000000000', '9:000000000000 '])
      assert.equal(
        fitCursor({ position: 9, check }, () => '000000000000'),
        undefined,
        check,
      );
  });
});

describe('page sizes', () => {
  it('stay within their bounds and shrink when slow', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        (rows, tookMs) => {
          const next = nextPageRows(rows, tookMs);
          assert.ok(next >= PAGE_ROWS.min && next <= Math.max(rows, PAGE_ROWS.max));
          if (tookMs > 10) assert.ok(next < rows || next === PAGE_ROWS.min);
        },
      ),
    );
  });
});

describe('the state of a category with several homes', () => {
  for (const [states, state] of [
    [[], 'source_missing'],
    [['source_missing', 'source_missing'], 'source_missing'],
    [['empty', 'source_missing'], 'empty'],
    [['ok', 'error'], 'ok'],
    [['empty', 'error'], 'error'],
    [['schema_unknown', 'empty'], 'schema_unknown'],
  ] as const)
    it(`is ${state} of ${states.join(' and ') || 'none'}`, () =>
      assert.equal(mergeHomes(states.map((one) => ({ state: one }))).state, state));
  it('tells what was wrong with one of them', () =>
    assert.deepEqual(mergeHomes([{ state: 'ok' }, { state: 'error', detail: 'old home is damaged' }]), {
      state: 'ok',
      detail: 'old home is damaged',
    }));
});
