import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { createBoatlogReader } from './boatlog-rows.ts';
import { createTestContext } from './collection-for-tests.ts';
import { createTimestampReader } from './policy/timestamps.ts';
import { createOddParts } from './source-notes.ts';
import { openSourceTable } from './source-table.ts';

const SOURCE_PATH = 'data/boatlog/boatlog.db';
const COLUMNS =
  'entry_id, timestamp TEXT, entry_type TEXT, content TEXT, latitude REAL, longitude REAL, weather_conditions TEXT';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-boatlog-lines-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let roots = 0;

describe('a line of the boatlog', () => {
  /** Compares the lines that both paths produce for a row, and returns whether the fast path accepted the row. */
  async function compareLines(values: readonly SQLInputValue[], columns = COLUMNS): Promise<boolean> {
    roots += 1;
    const root = join(folder, String(roots));
    mkdirSync(dirname(join(root, SOURCE_PATH)), { recursive: true });
    const db = new DatabaseSync(join(root, SOURCE_PATH));
    db.exec(`CREATE TABLE boatlog_entries (${columns})`);
    db.prepare('INSERT INTO boatlog_entries VALUES (?, ?, ?, ?, ?, ?, ?)').run(...values);
    db.close();
    const opened = await openSourceTable(
      createTestContext(toBoatPlaces(root)),
      SOURCE_PATH,
      'boatlog_entries',
      {
        entry_id: ['entry_id'],
        timestamp: ['timestamp'],
        entry_type: ['entry_type'],
        content: ['content'],
        latitude: ['latitude'],
        longitude: ['longitude'],
        weather_conditions: ['weather_conditions'],
      },
    );
    assert.ok(opened.kind === 'table');
    const readTime = createTimestampReader('UTC');
    const odd = createOddParts(SOURCE_PATH, 'value');
    const onLeftOut = (): void => undefined;
    const fit = (_after: number, rowsMax: number) => rowsMax;
    const either = await createBoatlogReader(opened.table, fit, { readTime, odd, onLeftOut })(0, 10).toPage();
    const inJavaScript = { readTime, odd, onLeftOut, isElsewhere: () => false };
    const byRow = await createBoatlogReader(opened.table, fit, inJavaScript)(0, 10).toPage();
    assert.deepEqual(JSON.parse(either?.lines ?? ''), JSON.parse(byRow?.lines ?? ''), String(values));
    opened.table.db.close();
    rmSync(root, { recursive: true });
    return either?.bytes !== undefined;
  }

  const SIMPLE = [7n, '2026-03-16T14:03:05.123Z', 'voice', 'hello', null, null, 'calm'] as const;
  const NOT_SIMPLE: readonly (readonly [column: number, values: readonly SQLInputValue[]])[] = [
    [0, ['a\0b', '7\0', '', 'x'.repeat(65), 'a b', 1.5, null, -(2n ** 60n), new Uint8Array([55])]],
    [
      1,
      [
        '2026-02-30T10:00:00.123Z',
        '2026-02-29T10:00:00.123Z',
        '2026-04-31T00:00:00.000000',
        '2026-03-16T24:00:00.000Z',
        '2026-03-16T24:10:00.123456',
        '2026-03-16T14:60:05.123Z',
        '1969-12-31T10:00:00.123Z',
        '2026-03-16t14:03:05.123Z',
        '2026-03-16 14:03:05.123Z',
        '2026-03-16TT14:03:05.12Z',
        '2026-03-16T14:03:05.12 Z',
        '2026-03-16T14:03:05.123  ',
        '2026-03-16T14:03:05.12  ',
        '2026-03-16T14:03:05.1234',
        '2026-03-16T14:03:05.123Z\0x',
        '2026-03-16T14:03:05.12\0Z',
        '99999-03-16T14:03:05.12Z',
        '-2026-03-16T14:03:05.12Z',
        '20260322_122202',
        null,
        1_774_000_000,
        new TextEncoder().encode('2026-03-16T14:03:05.123Z'),
      ],
    ],
    [2, [new Uint8Array([55])]],
    [3, [new Uint8Array([55])]],
    [4, [1e9, -Infinity, 'north', new Uint8Array([55])]],
    [6, ['{"temp":1}', '12:30', 'calm\0see http://user:pw@host/', new Uint8Array([55])]],
  ];
  for (const [column, values] of NOT_SIMPLE)
    it(`sends a row with an unusual value in column ${column} to the slow path`, async () => {
      assert.ok(await compareLines(SIMPLE));
      for (const value of values)
        assert.equal(await compareLines(SIMPLE.with(column, value as never)), false, String(value));
    });

  const KEYS: readonly (readonly [declared: string, id: SQLInputValue, isSimple: boolean])[] = [
    ['entry_id INTEGER PRIMARY KEY', 7n, true],
    ['entry_id integer primary key autoincrement', null, true],
    // For compatibility with old SQLite files, this column is not the rowid, so it may have any value.
    ['entry_id INTEGER PRIMARY KEY DESC', 7n, true],
    ['entry_id INTEGER PRIMARY KEY DESC', null, false],
    ['entry_id INTEGER PRIMARY KEY DESC', 'a b', false],
    ['entry_id INT PRIMARY KEY', null, false],
    ['entry_id TEXT PRIMARY KEY', 'a"b', false],
  ];
  for (const [declared, id, isSimple] of KEYS)
    it(`classifies ${String(id)} in ${declared} as ${isSimple ? 'simple' : 'not simple'}`, async () => {
      const columns = COLUMNS.replace('entry_id', declared);
      const isMade = await compareLines(SIMPLE.with(0, id as never), columns);
      assert.equal(isMade, isSimple);
    });

  it('has the same records on the fast path and the slow path', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('voice', 'a"b\\c', '', '🌊', '{"temp":1}', '12:30', 'calm\0see http://user:pw@host/'),
    );
    const moment = fc.integer({ min: 0, max: 4e12 }).map((ms) => new Date(ms).toISOString());
    const timestamp = fc.oneof(
      { weight: 6, arbitrary: moment },
      { weight: 6, arbitrary: moment.map((iso) => `${iso.slice(0, 23)}456`) },
      fc.constantFrom(
        '2026-02-30T10:00:00.123Z',
        '2026-03-16T24:10:00.123Z',
        '2026-03-16T14:03:05.12 Z',
        '1969-12-31T10:00:00.123Z',
        '2026-03-16t14:03:05.123Z',
        '2026-04-31T00:00:00.000000',
        '20260322_122202',
        '2026-03-16T14:03:05.1234',
      ),
      text,
    );
    const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
      fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, arbitrary);
    const angle = fc.oneof(
      fc.double({ min: -180, max: 180 }),
      fc.double(),
      fc.integer(),
      fc.constant(null),
      fc.constant('44 N'),
    );
    const row = fc.tuple(
      fc.oneof(
        { weight: 8, arbitrary: fc.bigInt({ min: -1000n, max: 1_000_000n }) },
        fc.uuid(),
        text,
        fc.constant(null),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.double(),
      ),
      timestamp,
      fc.oneof(text, fc.constant(null)),
      fc.oneof({ weight: 6, arbitrary: text }, fc.constant(null), fc.uint8Array({ maxLength: 8 })),
      seldom(angle),
      seldom(angle),
      seldom(text),
    );
    let made = 0;
    await fc.assert(
      fc.asyncProperty(row, async (values) => {
        if (await compareLines(values)) made += 1;
      }),
      { numRuns: 400 },
    );
    assert.ok(made > 40, `only ${made} rows were plain`);
  });
});
