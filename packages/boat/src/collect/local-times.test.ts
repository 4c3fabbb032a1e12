import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { collectAll, createTestContext } from './collection-for-tests.ts';
import { marineVisionCapturesCollector } from './marine-vision-captures.ts';
import { systemAlertsCollector } from './system-alerts.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-local-times-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let boats = 0;

describe('a timestamp without a zone', () => {
  for (const [collector, name, table] of [
    [marineVisionCapturesCollector, 'data/marine-vision/captures.db', 'captures'],
    [systemAlertsCollector, 'data/self-healing/issues.db', 'issues'],
  ] as const)
    for (const [zone, column, raw, utc] of [
      ['America/Toronto', 'timestamp', '2026-06-01T12:00:00.123456', '2026-06-01T16:00:00.123Z'],
      ['America/Toronto', 'timestamp', '2026-12-01 12:00:00', '2026-12-01T17:00:00.000Z'],
      ['Pacific/Auckland', 'timestamp', '2026-01-01T00:30:00', '2025-12-31T11:30:00.000Z'],
      ['Pacific/Auckland', 'created_at', '2026-01-01 00:30:00', '2026-01-01T00:30:00.000Z'],
      ['Asia/Kolkata', 'timestamp', '2026-06-01T12:00:00Z', '2026-06-01T12:00:00.000Z'],
    ] as const)
      it(`${raw} in ${table}.${column} on a boat in ${zone} is ${utc}`, async () => {
        const root = join(folder, String((boats += 1)));
        mkdirSync(dirname(join(root, name)), { recursive: true });
        const db = new DatabaseSync(join(root, name));
        db.exec(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, ${column} TEXT)`);
        db.prepare(`INSERT INTO ${table} VALUES (1, ?)`).run(raw);
        db.close();
        const context = createTestContext(toBoatPlaces(root), undefined, {
          timeZones: [{ zone, sinceMs: 0 }],
        });
        const { records } = await collectAll(collector, context);
        assert.equal(records[0]?.['timestamp'], raw);
        assert.equal(records[0]?.['timestamp_utc'], utc);
      });
});
