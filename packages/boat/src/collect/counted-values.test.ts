import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { writeSource } from '../../../sim/src/fixture/files.ts';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { boatlogCollector } from './boatlog.ts';
import { type Collection, collectAll, createTestContext } from './collection-for-tests.ts';
import type { CollectContext, Collector } from './collector.ts';
import { engineBenchmarkCollector } from './engine-benchmark.ts';
import { marineVisionCapturesCollector } from './marine-vision-captures.ts';
import { marineVisionSnapshotsCollector } from './marine-vision-snapshots.ts';
import { onboardingCollector } from './onboarding.ts';
import { qrCodesCollector } from './qr-codes.ts';
import { settingsCollector } from './settings.ts';
import { systemAlertsCollector } from './system-alerts.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-counted-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let roots = 0;

const VESSEL_PATH = 'services/dashboard/config/vessel.env';
const ISSUES = 'data/self-healing/issues.db';
const CAPTURES = 'data/marine-vision/captures.db';
const BOATLOG = 'data/boatlog/boatlog.db';

/** Writes a boat's files, keyed by path relative to its root, and runs the collector. A database's content is given as SQL. */
function collect(
  collector: Collector,
  files: Readonly<Record<string, unknown>>,
  given: Partial<CollectContext> = {},
): Promise<Collection> {
  roots += 1;
  const root = join(folder, String(roots));
  mkdirSync(root);
  for (const [name, content] of Object.entries(files))
    if (name.endsWith('.db')) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      const db = new DatabaseSync(join(root, name));
      db.exec(String(content));
      db.close();
    } else writeSource(root, name, content);
  return collectAll(collector, createTestContext(toBoatPlaces(root), undefined, given));
}

const issues = (metrics: string): string =>
  `CREATE TABLE issues (id INTEGER PRIMARY KEY, timestamp TEXT, metrics); INSERT INTO issues VALUES (3, '2026-05-01T08:00:00Z', ${metrics})`;
const captures = (columns: string, values: string): string =>
  `CREATE TABLE captures (id INTEGER PRIMARY KEY, timestamp TEXT, ${columns}); INSERT INTO captures VALUES (4, '2026-05-01T08:00:00Z', ${values})`;
const boatlog = (weather: string): string =>
  `CREATE TABLE boatlog_entries (entry_id, timestamp TEXT, entry_type TEXT, content, weather_conditions TEXT);
   INSERT INTO boatlog_entries VALUES (9007199254740993, '2026-05-01', 'auto', 18014398509481985, ${weather})`;

describe('a column with JSON', () => {
  for (const [collector, name, sql, detail] of [
    [systemAlertsCollector, ISSUES, issues("'cpu hot'"), 'row 3, column metrics is not valid JSON'],
    [systemAlertsCollector, ISSUES, issues(`'{"cpu": 1'`), 'row 3, column metrics is not valid JSON'],
    [
      marineVisionCapturesCollector,
      CAPTURES,
      captures('gemini_response TEXT', `'It is a pike, confidence high'`),
      'row 4, column gemini_response is not valid JSON',
    ],
    [
      marineVisionCapturesCollector,
      CAPTURES,
      captures('species_top3 TEXT', `'"pike"'`),
      'row 4, column species_top3 is not an object',
    ],
  ] as const)
    it(`that cannot be interpreted is counted: ${sql.slice(-40)}`, async () => {
      const { records, outcome } = await collect(collector, { [name]: sql });
      assert.equal(records.length, 1);
      assert.deepEqual(
        [outcome.state, outcome.detail],
        ['ok', `1 value was not understood: ${name}, ${detail}`],
      );
    });

  it('counts the keys that an allow-list leaves out', async () => {
    for (const [collector, name, sql] of [
      [systemAlertsCollector, ISSUES, issues(`'{"cpu": 1, "ssid": "x"}'`)],
      [
        marineVisionCapturesCollector,
        CAPTURES,
        captures('gemini_response TEXT', `'{"count": 1, "ssid": 2}'`),
      ],
      [boatlogCollector, BOATLOG, boatlog(`'{"temp": 1, "ssid": 2}'`)],
    ] as const) {
      const { outcome } = await collect(collector, { [name]: sql });
      assert.equal(outcome.detail, `not exported: 1 key of ${name} (ssid)`);
    }
  });

  for (const [how, value] of [
    ['with a byte order mark', `char(0xfeff) || '{"cpu": 7}'`],
    ['before NUL bytes left by a power cut', `CAST(x'7b22637075223a20377d000000' AS TEXT)`],
    ['as bytes', `x'7b22637075223a20377d'`],
    ['as bytes in UTF-16', `x'fffe7b00220063007000750022003a00200037007d00'`],
  ] as const)
    it(`is read ${how}`, async () => {
      const { records, outcome } = await collect(systemAlertsCollector, { [ISSUES]: issues(value) });
      assert.deepEqual([records[0]?.['metrics'], outcome.detail], [{ cpu: 7 }, undefined]);
    });
});

describe('a number beyond 2^53 in a table', () => {
  for (const [collector, name, sql, found] of [
    [systemAlertsCollector, ISSUES, issues(`'{"count": 9007199254740993}'`), '"count":9007199254740993'],
    [systemAlertsCollector, ISSUES, issues('9007199254740993'), '"metrics":9007199254740993'],
    [
      marineVisionCapturesCollector,
      CAPTURES,
      captures('file_size, species_top3', `9007199254740993, '[{"score": 0.12345678901234567891}]'`),
      '"file_size_bytes":9007199254740993,"species_top3":[{"score":0.12345678901234567891}]',
    ],
    [boatlogCollector, BOATLOG, boatlog('NULL'), '"entry_id":9007199254740993'],
    [boatlogCollector, BOATLOG, boatlog('NULL'), '"content":18014398509481985'],
    [boatlogCollector, BOATLOG, boatlog(`'{"temp": -9007199254740993}'`), '{"temp":-9007199254740993}'],
  ] as const)
    it(`keeps its digits: ${found}`, async () => {
      const { lines } = await collect(collector, { [name]: sql });
      assert.ok(lines[0]?.includes(found), lines[0]);
    });
});

describe('a number beyond 2^53 in text or a counter', () => {
  for (const [collector, name, text, found] of [
    [qrCodesCollector, 'data/qr-codes.json', '[{"tier":9007199254740993}]', '"tier":9007199254740993'],
    [
      onboardingCollector,
      'state/onboarding-reset-count.json',
      '{"count":9007199254740993}',
      '"reset_count":9007199254740993',
    ],
    [
      engineBenchmarkCollector,
      'data/d3kos-benchmark-2026-03-20.json',
      '{"tests":[{"id":1,"avgMetrics":{"rpm":"9007199254740993","temp":"NaN","oil":" 1.50 "}}]}',
      '"avgMetrics":{"rpm":9007199254740993,"temp":null,"oil":1.5}',
    ],
  ] as const)
    it(`keeps its digits: ${found}`, async () => {
      const { lines } = await collect(collector, { [name]: text });
      assert.ok(lines[0]?.includes(found), lines[0]);
    });
});

describe('data that is not exported', () => {
  it('in the browser is counted, and spoken entries have local times', async () => {
    const documents: Readonly<Record<string, string>> = {
      'd3kos-boatlog-entries':
        '[{"timestamp":"2026-07-01T12:00:00","type":"voice","text":"ahoy","ssid":"x"},{"timestamp":"2026-07-01T12:00:00","type":"engine"}]',
      'd3kos-trips': '[{"start":"2026-07-01T12:00:00Z","crew":["a"]}]',
    };
    const { records, outcome } = await collect(
      boatlogCollector,
      { 'config/timezone.txt': 'America/Toronto' },
      { browserDocument: (key) => documents[key] },
    );
    assert.deepEqual(
      records.map((record) => record['timestamp_utc']),
      ['2026-07-01T16:00:00.000Z', '2026-07-01T12:00:00.000Z', '2026-07-01T12:00:00.000Z'],
    );
    assert.equal(
      outcome.detail,
      'not exported: 1 key of d3kos-boatlog-entries (ssid); not exported: 1 key of d3kos-trips (crew)',
    );
  });

  for (const timestamp of ['2026-07-01T16:00:00.250Z', '2026-07-01T12:00:00'])
    it(`is exported only once if a database has the spoken entry in local time: ${timestamp}`, async () => {
      const { records } = await collect(
        boatlogCollector,
        {
          'config/timezone.txt': 'America/Toronto',
          [BOATLOG]: `CREATE TABLE boatlog_entries (timestamp TEXT, entry_type TEXT, content TEXT);
            INSERT INTO boatlog_entries VALUES ('2026-07-01T12:00:00.000000', 'voice', 'ahoy')`,
        },
        {
          browserDocument: (key) =>
            key === 'd3kos-boatlog-entries'
              ? JSON.stringify([{ timestamp, type: 'voice', text: 'ahoy' }])
              : undefined,
        },
      );
      assert.deepEqual(
        records.map((record) => record['timestamp_utc']),
        ['2026-07-01T16:00:00.000Z'],
      );
    });

  it('in the recordings folder is counted, and named only if a program chose its name', async () => {
    roots += 1;
    const root = join(folder, String(roots));
    mkdirSync(root);
    const places = toBoatPlaces(root);
    for (const name of ['capture_bow_20260501_080000.jpg', 'Thumbs.db', 'Anna at the beach.mp4'])
      writeSource(places.recordings, name, 'x');
    for (const name of ['snapshots/capture_bow_20260501_080001.jpg', 'snapshots/for my mother.jpg'])
      writeSource(places.recordings, name, 'x');
    const { records, outcome } = await collectAll(marineVisionSnapshotsCollector, createTestContext(places));
    assert.equal(records.length, 2);
    assert.equal(outcome.state, 'ok');
    assert.match(
      outcome.detail ?? '',
      /^2 files were not understood, the first: the recordings folder, (?:Thumbs\.db|a file) is not named like a capture or a recording; 1 file was not understood: the recordings folder snapshots, a file is not/,
    );
  });

  it('in QR codes is counted', async () => {
    const { records, outcome } = await collect(qrCodesCollector, {
      'data/qr-codes.json': [{ installation_uuid: 77, generated_at: { date: 1 }, api_endpoint: 'none' }],
    });
    assert.equal(records[0]?.['installation_uuid'], 77);
    assert.equal(
      outcome.detail,
      '2 values were not understood, the first: data/qr-codes.json, code 1, api_endpoint is not an address',
    );
  });
});

describe('a file that cannot be read', () => {
  const neighbours = { [VESSEL_PATH]: 'VESSEL_NAME=Grey Heron', 'config/version.txt': '0.9' };
  for (const [collector, files, unread] of [
    [onboardingCollector, { 'config/onboarding.json': '{"q1"' }, ['configuration', 'completion_timestamp']],
    [onboardingCollector, { 'config/license.json': '{' }, ['reset_count', 'max_resets']],
    [onboardingCollector, { 'config/onboarding.json': { q1: 'A' }, [VESSEL_PATH]: '\0\0\0' }, ['vessel']],
    [settingsCollector, { 'config/settings.json': '[[' }, ['network', 'display']],
    [settingsCollector, { 'config/license.json': '', VERSION: '\0\0' }, ['license', 'system_version']],
  ] as const)
    it(`is distinguished from one that does not exist: ${Object.keys(files).join()} has no ${unread.join()}`, async () => {
      const { records } = await collect(collector, { ...neighbours, ...files });
      assert.deepEqual(records[0]?.['unread'], unread);
      assert.ok(unread.every((key) => !(key in (records[0] ?? {}))));
      assert.ok(!('unread' in ((await collect(collector, neighbours)).records[0] ?? {})));
    });
});
