import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CATEGORIES } from '@d3kos/protocol';
import { addRecords, BOAT_GENERATIONS, writeBoat } from '../../../sim/src/fixture/boat.ts';
import { PLANTED_SECRET_VALUES } from '../../../sim/src/fixture/secrets.ts';
import { createDisk } from '../platform/disk.ts';
import type { Disk } from '../platform/ports.ts';
import { collectAll, createTestContext, createTestProgress } from './collection-for-tests.ts';
import { createCollectors } from './collectors.ts';

/** Files in `config/` that no collector may even open (docs/spec/sources.md, "6 settings"). */
const NEVER_OPENED =
  /api-keys\.json|ai-config\.json|telegram-config\.json|cloud-credentials\.json|hardware\.json|api-keys\.env/;

/** Returns the real disk, recording the paths that are read. */
function watchDisk(readPaths: string[]): Disk {
  const disk = createDisk();
  return {
    ...disk,
    read: (path, sizeMaxBytes) => {
      readPaths.push(path);
      return disk.read(path, sizeMaxBytes);
    },
    readRange: (path, offset, length) => {
      readPaths.push(path);
      return disk.readRange(path, offset, length);
    },
  };
}

describe('the nine collectors', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'd3kos-collect-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('are one per category, in document order', () =>
    assert.deepEqual(
      createCollectors().map((collector) => collector.category),
      CATEGORIES,
    ));

  for (const generation of BOAT_GENERATIONS) {
    it(`read every record of a ${generation} boat once, as valid lines without secrets`, async () => {
      const boat = writeBoat(join(folder, generation), { generation, rows: 700, seed: 11 });
      const readPaths: string[] = [];
      const context = createTestContext(boat.places, undefined, { mode: 'full', disk: watchDisk(readPaths) });
      for (const collector of createCollectors()) {
        const { category } = collector;
        const { records, lines, outcome } = await collectAll(collector, context);
        assert.equal(records.length, boat.records[category], category);
        assert.equal(new Set(records.map((record) => record.record_id)).size, records.length, category);
        // The fixtures contain keys that stay on the boat, and species guesses that a program truncated.
        for (const sentence of outcome.detail?.split('; ') ?? [])
          assert.match(
            sentence,
            /^not exported: \d+ keys? of |column species_top3 is not valid JSON$/,
            category,
          );
        assert.equal(outcome.state === 'ok', records.length > 0, `${category} is ${outcome.state}`);
        for (const secret of PLANTED_SECRET_VALUES)
          assert.ok(!lines.some((line) => line.includes(secret)), `${category} leaks ${secret}`);
      }
      assert.deepEqual(
        readPaths.filter((path) => NEVER_OPENED.test(path)),
        [],
      );
    });
  }

  it('return only new and changed records after an export is committed', async () => {
    const root = join(folder, 'incremental');
    const boat = writeBoat(root, { generation: 'mixed', rows: 300, seed: 5 });
    for (const collector of createCollectors()) {
      const progress = createTestProgress();
      const context = createTestContext(boat.places, progress);
      const first = await collectAll(collector, context);
      assert.equal(first.records.length, boat.records[collector.category], collector.category);
      progress.commit(first.outcome);
      const again = await collectAll(collector, context);
      assert.equal(again.records.length, collector.isNews ? 0 : 1, `${collector.category} repeats itself`);
      assert.equal(again.outcome.state, first.outcome.state);
    }
    const progresses = new Map(
      createCollectors().map((collector) => [collector.category, createTestProgress()]),
    );
    const collectEach = async () => {
      const counts: Record<string, number> = {};
      for (const collector of createCollectors()) {
        const progress = progresses.get(collector.category) ?? createTestProgress();
        const { records, outcome } = await collectAll(collector, createTestContext(boat.places, progress));
        progress.commit(outcome);
        counts[collector.category] = records.length;
      }
      return counts;
    };
    await collectEach();
    const { added, changed } = addRecords(root, { rows: 50, seed: 6 });
    const counts = await collectEach();
    for (const category of CATEGORIES)
      assert.equal(counts[category], added[category] + changed[category], category);
  });

  it('stop immediately when aborted', async () => {
    const boat = writeBoat(join(folder, 'aborted'), { generation: 'gen3', rows: 5000, seed: 1 });
    const controller = new AbortController();
    const [, boatlog] = createCollectors();
    assert.ok(boatlog !== undefined);
    const pages = boatlog.collect(createTestContext(boat.places, undefined, { signal: controller.signal }));
    await pages.next();
    controller.abort(new Error('stop'));
    await assert.rejects(async () => {
      while ((await pages.next()).done !== true);
    }, /stop/);
  });
});
