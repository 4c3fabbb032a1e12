import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { writeIssues } from '../../../sim/src/fixture/alerts.ts';
import { writeCaptures } from '../../../sim/src/fixture/captures.ts';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { boatlogCollector } from './boatlog.ts';
import { collectAll, createTestContext, createTestProgress } from './collection-for-tests.ts';
import { marineVisionCapturesCollector } from './marine-vision-captures.ts';
import { systemAlertsCollector } from './system-alerts.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-long-values-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let boats = 0;

const MIB = 1024 * 1024;
const CAPTURES = 'data/marine-vision/captures.db';
const ISSUES = 'data/self-healing/issues.db';

/** Creates a boat with `rows` records in both tables, then runs `sql`. */
function newBoat(sql: string, name: string, rows = 100) {
  const root = join(folder, String((boats += 1)));
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeCaptures(join(root, CAPTURES), { generation: 'gen3', rows, seed: 3 });
  writeIssues(join(root, ISSUES), { variant: 'id', rows, seed: 3 });
  const db = new DatabaseSync(join(root, name));
  db.exec(sql);
  db.close();
  return createTestContext(toBoatPlaces(root));
}

describe('a value that is too long', () => {
  for (const [table, column, bytes] of [
    ['captures', 'species', MIB],
    ['captures', 'gemini_response', 40 * MIB],
    ['captures', 'location', 300_000],
    ['captures', 'timestamp', 300_000],
    ['issues', 'description', 2 * MIB],
    ['issues', 'metrics', 40 * MIB],
    ['issues', 'severity', 300_000],
  ] as const)
    for (const content of [`hex(zeroblob(${bytes / 2}))`, `zeroblob(${bytes})`])
      it(`is the only value that is lost: ${bytes} bytes in ${table}.${column}, created by ${content.slice(0, 4)}`, async () => {
        const isCapture = table === 'captures';
        const context = newBoat(
          `UPDATE ${table} SET ${column} = ${content} WHERE id = 42`,
          isCapture ? CAPTURES : ISSUES,
        );
        const collector = isCapture ? marineVisionCapturesCollector : systemAlertsCollector;
        const { records, lines, outcome } = await collectAll(collector, context);
        assert.equal(records.length, 100);
        assert.equal(outcome.state, 'ok');
        assert.match(
          outcome.detail ?? '',
          new RegExp(`\\.db, row 42, column ${column} has more than 262144 bytes`),
        );
        assert.ok(Math.max(...lines.map((line) => line.length)) < 10_000);
        const id = isCapture ? 'capture_id' : 'alert_id';
        assert.equal(records.filter((record) => record[id] === 42).length, 1);
      });

  for (const [column, bytes] of [
    ['entry_type', 10 * MIB],
    ['weather_conditions', 20 * MIB],
    ['content', 100 * MIB],
    ['timestamp', MIB],
    ['latitude', MIB],
    ['entry_id', MIB],
  ] as const)
    it(`is the only value that is lost in the boatlog: ${bytes} bytes in ${column}`, async () => {
      const root = join(folder, String((boats += 1)));
      const path = join(root, 'data/boatlog/boatlog.db');
      mkdirSync(dirname(path), { recursive: true });
      const db = new DatabaseSync(path);
      db.exec(
        'CREATE TABLE boatlog_entries (entry_id, timestamp TEXT, entry_type TEXT, content TEXT, latitude REAL, longitude REAL, weather_conditions TEXT)',
      );
      const insert = db.prepare("INSERT INTO boatlog_entries VALUES (?, ?, 'text', ?, NULL, NULL, NULL)");
      for (let row = 1; row <= 30; row += 1) insert.run(row, '2026-03-16T14:03:05.123Z', `entry ${row}`);
      // A JSON parser would create an object for each bracket. The last row determines the cursor.
      db.exec(
        `UPDATE boatlog_entries SET ${column} = replace(hex(zeroblob(${bytes / 2})), '0', '[') WHERE rowid IN (17, 30)`,
      );
      db.close();
      const progress = createTestProgress();
      const context = createTestContext(toBoatPlaces(root), progress);
      const { records, lines, outcome } = await collectAll(boatlogCollector, context);
      assert.equal(records.length, 30);
      assert.equal(new Set(records.map((record) => record.record_id)).size, 30);
      assert.match(
        outcome.detail ?? '',
        new RegExp(`2 values were not understood, the first: .+, row 17, column ${column}`),
      );
      assert.ok(Math.max(...lines.map((line) => line.length)) < 10_000);
      progress.commit(outcome);
      assert.equal((await collectAll(boatlogCollector, context)).records.length, 0);
    });

  it('is counted together with others in its table and with a value that is not JSON', async () => {
    const context = newBoat('UPDATE captures SET species = zeroblob(400000) WHERE id % 2 = 1', CAPTURES, 20);
    const { outcome } = await collectAll(marineVisionCapturesCollector, context);
    assert.match(
      outcome.detail ?? '',
      /11 values were not understood, the first: .+captures\.db, row 1, column species has more/,
    );
  });
});
