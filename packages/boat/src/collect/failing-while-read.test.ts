import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { writeIssues } from '../../../sim/src/fixture/alerts.ts';
import { writeBoatlog } from '../../../sim/src/fixture/boatlog.ts';
import { writeCaptures } from '../../../sim/src/fixture/captures.ts';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { createClock } from '../platform/clock.ts';
import type { MonotonicMs } from '../platform/ports.ts';
import { boatlogCollector } from './boatlog.ts';
import { collectAll, createTestContext, createTestProgress } from './collection-for-tests.ts';
import type { CollectContext, Collector } from './collector.ts';
import { marineVisionCapturesCollector } from './marine-vision-captures.ts';
import { systemAlertsCollector } from './system-alerts.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-failing-while-read-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let boats = 0;

const ROWS = 300;

interface Source {
  readonly collector: Collector;
  readonly path: string;
  write(path: string): void;
  /** Changes one row near the start, one in the middle and one near the end. */
  readonly change: string;
}

const SOURCES: readonly Source[] = [
  {
    collector: boatlogCollector,
    path: 'data/boatlog/boatlog.db',
    write: (path) => writeBoatlog(path, { style: 'integer', rows: ROWS, seed: 3 }),
    change: "UPDATE boatlog_entries SET content = 'changed' WHERE rowid IN (5, 150, 290)",
  },
  {
    collector: marineVisionCapturesCollector,
    path: 'data/marine-vision/captures.db',
    write: (path) => writeCaptures(path, { generation: 'gen3', rows: ROWS, seed: 3 }),
    change: "UPDATE captures SET gemini_species = 'changed' WHERE id IN (5, 150, 290)",
  },
  {
    collector: systemAlertsCollector,
    path: 'data/self-healing/issues.db',
    write: (path) => writeIssues(path, { variant: 'id', rows: ROWS, seed: 3 }),
    change: "UPDATE issues SET description = 'changed' WHERE rowid IN (5, 150, 290)",
  },
];

/** Creates a context whose collector yields after each step and calls `onYield` with the number of yields so far. */
function withYields(context: CollectContext, onYield: (yields: number) => void): CollectContext {
  const clock = createClock();
  let nowMs = 0;
  let yields = 0;
  return {
    ...context,
    clock: {
      ...clock,
      monotonic: () => (nowMs += 1_000) as MonotonicMs,
      yield: async () => onYield((yields += 1)),
    },
  };
}

/**
 * Creates a boat whose source was changed after an export, and exports it twice. Before the first time, another program locks the
 * source after `lockAfter` yields, and unlocks it afterwards. Returns the number of yields without a lock and what was exported.
 */
async function exportLocked(
  { collector, path: name, write, change }: Source,
  isNew: boolean,
  lockAfter: number,
) {
  const root = join(folder, String((boats += 1)));
  const path = join(root, name);
  write(path);
  const progress = createTestProgress();
  const context = createTestContext(toBoatPlaces(root), progress);
  if (!isNew) progress.commit((await collectAll(collector, context)).outcome);
  const other = new DatabaseSync(path);
  // With a WAL, readers do not wait for a writer.
  other.exec(`PRAGMA journal_mode = DELETE; ${change}`);
  let yields = 0;
  const first = await collectAll(
    collector,
    withYields(context, (count) => {
      yields = count;
      if (count === lockAfter) other.exec('BEGIN EXCLUSIVE');
    }),
  );
  progress.commit(first.outcome);
  if (other.isTransaction) other.exec('ROLLBACK');
  other.close();
  const second = await collectAll(collector, context);
  assert.equal(second.outcome.state, 'ok');
  progress.commit(second.outcome);
  assert.equal((await collectAll(collector, context)).records.length, 0);
  return { yields, state: first.outcome.state, records: [...first.records, ...second.records] };
}

describe('a source that another program locks while it is read', () => {
  for (const source of SOURCES)
    for (const isNew of [false, true])
      it(`exports every ${isNew ? 'new' : 'changed'} record of ${source.collector.category} the next time`, async () => {
        const whole = await exportLocked(source, isNew, Number.POSITIVE_INFINITY);
        const wanted = new Set(whole.records.map((record) => record.record_id));
        assert.ok(wanted.size >= (isNew ? ROWS : 3));
        let failures = 0;
        // The yields before the last ones only compare ranges of rows that do not exist.
        for (let lockAfter = whole.yields; lockAfter > Math.max(0, whole.yields - 8); lockAfter -= 1) {
          const { state, records } = await exportLocked(source, isNew, lockAfter);
          if (state === 'error') failures += 1;
          const exported = new Set(records.map((record) => record.record_id));
          const missing = [...wanted].filter((id) => !exported.has(id));
          assert.deepEqual(missing, [], `locked after ${lockAfter} yields`);
        }
        assert.ok(failures > 0, 'no lock took effect');
      });
});
