import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { recordTable, type Store } from '@d3kos/central';
import { CATEGORIES, type Category } from '@d3kos/protocol';
import { addRecords } from '../../packages/sim/src/fixture/index.ts';

/** Returns true for SQLITE_BUSY and its extended codes. */
const SQLITE_BUSY = 5;

/** Maximum number of identities named in a failure. */
const NAMED_MAX = 20;

/**
 * The identities of the records in a `gen3` boat's sources, read without the boat's code. Telemetry is omitted, because each
 * export takes a new sample.
 */
export interface RecordsOfBoat {
  readonly ids: Readonly<
    Record<'boatlog' | 'marine_vision_captures' | 'marine_vision_snapshots', readonly string[]>
  >;
  /** The rows of the self-healing service's table as `<id>@<timestamp> <status>`. */
  readonly issues: readonly string[];
  readonly version: string;
}

export function readRecordsOfBoat(root: string): RecordsOfBoat {
  const recordings = join(root, 'camera-recordings');
  return {
    ids: {
      boatlog: readRows(
        join(root, 'data/boatlog/boatlog.db'),
        "SELECT entry_id || '@' || timestamp AS id FROM boatlog_entries",
      ),
      marine_vision_captures: readRows(
        join(root, 'data/marine-vision/captures.db'),
        "SELECT id || '@' || timestamp AS id FROM captures",
      ),
      marine_vision_snapshots: readdirSync(recordings, { recursive: true, encoding: 'utf8' })
        .filter((name) => statSync(join(recordings, name)).isFile())
        .sort(),
    },
    issues: readRows(
      join(root, 'data/self-healing/issues.db'),
      "SELECT id || '@' || timestamp || ' ' || status AS id FROM issues",
    ),
    version: readFileSync(join(root, 'config/version.txt'), 'utf8').trim(),
  };
}

function readRows(path: string, sql: string): readonly string[] {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
  try {
    return db
      .prepare(sql)
      .all()
      .map((row: Record<string, SQLOutputValue>) => String(row['id']))
      .sort();
  } finally {
    db.close();
  }
}

/** Adds records as `addRecords` does. Skips a source that a reader has locked. */
export function addRecordsUnlessBusy(root: string, options: Parameters<typeof addRecords>[1]): void {
  try {
    addRecords(root, options);
  } catch (error) {
    const isBusy =
      error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === SQLITE_BUSY;
    if (!isBusy) throw error;
  }
}

/**
 * Asserts that central holds every record of the boat's sources once, in its latest state, and no other records. `unchanging` is
 * the number of records in the categories that do not grow.
 */
export async function assertCentralHolds(
  store: Store,
  installationId: string,
  boat: RecordsOfBoat,
  unchanging: Readonly<Partial<Record<Category, number>>>,
): Promise<void> {
  const held = async (category: Category, what = 'record_id'): Promise<readonly string[]> => {
    const rows = await store.query(
      `select ${what} as id from ${recordTable(category)} where installation_id = $1::text`,
      [installationId],
    );
    return rows.map((row) => String(row['id'])).sort();
  };
  for (const [category, ids] of Object.entries(boat.ids))
    assertSame(category, await held(CATEGORIES.find((known) => known === category) ?? 'boatlog'), ids);
  const issues = await held(
    'system_alerts',
    "substr(record_id, 8) || ' ' || (record ->> 'status') || case when record_id like 'issues:%' then '' else null end",
  );
  assertSame(
    'system_alerts',
    issues.filter((id) => id !== 'null'),
    boat.issues,
  );
  for (const [category, count] of Object.entries(unchanging)) {
    const known = CATEGORIES.find((name) => name === category) ?? 'boatlog';
    assert.equal((await held(known)).length, count, category);
  }
  assert.deepEqual(await held('settings', "record ->> 'version'"), [boat.version]);
  // The running count equals the number of stored parts, so no part was counted twice.
  const [parts] = await store.query(
    `select (select documents::int from installations where installation_id = $1::text) as counted,
            (select count(*)::int from imports where installation_id = $1::text) as held`,
    [installationId],
  );
  assert.equal(parts?.['counted'], parts?.['held'], 'parts counted and parts held');
}

/** Returns the sorted IDs of the exports for which central holds parts. */
export async function exportsAtCentral(store: Store, installationId: string): Promise<readonly string[]> {
  const rows = await store.query(
    'select distinct export_id as id from imports where installation_id = $1::text',
    [installationId],
  );
  return rows.map((row) => String(row['id'])).sort();
}

function assertSame(what: string, actual: readonly string[], expected: readonly string[]): void {
  const there = new Set(actual);
  const wanted = new Set(expected);
  const missing = expected.filter((id) => !there.has(id));
  const surplus = actual.filter((id) => !wanted.has(id));
  assert.deepEqual(
    { missing: missing.slice(0, NAMED_MAX), surplus: surplus.slice(0, NAMED_MAX), count: actual.length },
    { missing: [], surplus: [], count: expected.length },
    `${what}: ${missing.length} missing, ${surplus.length} surplus of ${expected.length}`,
  );
}
