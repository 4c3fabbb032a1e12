import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import { CATEGORIES } from '@d3kos/protocol';
import { boatlogCollector } from '../collect/boatlog.ts';
import { collectAll, createTestContext } from '../collect/collection-for-tests.ts';
import { createTimestampReader } from '../collect/policy/timestamps.ts';
import { createClock } from '../platform/clock.ts';
import type { Clock, WallMs } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { createPower, PowerCut } from '../testing/power-cut.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { LEGACY_DOCUMENT_SIZE_MAX_BYTES, toExportId } from './adopt.ts';
import { decideOwnership } from './adopting-boat.ts';
import type { NewEntry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { recover } from './recover.ts';
import { toLegacyRecords } from './legacy-document.ts';

const root = join(temporaryRoot('adopt'), 'boat');
const paths = toSpoolPaths(root);
const BOAT = '0123456789abcdef';
const clock: Clock = { ...createClock(), wall: () => Date.parse('2026-11-23T10:00:00Z') as WallMs };
const readTime = createTimestampReader('UTC');

const open = (): Ledger => createPower(paths.ledger, Number.POSITIVE_INFINITY).openLedger();

async function start(stepsMax = Number.POSITIVE_INFINITY, log = createKeptLog()) {
  const power = createPower(paths.ledger, stepsMax);
  let ledger: Ledger | undefined;
  try {
    ledger = power.openLedger();
    const report = await recover({ clock, disk: power.disk, random: createRandom(), log }, paths, ledger);
    return { report, steps: power.steps() };
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    return undefined;
  } finally {
    ledger?.close();
  }
}

function put(name: string, content: unknown): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function freshBoat(): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(paths.exports, { recursive: true });
  put('config/license.json', { installation_id: BOAT, tier: 2 });
}

const document = (n: number, over: Readonly<Record<string, unknown>> = {}) => ({
  installation_id: BOAT,
  export_timestamp: `2026-02-20T10:05:3${n}Z`,
  format_version: '1.0',
  data: { boatlog: { category: 'boatlog', entries: [{ entry_id: n, timestamp: 't' }] } },
  ...over,
});

function state() {
  const ledger = open();
  const entries = (['pending', 'failed'] as const)
    .flatMap((status) => ledger.queue.list(status))
    .map(({ exportFile, ...entry }) => ({ ...entry, exportFile: relative(root, exportFile) }));
  const cursor = ledger.progress.cursorOf('boatlog', 'main');
  ledger.close();
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.includes('exports.db') && statSync(join(root, name)).isFile())
    .sort()
    .map((name) => [name, readFileSync(join(root, name), 'utf8')]);
  return { entries, cursor, files };
}

const newEntry = (n: number, exportFile: string): NewEntry => ({
  queueId: `q_${n}`,
  exportId: `exp_${n}`,
  exportFile,
  exportType: 'incremental',
  trigger: 'manual',
  tier: 2,
  sequence: n,
  categoryCount: 9,
  recordCount: 1,
  categories: {},
  fileSizeBytes: 1,
  createdAtMs: clock.wall(),
});

/** Creates a boat with everything that a power cut or an owner can leave behind. */
function writeMess(): void {
  freshBoat();
  put('data/exports/failed_exports/q_2_failed.json', '{}');
  for (const n of [1, 2, 3]) put(`data/exports/exports/export_20260220_10053${n}.json`, document(n));
  put('data/exports/exports/copy of 1.json', document(1));
  put('data/exports/exports/torn.json', '{"installation_id":"0123456789abcdef","da');
  put('data/exports/damaged/torn.json', 'of another day');
  put('data/exports/failed_exports/q_20260219_100000_failed.json', document(4));
  put('data/exports/exports/.x.tmp', 'half');
  put('data/exports/.y.tmp', 'half');
  put(
    'data/exports/exports/partly.json',
    document(5, { data: { boatlog: { entries: [{ entry_id: 5 }], data: 1 }, unheard: [1] } }),
  );
  const ledger = open();
  ledger.queue.enqueue(newEntry(1, join(paths.exports, 'gone.json')), [
    {
      category: 'boatlog',
      cursors: [{ source: 'main', from: undefined, to: { position: 40, check: 'x' } }],
      digests: [],
    },
  ]);
  ledger.queue.enqueue(newEntry(2, join(paths.exports, 'archived.json')), []);
  ledger.close();
}

test('recovery has the same result after the next start if it is interrupted at any change to the disk or the ledger', async () => {
  writeMess();
  const whole = await start();
  assert.ok(whole !== undefined && whole.steps > 30);
  assert.deepEqual(whole.report, {
    temporaryRemoved: 2,
    adopted: 5,
    quarantined: 1,
    missing: 1,
    postponed: 0,
  });
  const expected = state();
  assert.deepEqual(
    expected.entries.map(({ queueId, status }) => `${queueId} ${status}`),
    [
      'q_2 pending',
      'q_20260219_100000 pending',
      'q_20260220_100531 pending',
      'q_20260220_100532 pending',
      'q_20260220_100533 pending',
      'q_20260220_100535 pending',
      'q_1 failed',
    ],
  );
  assert.equal(expected.cursor, undefined, 'the records of the lost file are due again');
  assert.deepEqual(readdirSync(paths.damaged).sort(), ['partly.json', 'torn.json', 'torn.json_2']);
  for (let steps = 0; steps < whole.steps; steps += 1) {
    writeMess();
    assert.equal(await start(steps), undefined);
    if (steps % 2 === 0) await start(Math.floor(steps / 2));
    assert.ok((await start()) !== undefined);
    assert.deepEqual(state(), expected, `cut at step ${steps} of ${whole.steps}`);
  }
});

test("an adopted boatlog entry equals the collector's record, for any ID, time and neighbouring rows", async () => {
  freshBoat();
  mkdirSync(join(root, 'data/boatlog'));
  const db = new DatabaseSync(join(root, 'data/boatlog/boatlog.db'));
  db.exec(
    'CREATE TABLE boatlog_entries (entry_id, timestamp TEXT, entry_type TEXT, content TEXT, latitude REAL, longitude REAL, weather_conditions TEXT)',
  );
  const rows: readonly (readonly (string | number | null)[])[] = [
    [1, '2026-03-16T14:03:05.123Z', 'voice', 'hello', 44.5, -79.25, 'clear'],
    [
      '9a7c-uuid',
      '2026-03-16T14:03:05.123456',
      'text',
      'two\n"lines" ☃',
      null,
      null,
      '{"temp": 3, "apiKey": "s"}',
    ],
    [null, '20260322_122202', 'engine', 'x', null, null, null],
    [null, '20260322_122202', 'engine', 'x', null, null, null],
    [null, '20260322_122202', 'engine', 'y', 0, 44, null],
    ['', null, null, null, null, null, null],
    [3, null, 'auto', 'key=secret stays as it was said', 1, 2, 'from https://x.y/z'],
    ['x'.repeat(400), 't', 'auto', '', null, null, null],
  ];
  for (const row of rows) db.prepare('INSERT INTO boatlog_entries VALUES (?, ?, ?, ?, ?, ?, ?)').run(...row);
  // The legacy exporter's query and document shape.
  const entries = db
    .prepare(
      'SELECT entry_id, timestamp, entry_type, content, latitude, longitude, weather_conditions FROM boatlog_entries ORDER BY timestamp DESC',
    )
    .all()
    .map((row) => ({
      entry_id: row['entry_id'],
      timestamp: row['timestamp'],
      type: row['entry_type'],
      content: row['content'],
      gps: { latitude: row['latitude'], longitude: row['longitude'] },
      weather: row['weather_conditions'],
    }));
  db.close();
  const section = JSON.parse(JSON.stringify({ category: 'boatlog', entries }));
  const sources = { root, recordings: '/nowhere', proc: '/nowhere', sys: '/nowhere', run: '/nowhere' };
  const { records } = await collectAll(
    boatlogCollector,
    createTestContext(sources, undefined, { mode: 'full' }),
  );
  const byId = <T extends { readonly record_id: string }>(found: readonly T[]) =>
    found.toSorted((left, right) => (left.record_id < right.record_id ? -1 : 1));
  const adopted = toLegacyRecords('boatlog', section, 't', readTime);
  assert.equal(records.length, rows.length);
  assert.deepEqual(
    byId(adopted).map((record) => ({ ...record, ...(record['entry_id'] === null ? { entry_id: '' } : {}) })),
    byId(records).map((record) => ({ ...record, ...(record['entry_id'] === null ? { entry_id: '' } : {}) })),
  );
});

test('every adopted record has the record ID that its collector assigns, and appears once', () => {
  const table: readonly (readonly [
    category: (typeof CATEGORIES)[number],
    section: unknown,
    ids: readonly string[],
  ])[] = [
    [
      'marine_vision_captures',
      {
        entries: [
          { capture_id: 3, timestamp: 't' },
          { id: 4, timestamp: 't' },
        ],
      },
      ['3@t', '4@t'],
    ],
    [
      'marine_vision_snapshots',
      { entries: [{ filename: 'capture_bow_20260322_122202.jpg' }] },
      ['capture_bow_20260322_122202.jpg'],
    ],
    ['qr_codes', [{ installation_uuid: 'u', generated_at: 't', pairing_token: 's' }], ['u@t']],
    [
      'system_alerts',
      {
        entries: [
          { id: 1, timestamp: 't', resolved_at: null },
          { id: 1, timestamp: 't' },
        ],
      },
      ['issues:1@t', 'alerts:1@t'],
    ],
    [
      'engine_benchmark',
      { entries: [{ id: 17, startTime: 1 }, { timestamp: 't', baseline: {} }, { timestamp: 't' }] },
      ['test:17', 'results@t', 'baseline@t'],
    ],
    ['settings', { data: { license: {} } }, ['settings']],
    ['settings', { data: {} }, []],
    ['onboarding', { data: { q1: 'x' } }, ['onboarding']],
    ['telemetry', { data: { system_uptime_seconds: 1 } }, ['telemetry@2026']],
    [
      'boatlog',
      {
        entries: [
          { record_id: 'kept', entry_id: 1 },
          { record_id: null, entry_id: 1 },
        ],
      },
      ['kept', '1'],
    ],
    [
      'boatlog',
      {
        entries: [
          { entry_id: 1, timestamp: 't', content: 'a' },
          { entry_id: 1, timestamp: 't', content: 'b' },
        ],
      },
      ['1@t'],
    ],
    ['boatlog', { error: 'x' }, []],
  ];
  for (const [category, section, ids] of table) {
    const records = toLegacyRecords(category, section, '2026', readTime);
    assert.deepEqual(
      records.map((record) => record.record_id),
      ids,
      category,
    );
    for (const record of records)
      assert.equal(Object.keys(record)[0], 'record_id', 'readers of export files rely on the first key');
  }
  const numbered = toLegacyRecords('settings', { data: { 0: 'x', license: {} } }, '2026', readTime);
  assert.equal(Object.keys(numbered[0] ?? {})[0], 'record_id');
});

test('adopted records contain no credentials, addresses or local paths', () => {
  const secret = 'hunter2';
  const section = {
    entries: [
      {
        id: 1,
        timestamp: 't',
        species: 'pike',
        image_path: `/home/d3kos/${secret}.jpg`,
        pairing_token: secret,
        nested: [{ apiKey: secret, 'api-key': secret, wifi_password: secret, score: 3 }],
        remark: `see rtsp://user:${secret}@10.42.0.2/1`,
      },
    ],
  };
  for (const category of CATEGORIES) {
    const text = JSON.stringify(
      toLegacyRecords(category, { ...section, data: { license: section.entries[0] } }, 't', readTime),
    );
    assert.ok(!text.includes(secret), `${category}: ${text}`);
  }
  const [capture] = toLegacyRecords('marine_vision_captures', section, 't', readTime);
  assert.deepEqual(capture?.['nested'], [{ score: 3 }]);
  assert.equal(capture?.['species'], 'pike');
});

test('the installation IDs in the export and in license.json determine whether the export is accepted', () => {
  const other = 'fedcba9876543210';
  const table: readonly (readonly [stated: unknown, boat: string | undefined, id: string | undefined])[] = [
    [BOAT, BOAT, BOAT],
    [BOAT, undefined, BOAT],
    [undefined, BOAT, BOAT],
    [null, BOAT, BOAT],
    [other, BOAT, undefined],
    [undefined, undefined, undefined],
    ['', BOAT, undefined],
    [7, BOAT, undefined],
  ];
  for (const [stated, installationId, id] of table) {
    const owner = decideOwnership(stated, { installationId });
    assert.equal(owner.kind === 'ours' ? owner.installationId : undefined, id, String(stated));
  }
});

test('a legacy export that is too large to read is quarantined, and startup continues', async () => {
  freshBoat();
  put('data/exports/exports/a.json', ' '.repeat(LEGACY_DOCUMENT_SIZE_MAX_BYTES + 1));
  put('data/exports/exports/export_20260220_100531.json', document(1));
  const log = createKeptLog();
  const started = await start(undefined, log);
  assert.deepEqual([started?.report.adopted, started?.report.quarantined], [1, 1]);
  assert.equal(statSync(join(paths.damaged, 'a.json')).size, LEGACY_DOCUMENT_SIZE_MAX_BYTES + 1);
});

test('does not rewrite a delivered and removed legacy export under the same ID, which central would refuse', async () => {
  freshBoat();
  const old = put('data/exports/exports/export_20260220_100531.json', document(1));
  await start();
  const ledger = open();
  const [entry] = ledger.queue.list('pending');
  assert.ok(entry !== undefined);
  ledger.queue.claim(() => true);
  ledger.queue.plan(entry.entryNo, 100, [{ index: 1, slices: undefined }]);
  ledger.queue.complete(entry.entryNo, {
    partIndex: 1,
    atMs: clock.wall(),
    wireSizeBytes: 1,
    receipt: {
      status: 'success',
      import_id: 'import_1',
      export_id: entry.exportId,
      part: { index: 1, count: 1 },
      sha256: 'a'.repeat(64),
      records_imported: {},
      rejected_records: [],
      duplicate: false,
      timestamp: '2026-01-01T00:00:00Z',
    },
  });
  rmSync(entry.exportFile);
  ledger.queue.forget(entry.entryNo);
  ledger.close();
  // The legacy file had not been removed.
  put('data/exports/exports/export_20260220_100531.json', document(1));
  assert.equal((await start())?.report.adopted, 0);
  assert.equal(existsSync(old), false);
  assert.deepEqual(
    readdirSync(paths.exports).map((name) => basename(name)),
    [],
  );
});

test('a legacy export always has the same export ID in one ledger, and a different one in a ledger that replaced it', () => {
  // The rewritten document contains the ledger ID, and central refuses different content under a known export ID.
  assert.equal(toExportId('aaaa', 'content'), toExportId('aaaa', Buffer.from('content')));
  assert.notEqual(toExportId('aaaa', 'content'), toExportId('bbbb', 'content'));
});
