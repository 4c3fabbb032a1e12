import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { type BoatlogStyle, writeBoatlog } from '../../../sim/src/fixture/boatlog.ts';
import { writeCaptures } from '../../../sim/src/fixture/captures.ts';
import { writeSource } from '../../../sim/src/fixture/files.ts';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { boatlogCollector } from './boatlog.ts';
import { collectAll, createTestContext, createTestProgress } from './collection-for-tests.ts';
import { COMPARED_ROWS } from './find-changed-rows.ts';
import { marineVisionCapturesCollector } from './marine-vision-captures.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-changed-rows-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let boats = 0;

function withDatabase(path: string, work: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(path);
  try {
    work(db);
  } finally {
    db.close();
  }
}

describe('boatlog entries that change', () => {
  const PATH = 'data/boatlog/boatlog.db';
  /** Creates a boat with `rows` entries that have been exported and committed. */
  async function exportedBoat(rows: number, style: BoatlogStyle = 'integer') {
    const root = join(folder, String((boats += 1)));
    const path = join(root, PATH);
    writeBoatlog(path, { style, rows, seed: 3 });
    const progress = createTestProgress();
    const context = createTestContext(toBoatPlaces(root), progress);
    const collect = async () => {
      const collection = await collectAll(boatlogCollector, context);
      progress.commit(collection.outcome);
      return collection;
    };
    assert.equal((await collect()).records.length, rows);
    assert.equal((await collect()).records.length, 0);
    const contents = async () => (await collect()).records.map((record) => record['content']);
    return { path, progress, collect, contents };
  }

  for (const style of ['integer', 'text', 'mixed'] as const)
    for (const rowid of [1, 64, 333, 1000])
      it(`are exported again by the next incremental export: row ${rowid} of 1000 with ${style} ids`, async () => {
        const { path, collect } = await exportedBoat(1000, style);
        withDatabase(path, (db) =>
          db.exec(`UPDATE boatlog_entries SET content = 'corrected' WHERE rowid = ${rowid}`),
        );
        const { records, outcome } = await collect();
        assert.equal(records.filter((record) => record['content'] === 'corrected').length, 1);
        assert.ok(records.length <= 65, `${records.length} records`);
        assert.equal(outcome.state, 'ok');
        assert.equal((await collect()).records.length, 0);
      });

  it('are exported together with new ones, even next to a deleted one', async () => {
    const { path, collect } = await exportedBoat(1000);
    withDatabase(path, (db) =>
      db.exec(
        'UPDATE boatlog_entries SET latitude = 1.5, longitude = 2.5 WHERE rowid = 500; DELETE FROM boatlog_entries WHERE rowid = 700',
      ),
    );
    writeBoatlog(path, { style: 'integer', rows: 3, seed: 4, first: 1000 });
    const { records } = await collect();
    const ids = records.map((record) => Number(record['entry_id']));
    assert.ok(
      [500, 1001, 1002, 1003].every((id) => ids.includes(id)),
      ids.join(),
    );
    assert.equal(new Set(ids).size, ids.length);
    assert.equal((await collect()).records.length, 0);
  });

  it('are exported again after their export failed', async () => {
    const { path, progress, collect, contents } = await exportedBoat(300);
    withDatabase(path, (db) => db.exec("UPDATE boatlog_entries SET content = 'again' WHERE rowid = 9"));
    progress.rewind((await collect()).outcome);
    assert.ok((await contents()).includes('again'));
  });

  it('are detected in long content, and a row inserted between others is exported', async () => {
    const { path, contents } = await exportedBoat(300);
    withDatabase(path, (db) =>
      db.exec('UPDATE boatlog_entries SET content = hex(zeroblob(9000)) WHERE rowid = 9'),
    );
    await contents();
    withDatabase(path, (db) =>
      db.exec("UPDATE boatlog_entries SET content = content || 'end' WHERE rowid = 9"),
    );
    assert.ok((await contents()).some((content) => String(content).endsWith('end')));
    withDatabase(path, (db) => db.exec('DELETE FROM boatlog_entries WHERE rowid = 20'));
    await contents();
    withDatabase(path, (db) =>
      db.exec("INSERT INTO boatlog_entries (entry_id, content) VALUES (20, 'restored')"),
    );
    assert.ok((await contents()).includes('restored'));
  });

  it('are detected anywhere in a log of ordinary size', async () => {
    const { path, contents } = await exportedBoat(12_000);
    withDatabase(path, (db) =>
      db.exec("UPDATE boatlog_entries SET content = 'old' WHERE rowid IN (5, 6000)"),
    );
    assert.equal((await contents()).filter((content) => content === 'old').length, 2);
  });

  it('are detected among the newest rows of a large log', async () => {
    const { path, contents } = await exportedBoat(COMPARED_ROWS + 5_000);
    withDatabase(path, (db) =>
      db.exec(
        "UPDATE boatlog_entries SET content = 'near the end' WHERE rowid = (SELECT max(rowid) FROM boatlog_entries) - 8000",
      ),
    );
    assert.ok((await contents()).includes('near the end'));
  });
});

describe('captures that change after they were exported', () => {
  /** Creates a boat with 200 captures that have been exported and committed. */
  async function exportedBoat(generation: 'legacy' | 'gen2' | 'gen3') {
    const root = join(folder, String((boats += 1)));
    const path = join(root, 'data/marine-vision/captures.db');
    writeCaptures(path, { generation, rows: 200, seed: 3 });
    const progress = createTestProgress();
    const context = createTestContext(toBoatPlaces(root), progress);
    const collect = async () => {
      const collection = await collectAll(marineVisionCapturesCollector, context);
      progress.commit(collection.outcome);
      return collection;
    };
    assert.equal((await collect()).records.length, 200);
    return { root, path, progress, collect };
  }

  for (const [generation, sql, field, value] of [
    ['legacy', "UPDATE captures SET species = 'Esox lucius' WHERE capture_id = 17", 'species', 'Esox lucius'],
    ['gen2', 'UPDATE captures SET species_confidence = 0.99 WHERE id = 17', 'species_confidence', 0.99],
    [
      'gen3',
      "UPDATE captures SET gemini_species = 'Muskellunge' WHERE id = 17",
      'gemini_species',
      'Muskellunge',
    ],
  ] as const)
    it(`are exported again by the next incremental export: ${field} in ${generation}`, async () => {
      const { path, collect } = await exportedBoat(generation);
      assert.equal((await collect()).records.length, 0);
      withDatabase(path, (db) => db.exec(sql));
      const { records } = await collect();
      assert.deepEqual(
        records.map((record) => [record['capture_id'], record[field]]),
        [[17, value]],
      );
      assert.equal((await collect()).records.length, 0);
    });

  it('are exported together with new ones, even next to a deleted one', async () => {
    const { path, collect } = await exportedBoat('gen3');
    withDatabase(path, (db) =>
      db.exec(
        'DELETE FROM captures WHERE id = 5; UPDATE captures SET gemini_response = NULL WHERE id IN (1, 200)',
      ),
    );
    writeCaptures(path, { generation: 'gen3', rows: 1, seed: 4 });
    const { records, outcome } = await collect();
    assert.deepEqual(
      records.map((record) => record['capture_id']),
      [1, 200, 201],
    );
    assert.equal(outcome.state, 'ok');
  });

  it('are exported again after their export failed', async () => {
    const { path, progress, collect } = await exportedBoat('gen2');
    withDatabase(path, (db) => db.exec("UPDATE captures SET species = 'burbot' WHERE id = 9"));
    progress.rewind((await collect()).outcome);
    assert.deepEqual(
      (await collect()).records.map((record) => record['species']),
      ['burbot'],
    );
  });

  it('do not count as changed when their image is deleted, and include its size while it exists', async () => {
    const { root, path, collect } = await exportedBoat('gen3');
    const { recordings } = toBoatPlaces(root);
    for (const id of [1, 2]) writeSource(recordings, `capture_${id}.jpg`, 'x'.repeat(60 + id));
    assert.equal((await collect()).records.length, 0);
    withDatabase(path, (db) => db.exec("UPDATE captures SET gemini_species = 'ide' WHERE id = 2"));
    assert.deepEqual(
      (await collect()).records.map((record) => record['file_size_bytes']),
      [62],
    );
    rmSync(join(recordings, 'capture_2.jpg'));
    assert.equal((await collect()).records.length, 0);
  });

  it('keep their identity when they have no ID', async () => {
    const { path, collect } = await exportedBoat('gen3');
    withDatabase(path, (db) => {
      db.exec(
        'CREATE TABLE copy AS SELECT * FROM captures; DROP TABLE captures; ALTER TABLE copy RENAME TO captures',
      );
      db.exec('UPDATE captures SET id = NULL WHERE id = 3');
    });
    const [before] = (await collect()).records;
    withDatabase(path, (db) => db.exec("UPDATE captures SET gemini_species = 'tench' WHERE id IS NULL"));
    const [later] = (await collect()).records;
    assert.equal(later?.['gemini_species'], 'tench');
    assert.equal(later?.record_id, before?.record_id);
  });
});
