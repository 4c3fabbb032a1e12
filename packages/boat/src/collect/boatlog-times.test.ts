import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { boatlogCollector } from './boatlog.ts';
import { collectAll, createTestContext } from './collection-for-tests.ts';
import { createTimestampReader, findLocalSpan, type ZonePeriod } from './policy/timestamps.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-boatlog-times-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let boats = 0;
const HOUR_MS = 3_600_000;

/** Collects entries with the given types and times. Returns them with the number of pages that SQLite formatted. */
async function collect(
  timeZones: readonly ZonePeriod[],
  entries: readonly (readonly [type: string | null, timestamp: string])[],
  column = 'timestamp',
) {
  const root = join(folder, String((boats += 1)));
  const path = join(root, 'data/boatlog/boatlog.db');
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path);
  db.exec(
    `CREATE TABLE boatlog_entries (entry_id INTEGER PRIMARY KEY, ${column} TEXT, entry_type TEXT, content TEXT)`,
  );
  const insert = db.prepare(`INSERT INTO boatlog_entries (entry_type, ${column}) VALUES (?, ?)`);
  db.exec('BEGIN');
  for (const entry of entries) insert.run(...entry);
  db.exec('COMMIT');
  db.close();
  const context = createTestContext(toBoatPlaces(root), undefined, { mode: 'full', timeZones });
  let fastRows = 0;
  const pages = boatlogCollector.collect(context);
  for (let step = await pages.next(); step.done !== true; step = await pages.next())
    if (step.value.bytes !== undefined) fastRows += step.value.count;
  const { records } = await collectAll(boatlogCollector, context);
  return { records, fastRows };
}

describe('a boatlog timestamp without a zone', () => {
  const toronto = [{ zone: 'America/Toronto', sinceMs: 0 }];
  for (const [type, raw, utc, zone] of [
    ['voice', '2026-06-01T12:00:00.123456', '2026-06-01T16:00:00.123Z', 'assumed_local:America/Toronto'],
    ['text', '2026-12-01T12:00:00.999999', '2026-12-01T17:00:00.999Z', 'assumed_local:America/Toronto'],
    ['text', '2026-06-01 12:00:00', '2026-06-01T16:00:00.000Z', 'assumed_local:America/Toronto'],
    ['engine', '2026-06-01T12:00:00.123456', '2026-06-01T12:00:00.123Z', 'assumed_utc'],
    ['weather_auto', '2026-06-01T12:00:00.123456', '2026-06-01T12:00:00.123Z', 'assumed_utc'],
    ['something_new', '2026-06-01T12:00:00.123456', '2026-06-01T12:00:00.123Z', 'assumed_utc'],
    [null, '2026-06-01T12:00:00.123456', '2026-06-01T12:00:00.123Z', 'assumed_utc'],
    ['voice', '2026-06-01T12:00:00.123Z', '2026-06-01T12:00:00.123Z', 'stated'],
    ['engine', '20260601_120000', '2026-06-01T16:00:00.000Z', 'assumed_local:America/Toronto'],
    ['voice', '2026-11-01T01:30:00.000000', '2026-11-01T05:30:00.000Z', 'assumed_local:America/Toronto'],
    ['voice', '2026-03-08T02:30:00.000000', '2026-03-08T07:30:00.000Z', 'assumed_local:America/Toronto'],
  ] as const)
    it(`${raw} of type ${type} is ${utc}, ${zone}`, async () => {
      const { records } = await collect(toronto, [[type, raw]]);
      assert.deepEqual([records[0]?.['timestamp_utc'], records[0]?.['timestamp_zone']], [utc, zone]);
    });

  it('is UTC in the column created_at, which SQLite fills', async () => {
    const { records } = await collect(toronto, [['voice', '2026-06-01 12:00:00']], 'created_at');
    assert.equal(records[0]?.['timestamp_utc'], '2026-06-01T12:00:00.000Z');
  });

  for (const [what, zones] of [
    ['with clock changes', toronto],
    ['with clock changes, east of Greenwich', [{ zone: 'Europe/Berlin', sinceMs: 0 }]],
    ['without clock changes', [{ zone: 'Asia/Kolkata', sinceMs: 0 }]],
    ['in UTC', [{ zone: 'UTC', sinceMs: 0 }]],
    [
      'that crosses time zones',
      [
        { zone: 'America/Halifax', sinceMs: 0 },
        { zone: 'Atlantic/Azores', sinceMs: Date.UTC(2026, 5, 10, 12) },
        { zone: 'Europe/Lisbon', sinceMs: Date.UTC(2026, 6, 1) },
      ],
    ],
  ] as const)
    it(`is read identically on both paths, for every hour of a year, on a boat ${what}`, async () => {
      const readTime = createTimestampReader(zones);
      const entries = Array.from({ length: 366 * 24 }, (_, hour) => {
        const local = new Date(Date.UTC(2026, 0, 1) + hour * HOUR_MS).toISOString().slice(0, 23);
        return [['voice', 'auto', 'text', 'engine'][hour % 4] ?? null, `${local}789`] as const;
      });
      const { records, fastRows } = await collect(zones, entries);
      for (const [index, record] of records.entries()) {
        const [type, raw] = entries[index] ?? [null, ''];
        const isLocal = type === 'voice' || type === 'text';
        const { utc, zone } = readTime(raw, isLocal ? 'local' : 'utc');
        assert.deepEqual([record['timestamp_utc'], record['timestamp_zone']], [utc, zone], `${type} ${raw}`);
      }
      assert.equal(records.length, entries.length);
      assert.ok(fastRows > 0, `SQLite made ${fastRows} of ${entries.length} rows`);
    });

  it("is never near a clock change within a page's span", () => {
    const readTime = createTimestampReader('America/Toronto');
    const span = findLocalSpan(readTime, '2026-06-01T00:00:00');
    assert.ok(span !== undefined);
    assert.equal(span.toUtcMinutes, 240);
    assert.ok(span.from >= '2026-03-09' && span.from <= '2026-03-12', span.from);
    assert.ok(span.to >= '2026-10-28' && span.to <= '2026-10-31T02', span.to);
    assert.equal(findLocalSpan(readTime, '2026-03-08T12:00:00'), undefined);
    assert.equal(findLocalSpan(readTime, 'yesterday, at noon'), undefined);
  });
});
