import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { resolveOldestIssue, writeIssues } from '../../../sim/src/fixture/alerts.ts';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { boatlogCollector } from './boatlog.ts';
import {
  type CollectedRecord,
  collectAll,
  createTestContext,
  createTestProgress,
  type TestOutcome,
} from './collection-for-tests.ts';
import { systemAlertsCollector } from './system-alerts.ts';

const SOURCE_PATH = 'data/boatlog/boatlog.db';
const ISSUES = 'data/self-healing/issues.db';
const ID_COLUMNS = [
  'entry_id INTEGER PRIMARY KEY',
  'entry_id INTEGER PRIMARY KEY AUTOINCREMENT',
  'entry_id TEXT',
] as const;

const folder = mkdtempSync(join(tmpdir(), 'd3kos-edits-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A scenario step: an edit to the source, or an export and its result. */
type Edit =
  | { readonly kind: 'append'; readonly rows: number; readonly content: string }
  | { readonly kind: 'deleteLast'; readonly rows: number }
  | { readonly kind: 'deleteOne' | 'editOne'; readonly at: number }
  | {
      readonly kind:
        'vacuum' | 'replace' | 'backup' | 'restore' | 'resolveIssue' | 'addIssue' | 'export' | 'failLast';
    };

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    rows: fc.integer({ min: 1, max: 9 }),
    content: fc.constantFrom('a', 'b', 'c'),
  }),
  fc.record({ kind: fc.constant('deleteLast' as const), rows: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constantFrom('deleteOne' as const, 'editOne' as const), at: fc.nat({ max: 20 }) }),
  fc
    .constantFrom(
      'vacuum',
      'replace',
      'backup',
      'restore',
      'resolveIssue',
      'addIssue',
      'export',
      'export',
      'failLast',
    )
    .map((kind) => ({ kind })),
);

/** A boat whose log is edited. Its clock is coarse and sometimes jumps back, so timestamps repeat. */
class EditedBoat {
  readonly root: string;
  readonly idColumn: string;
  tick = 0;
  hasBackup = false;
  constructor(root: string, idColumn: string) {
    this.root = root;
    this.idColumn = idColumn;
  }
  run(work: (db: DatabaseSync) => void): void {
    mkdirSync(dirname(join(this.root, SOURCE_PATH)), { recursive: true });
    const db = new DatabaseSync(join(this.root, SOURCE_PATH));
    db.exec(
      `CREATE TABLE IF NOT EXISTS boatlog_entries (${this.idColumn}, timestamp TEXT, entry_type TEXT, content TEXT, latitude REAL, longitude REAL, weather_conditions TEXT)`,
    );
    work(db);
    db.close();
  }
  append(rows: number, content: string): void {
    this.run((db) => {
      const insert = db.prepare(
        'INSERT INTO boatlog_entries (timestamp, entry_type, content) VALUES (?, ?, ?)',
      );
      for (let row = 0; row < rows; row += 1) {
        this.tick += 1;
        // Pairs of rows have the same timestamp. Without IDs, only their content distinguishes them.
        const moment = new Date(Date.UTC(2026, 0, 1) + Math.floor(this.tick / 2) * 1000).toISOString();
        insert.run(moment, 'auto', this.idColumn.endsWith('TEXT') ? `${content}${this.tick}` : content);
      }
    });
  }
  apply(step: Edit): void {
    const path = join(this.root, SOURCE_PATH);
    switch (step.kind) {
      case 'append':
        this.append(step.rows, step.content);
        break;
      case 'deleteLast':
        this.run((db) =>
          db.exec(
            `DELETE FROM boatlog_entries WHERE rowid IN (SELECT rowid FROM boatlog_entries ORDER BY rowid DESC LIMIT ${step.rows})`,
          ),
        );
        break;
      case 'deleteOne':
        this.run((db) => db.exec(`DELETE FROM boatlog_entries WHERE rowid = ${step.at}`));
        break;
      case 'editOne':
        this.tick += 1;
        this.run((db) =>
          db
            .prepare('UPDATE boatlog_entries SET content = ? WHERE rowid = ?')
            .run(`edited ${this.tick}`, step.at),
        );
        break;
      case 'vacuum':
        this.run((db) => db.exec('VACUUM'));
        break;
      case 'replace':
        rmSync(path, { force: true });
        this.append(3, 'fresh');
        break;
      case 'backup':
        this.run(() => undefined);
        copyFileSync(path, `${path}.bak`);
        this.hasBackup = true;
        break;
      case 'restore':
        if (this.hasBackup) copyFileSync(`${path}.bak`, path);
        break;
      case 'resolveIssue':
        resolveOldestIssue(join(this.root, ISSUES));
        break;
      case 'addIssue':
        writeIssues(join(this.root, ISSUES), { variant: 'id', rows: 1, seed: this.tick });
        break;
      case 'export':
      case 'failLast':
        break;
    }
  }
}

describe('any edits between exports', () => {
  for (const collector of [boatlogCollector, systemAlertsCollector])
    it(`leave central with every current record of ${collector.category} that existed at an export`, async () => {
      let boats = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...ID_COLUMNS),
          fc.array(edit, { maxLength: 25 }),
          async (idColumn, edits) => {
            boats += 1;
            const boat = new EditedBoat(join(folder, `${collector.category}-${boats}`), idColumn);
            boat.append(2, 'first');
            writeIssues(join(boat.root, ISSUES), { variant: 'id', rows: 2, seed: 1 });
            const progress = createTestProgress();
            const context = createTestContext(toBoatPlaces(boat.root), progress);
            const central = new Map<string, CollectedRecord>();
            const seen = new Set<string>();
            let waiting: { records: readonly CollectedRecord[]; outcome: TestOutcome } | undefined;
            const deliver = (): void => {
              for (const record of waiting?.records ?? []) central.set(record.record_id, record);
              waiting = undefined;
            };
            for (const step of [...edits, { kind: 'export' as const }]) {
              boat.apply(step);
              if (step.kind === 'failLast' && waiting !== undefined) {
                progress.rewind(waiting.outcome);
                // The failed export's file still contains records that were in no other export and that the boat has since lost.
                // In this test, they count as lost.
                seen.clear();
                for (const recordId of central.keys()) seen.add(recordId);
                waiting = undefined;
              }
              if (step.kind !== 'export') continue;
              deliver();
              const present = await collectAll(collector, { ...context, mode: 'full' });
              for (const record of present.records) seen.add(record.record_id);
              const { records, outcome } = await collectAll(collector, context);
              assert.notEqual(outcome.state, 'error', outcome.detail);
              progress.commit(outcome);
              waiting = { records, outcome };
            }
            const { records: present } = await collectAll(collector, { ...context, mode: 'full' });
            deliver();
            for (const record of present) assert.deepEqual(central.get(record.record_id), record);
            for (const recordId of seen) assert.ok(central.has(recordId), `${recordId} was lost`);
            rmSync(boat.root, { recursive: true });
          },
        ),
        { numRuns: 40 },
      );
    });

  it('near the end of a log do not cause the whole log to be exported again, even if the newest rows were deleted', async () => {
    const boat = new EditedBoat(join(folder, 'near-the-end'), ID_COLUMNS[0]);
    boat.append(500, 'x');
    const progress = createTestProgress();
    const context = createTestContext(toBoatPlaces(boat.root), progress);
    progress.commit((await collectAll(boatlogCollector, context)).outcome);
    boat.apply({ kind: 'deleteLast', rows: 3 });
    boat.append(2, 'y');
    const { records } = await collectAll(boatlogCollector, context);
    // The rows next to the deleted ones are exported again, because they share a range of 64 row IDs.
    assert.ok(records.length >= 2 && records.length <= 6 + 64, `${records.length} records`);
    assert.equal(records.filter((record) => record['content'] === 'y').length, 2);
  });
});
