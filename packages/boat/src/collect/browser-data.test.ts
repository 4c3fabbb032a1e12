import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { boatlogCollector } from './boatlog.ts';
import { collectAll, createTestContext, createTestProgress } from './collection-for-tests.ts';
import { onboardingCollector } from './onboarding.ts';
import { settingsCollector } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-browser-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const ENGINE = {
  timestamp: '2026-03-16T14:03:05.123Z',
  type: 'engine',
  event: 'start',
  rpm: 650,
  oil_psi: 45,
  token: 'secret-1',
};
const VOICE = { timestamp: '2026-03-16T14:05:00.900Z', type: 'voice', text: 'in both' };

/** Creates a boat whose database also has the voice entry, with a timestamp in a different format. */
function writeBoatWithVoice(name: string): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'data/boatlog'), { recursive: true });
  const db = new DatabaseSync(join(root, 'data/boatlog/boatlog.db'));
  db.exec(`CREATE TABLE boatlog_entries (entry_id INTEGER PRIMARY KEY, timestamp TEXT, entry_type TEXT, content TEXT);
    INSERT INTO boatlog_entries VALUES (1, '2026-03-16 14:05:00', 'voice', 'in both'), (2, '2026-03-16 14:05:00', 'voice', 'another')`);
  db.close();
  return root;
}

/**
 * Entries and rows in the same second may take this many times as much CPU time as those in different seconds. Comparing all pairs
 * would take thousands of times as much.
 */
const SAME_SECOND_COST_MAX = 20;
const ROWS = 40_000;
const ENTRIES = 20_000;

/**
 * Returns the CPU time for collecting entries, half of which are also rows of the database, in microseconds. `seconds` is the number
 * of distinct timestamps.
 */
async function measureCollecting(name: string, seconds: number): Promise<number> {
  const root = join(folder, name);
  mkdirSync(join(root, 'data/boatlog'), { recursive: true });
  const db = new DatabaseSync(join(root, 'data/boatlog/boatlog.db'));
  const stamp = (expression: string): string =>
    `datetime('2026-03-16 14:05:00', ((${expression}) % ${seconds}) || ' seconds')`;
  db.exec(`CREATE TABLE boatlog_entries (entry_id INTEGER PRIMARY KEY, timestamp TEXT, entry_type TEXT, content TEXT);
    WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ${ROWS})
    INSERT INTO boatlog_entries SELECT x, ${stamp('x')}, 'voice', iif(x % 2 = 0, 'row ' || x, 'both ' || x) FROM n`);
  const stamps = db
    .prepare(
      `WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x < ${ENTRIES - 1})
    SELECT ${stamp('x')} AS at FROM n`,
    )
    .all();
  db.close();
  const entries = stamps.map(({ at }, no) => ({
    ...VOICE,
    timestamp: `${String(at).replace(' ', 'T')}.900Z`,
    text: `both ${no}`,
  }));
  const context = createTestContext(toBoatPlaces(root), undefined, {
    browserDocument: (key) => (key === 'd3kos-boatlog-entries' ? JSON.stringify(entries) : undefined),
  });
  const began = process.cpuUsage();
  const { records } = await collectAll(boatlogCollector, context);
  assert.equal(records.length, ROWS + ENTRIES / 2);
  return process.cpuUsage(began).user;
}

describe('the data of a kiosk page', () => {
  it("is compared with a database's rows in linear time, even if all timestamps fall in the same second", async () => {
    const different = await measureCollecting('many-seconds', ROWS);
    const same = await measureCollecting('one-second', 1);
    assert.ok(same < SAME_SECOND_COST_MAX * different, `${same} and ${different} µs`);
  });

  it('appears in the boatlog once, even if the database also has it or the page sends it again', async () => {
    const root = writeBoatWithVoice('once');
    const documents: Record<string, string> = {
      'd3kos-boatlog-entries': JSON.stringify([ENGINE, VOICE]),
      'd3kos-trips': JSON.stringify([{ start: '2026-03-16T14:00:00Z', distance_nm: 12 }]),
    };
    const progress = createTestProgress();
    const context = createTestContext(toBoatPlaces(root), progress, {
      browserDocument: (key) => documents[key],
    });
    const first = await collectAll(boatlogCollector, context);
    progress.commit(first.outcome);
    assert.deepEqual(
      first.records.map((record) => [record['type'], record['content']]),
      [
        ['voice', 'in both'],
        ['voice', 'another'],
        ['engine', null],
        ['trip', null],
      ],
    );
    assert.deepEqual(first.records[2]?.['reading'], {
      timestamp: ENGINE.timestamp,
      type: 'engine',
      event: 'start',
      rpm: 650,
      oil_psi: 45,
    });
    assert.ok(!first.lines.join().includes('secret-1'));
    documents['d3kos-boatlog-entries'] = JSON.stringify([ENGINE, VOICE, { ...ENGINE, event: 'stop' }]);
    const second = await collectAll(boatlogCollector, context);
    assert.equal(second.records.length, 1);
    const full = await collectAll(boatlogCollector, { ...context, mode: 'full' });
    assert.equal(full.records.length, 5);
    assert.equal(new Set(full.records.map((record) => record.record_id)).size, 5);
  });

  it('appears in the onboarding and settings documents, under allowed keys', async () => {
    const root = join(folder, 'documents');
    const documents: Record<string, string> = {
      'onboarding-config': '{"q1":"Sea Ray","password":"x"}',
      'd3kos-measurement-system': 'imperial',
      'd3kos-engine-hours': '412.5',
      'd3kos-settings': '{"theme":"dark","apiKey":"x"}',
    };
    const context = createTestContext(toBoatPlaces(root), undefined, {
      browserDocument: (key) => documents[key],
    });
    const [onboarding] = (await collectAll(onboardingCollector, context)).records;
    assert.deepEqual(onboarding?.['browser_configuration'], { q1: 'Sea Ray' });
    const [settings] = (await collectAll(settingsCollector, context)).records;
    assert.deepEqual(settings?.['browser'], {
      measurement_system: 'imperial',
      engine_hours: 412.5,
      settings: { theme: 'dark' },
    });
  });

  it('is ignored if it is not JSON, and does not affect other data', async () => {
    const root = writeBoatWithVoice('broken');
    const context = createTestContext(toBoatPlaces(root), undefined, { browserDocument: () => '{"torn' });
    const { records, outcome } = await collectAll(boatlogCollector, context);
    assert.deepEqual([records.length, outcome.state], [2, 'ok']);
  });
});
