import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CATEGORIES, parseExactJson } from '@d3kos/protocol';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { isCentralFailure } from '../platform/errors.ts';
import { openNewDirectory } from '../platform/new-directory.ts';
import type { Store } from '../platform/ports.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  type EnrolledBoat,
  enrollBoat,
  importDocument,
  NOON_MS,
  startNode,
  toBoatlog,
  toDocument,
} from '../testing/central-under-test.ts';
import { exportInstallation } from './export-installation.ts';
import type { ExportFormat } from './file-formats.ts';

const folder = mkdtempSync(join(tmpdir(), 'central-export-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let folders = 0;

/** More rows than fit into two pages or one row group. */
const ROWS = 11_000;
const LONG_NUMBER = '12345678901234567890.5';
const ODD = ['=1+1', '', 'a,"b"\r\nc', '@x', "'quoted'", '🌊 \u2028'];

/** A boat with many records, some of them unusual, and a rejected one. */
async function importMany(store: Store): Promise<EnrolledBoat> {
  const boat = await enrollBoat(store);
  const node = startNode(store);
  const calm = Array.from({ length: ROWS }, (_, index) => ({
    record_id: `r${String(index).padStart(6, '0')}`,
    timestamp_utc: '2026-05-01T10:00:00.000Z',
    type: ODD[index % ODD.length],
    content: 'calm',
    gps: { latitude: -79.5, longitude: index % 180 },
  }));
  await importDocument(
    node,
    boat,
    toDocument(boat, { exportId: 'exp_1', sequence: 1, data: toBoatlog(calm) }),
  );
  const odd = toDocument(boat, {
    exportId: 'exp_2',
    sequence: 2,
    data: toBoatlog([
      { record_id: '=cmd', content: 'x', depth: 'NUMBER' },
      { record_id: '', content: 'rejected' },
    ]),
  });
  await importDocument(node, boat, JSON.stringify(odd).replace('"NUMBER"', LONG_NUMBER));
  return boat;
}

async function exportTo(store: Store, boat: EnrolledBoat, format: ExportFormat) {
  const path = join(folder, String((folders += 1)));
  const report = await exportInstallation(
    { store, wallMs: NOON_MS },
    boat.id,
    format,
    await openNewDirectory(path),
  );
  for (const { name, bytes, sha256 } of report.files) {
    const content = readFileSync(join(path, name));
    assert.deepEqual(
      [content.length, createHash('sha256').update(content).digest('hex')],
      [bytes, sha256],
      name,
    );
  }
  assert.deepEqual(JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')), report);
  assert.deepEqual(
    new Set(readdirSync(path)),
    new Set([...CATEGORIES, 'rejected_records'].map((name) => `${name}.${format}`).concat('manifest.json')),
  );
  return { path, report };
}

/** Reads CSV records whose fields may be quoted. */
function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === '\r\n') rows.push([]);
    if (end === '') break;
  }
  return rows.slice(0, -1);
}

describeOnPostgres("exporting an installation's data", (open) => {
  let boat: EnrolledBoat;
  before(async () => {
    await migrate(open().store, NOON_MS);
    boat = await importMany(open().store);
    const other = await enrollBoat(open().store);
    await importDocument(startNode(open().store), other, toDocument(other));
  });

  test('writes every record of this boat, and of no other, with all digits, as NDJSON', async () => {
    const { path, report } = await exportTo(open().store, boat, 'ndjson');
    const lines = readFileSync(join(path, 'boatlog.ndjson'), 'utf8').split('\n').slice(0, -1);
    assert.equal(lines.length, ROWS + 1);
    assert.equal(report.files.find(({ name }) => name === 'boatlog.ndjson')?.rows, ROWS + 1);
    const ids = lines.map((line) => JSON.parse(line).record_id);
    assert.equal(new Set(ids).size, ROWS + 1);
    const odd = lines.find((line) => line.includes('"=cmd"')) ?? '';
    assert.ok(odd.includes(LONG_NUMBER), odd);
    assert.ok(typeof parseExactJson(odd) === 'object');
    const rejected = readFileSync(join(path, 'rejected_records.ndjson'), 'utf8').trim().split('\n');
    assert.equal(rejected.length, 1);
    assert.match(JSON.parse(rejected[0] ?? '').record, /rejected/);
    assert.equal(statSync(path).mode & 0o077, 0);
    assert.equal(statSync(join(path, 'boatlog.ndjson')).mode & 0o077, 0);
  });

  test('writes CSV that keeps every string and that a spreadsheet does not execute', async () => {
    const { path } = await exportTo(open().store, boat, 'csv');
    const [head = [], ...rows] = parseCsv(readFileSync(join(path, 'boatlog.csv'), 'utf8'));
    assert.equal(rows.length, ROWS + 1);
    const at = (row: readonly string[], name: string) => row[head.indexOf(name)] ?? '';
    for (const row of rows) {
      assert.equal(row.length, head.length);
      assert.ok(
        row.every((field) => /^-?[\d.]*$/.test(field) || !/^[=+\-@\t\r]/.test(field)),
        row.join('|'),
      );
      const record = JSON.parse(at(row, 'record'));
      assert.equal(at(row, 'record_id').replace(/^'(?==)/, ''), record.record_id);
      if (typeof record.type === 'string')
        assert.equal(at(row, 'entry_type').replace(/^'(?=[=@])/, ''), record.type);
    }
    assert.equal(at(rows.find((row) => at(row, 'record_id') === 'r000001') ?? [], 'latitude'), '-79.5');
  });

  test('writes Parquet in several row groups that another program can read', async () => {
    const { path } = await exportTo(open().store, boat, 'parquet');
    const bytes = readFileSync(join(path, 'boatlog.parquet'));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    assert.ok(parquetMetadata(file).row_groups.length > 1);
    const rows = await parquetReadObjects({ file });
    assert.equal(rows.length, ROWS + 1);
    const second = rows.find((row) => row['record_id'] === 'r000001');
    assert.deepEqual(
      [second?.['latitude'], second?.['sequence'], second?.['entry_type'], second?.['recorded_at']],
      [-79.5, 1n, '', new Date('2026-05-01T10:00:00.000Z')],
    );
    const odd = rows.find((row) => row['record_id'] === '=cmd');
    assert.ok(String(odd?.['record']).includes(LONG_NUMBER));
    const empty = readFileSync(join(path, 'telemetry.parquet'));
    assert.equal(
      parquetMetadata(empty.buffer.slice(empty.byteOffset, empty.byteOffset + empty.length)).num_rows,
      0n,
    );
  });

  test('refuses a folder that is not empty, and an installation that is not enrolled', async () => {
    const { path } = await exportTo(open().store, boat, 'ndjson');
    const isFull = (error: unknown) => isCentralFailure(error, 'OUTPUT_FAILED');
    await assert.rejects(openNewDirectory(path), isFull);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await assert.rejects(openNewDirectory(file), isFull);
    await assert.rejects(
      exportInstallation(
        { store: open().store, wallMs: NOON_MS },
        'ffffffffffffffff',
        'csv',
        await openNewDirectory(join(folder, 'unknown')),
      ),
      (error) => isCentralFailure(error, 'INSTALLATION_NOT_FOUND'),
    );
  });
});
