import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import type { Category } from '@d3kos/protocol';
import { createVirtualClock, type VirtualClock } from '../../../sim/src/clock.ts';
import { writeBoat } from '../../../sim/src/fixture/boat.ts';
import { createDisk } from '../platform/disk.ts';
import { toDiskError } from '../platform/disk-error.ts';
import type { Disk } from '../platform/ports.ts';
import { createSourceDisk, SOURCE_WAIT_MAX_MS } from '../platform/source-disk.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { collectAll, createTestContext } from './collection-for-tests.ts';
import type { CollectContext, CollectOutcome, Collector } from './collector.ts';
import { createCollectors } from './collectors.ts';
import { inspectSources } from './inspect-sources.ts';
import { withSourceFailures } from './with-source-failures.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-source-failures-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let boats = 0;

/** Creates a boat with records in every category. */
function newBoat() {
  boats += 1;
  const root = join(folder, String(boats));
  const { places } = writeBoat(root, { generation: 'gen3', rows: 20, seed: 5 });
  return { root, places };
}

/** Collects all categories. Returns the outcomes, without the sentences about keys that stay on the boat. */
async function collectEach(context: CollectContext): Promise<ReadonlyMap<Category, CollectOutcome>> {
  const outcomes = new Map<Category, CollectOutcome>();
  for (const collector of createCollectors()) {
    const { detail = '', ...outcome } = (await collectAll(collector, context)).outcome;
    const problems = detail.split('; ').filter((sentence) => !/^$|^not exported: /.test(sentence));
    outcomes.set(
      collector.category,
      problems.length === 0 ? outcome : { ...outcome, detail: problems.join('; ') },
    );
  }
  return outcomes;
}

/** Returns the real disk, except that every operation on `failing` rejects with the given system error code. */
function failingDisk(failing: string, code: string): Disk {
  const disk = createDisk();
  const refuse = async (path: string): Promise<void> => {
    const error = Object.assign(new Error(`${code}: '${path}'`), { code });
    if (path === failing) throw toDiskError(error, `read ${path}`);
  };
  return {
    ...disk,
    read: async (path, sizeMaxBytes) => refuse(path).then(() => disk.read(path, sizeMaxBytes)),
    readRange: async (path, offset, length) => refuse(path).then(() => disk.readRange(path, offset, length)),
    stat: async (path) => refuse(path).then(() => disk.stat(path)),
    list: async (path) => refuse(path).then(() => disk.list(path)),
  };
}

const DATABASES = [
  ['boatlog', 'data/boatlog/boatlog.db'],
  ['marine_vision_captures', 'data/marine-vision/captures.db'],
  ['system_alerts', 'data/self-healing/issues.db'],
] as const satisfies readonly (readonly [Category, string])[];

const IN_PLACE: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  ['a pipe', (path) => execFileSync('mkfifo', [path]), /not a regular file/],
  ['a folder', (path) => mkdirSync(path), /is a folder/],
  ['a link to itself', (path) => symlinkSync(path, path), /circular link/],
  ['a dangling link', (path) => symlinkSync('/nowhere/at/all', path), /not a regular file/],
];

describe('a source database that the system cannot open', () => {
  for (const [what, put, reason] of IN_PLACE)
    for (const [category, name] of DATABASES)
      it(`because ${what} is in place of ${name}, fails only its category, and the doctor reports it`, async () => {
        const { root, places } = newBoat();
        rmSync(join(root, name));
        put(join(root, name));
        const context = createTestContext(places);
        for (const [each, { state, detail }] of await collectEach(context))
          if (each !== category) assert.notEqual(state, 'error', `${each}: ${detail}`);
          else {
            assert.match(detail ?? '', reason);
            assert.ok(detail?.startsWith(name) && !detail.includes(folder), detail);
            // The alerts also come from two files, which can still be read.
            assert.equal(state, category === 'system_alerts' ? 'ok' : 'error');
          }
        const found = (await inspectSources(context)).filter((each) => each.category === category);
        assert.match(found.map(({ detail }) => detail).join(), reason);
      });

  for (const code of ['EACCES', 'EIO', 'ESTALE'])
    for (const [category, name] of DATABASES)
      it(`with ${code} for ${name}, fails only its category`, async () => {
        const { root, places } = newBoat();
        const context = createTestContext(places, undefined, { disk: failingDisk(join(root, name), code) });
        const outcomes = await collectEach(context);
        assert.match(outcomes.get(category)?.detail ?? '', new RegExp(`^${name} .*\\(${code}\\)`));
        assert.deepEqual(outcomes.get(category)?.cursors, []);
        for (const [each, { detail }] of outcomes) if (each !== category) assert.equal(detail, undefined);
      });

  it('when it is opened, after the disk port has accepted it, fails only its category', async () => {
    const { places } = newBoat();
    const databases = createDatabases();
    const openSource = (path: string) => {
      // Simulates another user's file with mode 0600.
      if (path.endsWith('boatlog.db'))
        throw toDiskError(Object.assign(new Error('EACCES'), { code: 'EACCES' }), `open the source ${path}`);
      return databases.openSource(path);
    };
    const context = createTestContext(places, undefined, { databases: { ...databases, openSource } });
    const outcomes = await collectEach(context);
    assert.match(outcomes.get('boatlog')?.detail ?? '', /no permission \(EACCES\)/);
    assert.equal(outcomes.get('marine_vision_captures')?.state, 'ok');
  });

  for (const [name, category] of [
    ['camera-recordings', 'marine_vision_snapshots'],
    ['config/user-preferences.json', 'settings'],
    ['data/alarm-webhook-log.jsonl', 'system_alerts'],
  ] as const)
    it(`is one of several kinds: ${name} fails only ${category}`, async () => {
      const { root, places } = newBoat();
      const path = name === 'camera-recordings' ? places.recordings : join(root, name);
      const context = createTestContext(places, undefined, { disk: failingDisk(path, 'EACCES') });
      for (const [each, { detail }] of await collectEach(context))
        assert.equal(detail !== undefined, each === category, `${each}: ${detail}`);
      const named = (await inspectSources(context)).map((each) => each.category);
      assert.deepEqual(named, [category]);
    });

  it("in an unexpected place, fails only its category, whereas a bug's error is thrown", async () => {
    const context = createTestContext(newBoat().places);
    const failing = (error: unknown): Collector => ({
      category: 'qr_codes',
      isNews: true,
      async *collect() {
        throw error;
      },
    });
    const refused = toDiskError(Object.assign(new Error('EIO'), { code: 'EIO' }), 'read /a/b');
    const { outcome } = await collectAll(withSourceFailures(failing(refused)), context);
    assert.deepEqual(
      [outcome.state, outcome.detail],
      ['error', 'a source cannot be read: the storage device failed (EIO)'],
    );
    await assert.rejects(collectAll(withSourceFailures(failing(new TypeError('defect'))), context), /defect/);
  });

  it('is not reported if it does not exist or has 0 bytes', async () => {
    const { root, places } = newBoat();
    rmSync(join(root, DATABASES[0][1]));
    writeFileSync(join(root, DATABASES[1][1]), '');
    assert.deepEqual(await inspectSources(createTestContext(places)), []);
  });
});

describe('a source whose file system does not answer', () => {
  /** Returns the real disk in virtual time. Operations on some paths never end. */
  function stuckDisk(stuck: ReadonlySet<string>, clock: VirtualClock) {
    const disk = createDisk();
    const begun: string[] = [];
    const run = <T>(path: string, work: () => Promise<T>): Promise<T> => {
      begun.push(path);
      return stuck.has(path) ? new Promise(() => undefined) : clock.outside(path, work());
    };
    const slow: Disk = {
      ...disk,
      read: (path, sizeMaxBytes, links) => run(path, () => disk.read(path, sizeMaxBytes, links)),
      readRange: (path, offset, length, links) =>
        run(path, () => disk.readRange(path, offset, length, links)),
      stat: (path, links) => run(path, () => disk.stat(path, links)),
      list: (path, links) => run(path, () => disk.list(path, links)),
      space: (path) => run(path, () => disk.space(path)),
    };
    return { begun, disk: slow };
  }
  const signal = new AbortController().signal;

  it('fails only its category after a deadline, and fails immediately the next time', async () => {
    const { root, places } = newBoat();
    const path = join(root, DATABASES[0][1]);
    const clock = createVirtualClock(0);
    const { disk, begun } = stuckDisk(new Set([path]), clock);
    const sourceDisk = createSourceDisk(disk, clock);
    const context = createTestContext(places, undefined, { clock, disk: sourceDisk(signal) });
    const outcomes = await clock.settle(collectEach(context));
    assert.match(
      outcomes.get('boatlog')?.detail ?? '',
      /boatlog\.db cannot be read: its file system does not answer/,
    );
    assert.equal(outcomes.get('boatlog')?.state, 'error');
    assert.equal(outcomes.get('marine_vision_captures')?.state, 'ok');
    assert.equal(clock.monotonic(), SOURCE_WAIT_MAX_MS);
    await clock.settle(collectEach(context));
    assert.equal(clock.monotonic(), SOURCE_WAIT_MAX_MS, 'the second collection did not wait');
    assert.equal(begun.filter((each) => each === path).length, 1);
  });

  it('occupies at most two threads, however many sources are stuck', async () => {
    const { root, places } = newBoat();
    const paths = [...DATABASES.map(([, name]) => join(root, name)), places.recordings];
    const clock = createVirtualClock(0);
    const { disk, begun } = stuckDisk(new Set(paths), clock);
    const context = createTestContext(places, undefined, {
      clock,
      disk: createSourceDisk(disk, clock)(signal),
    });
    const outcomes = await clock.settle(collectEach(context));
    assert.equal(begun.filter((path) => paths.includes(path)).length, 2);
    for (const category of [
      'boatlog',
      'marine_vision_captures',
      'system_alerts',
      'marine_vision_snapshots',
    ] as const)
      assert.match(outcomes.get(category)?.detail ?? '', /do(?:es)? not answer/);
    assert.equal(clock.monotonic(), 2 * SOURCE_WAIT_MAX_MS);
  });

  it('is read again once the system has answered, and an abort ends the wait immediately', async () => {
    const answer = Promise.withResolvers<undefined>();
    const disk: Disk = { ...createDisk(), stat: () => answer.promise };
    const clock = createVirtualClock(0);
    const stopping = new AbortController();
    const source = createSourceDisk(disk, clock)(stopping.signal);
    const waiting = source.stat('/mnt/boat/boatlog.db');
    stopping.abort(new Error('the daemon stops'));
    await assert.rejects(waiting, /the daemon stops/);
    const later = createSourceDisk(disk, clock)(signal);
    answer.resolve(undefined);
    assert.equal(await later.stat('/mnt/boat/boatlog.db'), undefined);
    assert.equal(clock.monotonic(), 0);
  });
});

describe('a table of an unexpected kind', () => {
  const COLUMNS =
    'entry_id INTEGER PRIMARY KEY, timestamp TEXT, entry_type TEXT, content TEXT, latitude REAL, longitude REAL, weather_conditions TEXT';
  const CAPTURE_COLUMNS = 'id INTEGER PRIMARY KEY, timestamp TEXT, image_path TEXT, species TEXT';
  const ENDLESS = (columns: string): string =>
    `WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT ${columns} FROM n`;
  const SHAPES: readonly (readonly [Category, string, string, RegExp])[] = [
    [
      'boatlog',
      'data/boatlog/boatlog.db',
      `CREATE VIEW boatlog_entries AS ${ENDLESS("x AS entry_id, '' AS timestamp, 'auto' AS entry_type, '' AS content")}`,
      /boatlog_entries is a view/,
    ],
    [
      'marine_vision_captures',
      'data/marine-vision/captures.db',
      `CREATE VIEW Captures AS ${ENDLESS('x AS id, x AS timestamp')}`,
      /captures is a view/,
    ],
    [
      'system_alerts',
      'data/self-healing/issues.db',
      `CREATE VIEW issues AS ${ENDLESS('x AS id')}`,
      /issues is a view/,
    ],
    [
      'boatlog',
      'data/boatlog.db',
      'CREATE VIRTUAL TABLE boatlog_entries USING fts5(content, entry_type)',
      /boatlog_entries is a virtual table/,
    ],
    [
      'boatlog',
      'data/boatlog/boatlog.db',
      `CREATE TABLE boatlog_entries (${COLUMNS.replace('INTEGER', 'TEXT')}) WITHOUT ROWID`,
      /WITHOUT ROWID/,
    ],
    [
      'marine_vision_captures',
      'data/captures.db',
      `CREATE TABLE captures (${CAPTURE_COLUMNS}) WITHOUT ROWID`,
      /WITHOUT ROWID/,
    ],
    [
      'boatlog',
      'data/boatlog/boatlog.db',
      'CREATE TABLE boatlog_entries (RowId TEXT, content TEXT)',
      /a column named rowid/,
    ],
  ];
  function putDatabase(root: string, name: string, sql: string): void {
    rmSync(join(root, name), { force: true });
    mkdirSync(dirname(join(root, name)), { recursive: true });
    const db = new DatabaseSync(join(root, name));
    db.exec(sql);
    db.close();
  }

  for (const [category, name, sql, reason] of SHAPES)
    it(`is not read, and the reason is given: ${reason.source} in ${name}`, async () => {
      const root = join(folder, String((boats += 1)));
      const { places } = writeBoat(root, { generation: 'fresh', rows: 0, seed: 1 });
      putDatabase(root, name, sql);
      const context = createTestContext(places);
      const { state, detail } = (await collectEach(context)).get(category) ?? {};
      assert.equal(state, 'schema_unknown', detail);
      assert.match(detail ?? '', reason);
      assert.match((await inspectSources(context)).map((each) => each.detail).join(), reason);
    });

  it('does not prevent reading the other database of its category', async () => {
    const { root, places } = newBoat();
    putDatabase(root, 'data/boatlog.db', SHAPES[0]?.[2] ?? '');
    const { state, detail } = (await collectEach(createTestContext(places))).get('boatlog') ?? {};
    assert.equal(state, 'ok');
    assert.match(detail ?? '', /data\/boatlog\.db: table boatlog_entries is a view/);
  });

  it('is read except for its generated columns, which are listed', async () => {
    const root = join(folder, String((boats += 1)));
    const { places } = writeBoat(root, { generation: 'fresh', rows: 0, seed: 1 });
    putDatabase(
      root,
      'data/boatlog/boatlog.db',
      `CREATE TABLE boatlog_entries (entry_id INTEGER PRIMARY KEY, timestamp TEXT, content TEXT,
         entry_type TEXT GENERATED ALWAYS AS (upper(content)) VIRTUAL);
       INSERT INTO boatlog_entries (timestamp, content) VALUES ('2026-03-16T14:03:05.123Z', 'stored')`,
    );
    const collector = createCollectors().find(({ category }) => category === 'boatlog');
    assert.ok(collector !== undefined);
    const { records, outcome } = await collectAll(collector, createTestContext(places));
    assert.equal(records[0]?.['content'], 'stored');
    assert.match(outcome.detail ?? '', /entry_type/);
  });
});
