import assert from 'node:assert/strict';
import test from 'node:test';
import { DELIVERED_DAYS, toDeliveredDays, toDeliveredRange } from './delivered-days.ts';
import { QUARTER_MS } from './ledger/history.ts';

const NOW_MS = Date.parse('2026-07-14T10:08:00Z');
const toQuarter = (iso: string, wireSizeBytes = 100) => ({
  fromMs: Math.floor(Date.parse(iso) / QUARTER_MS) * QUARTER_MS,
  exportCount: 1,
  recordCount: 10,
  wireSizeBytes,
});

test('sums deliveries by local day, with zeros for days without deliveries', () => {
  const quarters = [
    // 23:50 UTC on the 13th is 05:35 on the 14th in Nepal (UTC+5:45).
    toQuarter('2026-07-13T23:50:00Z'),
    toQuarter('2026-07-13T18:16:00Z', 7),
    toQuarter('2026-07-13T18:14:00Z'),
    toQuarter('2026-06-14T12:00:00Z'),
  ];
  const days = toDeliveredDays(quarters, NOW_MS, 'Asia/Kathmandu');
  assert.equal(days.length, DELIVERED_DAYS);
  assert.deepEqual(days.at(-1), {
    date: '2026-07-14',
    exportCount: 2,
    recordCount: 20,
    wireSizeBytes: 107,
  });
  assert.deepEqual(days.at(-2), { date: '2026-07-13', exportCount: 1, recordCount: 10, wireSizeBytes: 100 });
  assert.equal(days[0]?.date, '2026-06-15');
  // 14 June is before the first day.
  assert.equal(
    days.reduce((sum, { exportCount }) => sum + exportCount, 0),
    3,
  );
});

test('every day has its own date across a daylight saving time change', () => {
  const days = toDeliveredDays([], Date.parse('2026-04-05T23:30:00Z'), 'Europe/Athens');
  assert.equal(new Set(days.map(({ date }) => date)).size, DELIVERED_DAYS);
  assert.equal(days.at(-1)?.date, '2026-04-06');
});

test('the range covers all of the days, even in the time zones furthest from UTC', () => {
  const { fromMs, untilMs } = toDeliveredRange(NOW_MS);
  for (const timeZone of ['Pacific/Kiritimati', 'Etc/GMT+12', 'UTC']) {
    const [first, last] = [NOW_MS - 31 * 86_400_000 - 1, NOW_MS + 86_400_000 + 1].map((ms) =>
      toDeliveredDays(
        [{ fromMs: ms, exportCount: 1, recordCount: 1, wireSizeBytes: 1 }],
        NOW_MS,
        timeZone,
      ).some(({ exportCount }) => exportCount > 0),
    );
    assert.deepEqual([first, last], [false, false]);
  }
  assert.ok(fromMs < NOW_MS && NOW_MS < untilMs);
});
