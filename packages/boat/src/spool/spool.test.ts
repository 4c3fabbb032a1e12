import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import {
  CATEGORIES,
  type Category,
  type DocumentHeader,
  ExportDocumentSchema,
  isDocumentCategory,
} from '@d3kos/protocol';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { toBytesPage } from '../collect/page.ts';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import { isExportError } from '../platform/errors.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { cutFile, readHeaderLine, readPart } from './cut.ts';
import { createExportWriter } from './export-file.ts';
import { openExportReader } from './export-reader.ts';
import { toLineKind } from './policy.ts';

const root = temporaryRoot('spool');
const disk = createDisk();
const clock = createClock();
const documentSchema = Compile(ExportDocumentSchema);

const header: DocumentHeader = {
  installation_id: '0123456789abcdef',
  export_timestamp: '2026-11-23T10:00:00Z',
  format_version: '1.0',
  export_id: 'exp_1',
  export_type: 'full',
  tier: 2,
  trigger: 'manual',
  sequence: 1,
  ledger_id: 'fedcba9876543210',
  software_version: '0.1.0',
  clock: { synchronized: true, boot_id: 'b' },
};

type Records = Readonly<Partial<Record<Category, readonly Readonly<Record<string, unknown>>[]>>>;

async function writeExport(name: string, records: Records): Promise<string> {
  const path = join(root, name);
  const writer = await createExportWriter(disk, path, header);
  for (const category of CATEGORIES) {
    await writer.open(category);
    const own = records[category] ?? [];
    const half = Math.ceil(own.length / 2);
    for (const page of [own.slice(0, half), own.slice(half)])
      await writer.page({
        lines: page.map((record) => JSON.stringify(record)).join(',\n'),
        count: page.length,
      });
    await writer.close({ state: own.length === 0 ? 'empty' : 'ok' });
  }
  await writer.commit();
  return path;
}

/** Returns every record in a document with its category, in order. */
function recordsOf(document: unknown): readonly string[] {
  assert.ok(documentSchema.Check(document), JSON.stringify(documentSchema.Errors(document)[0]));
  return CATEGORIES.flatMap((category) => {
    const section = document.data[category];
    const records = isDocumentCategory(category)
      ? [section?.data].filter((data) => data !== undefined && Object.keys(data).length > 0)
      : (section?.entries ?? []);
    assert.equal(section?.entry_count, records.length, `${category} counts its records`);
    return records.map((record) => `${category} ${JSON.stringify(record)}`);
  });
}

const records = fc.array(
  fc.record({
    record_id: fc.string({ minLength: 1, maxLength: 20 }),
    content: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.constant('],\n"boatlog":{\n}}\n{"record_id":'),
    ),
  }),
  { maxLength: 40 },
);
const someRecords: fc.Arbitrary<Records> = fc.record({
  boatlog: records,
  marine_vision_captures: records,
  settings: fc.array(fc.record({ record_id: fc.constant('settings'), x: fc.string() }), { maxLength: 1 }),
  telemetry: fc.array(fc.record({ record_id: fc.constant('t'), load: fc.float({ noNaN: true }) }), {
    maxLength: 1,
  }),
});

test('an export file is the legacy document with nine keys and record counts, and matches the schema', async () => {
  const path = await writeExport('whole.json', {
    boatlog: [{ record_id: '1@a', content: 'x' }],
    settings: [{ record_id: 'settings', license: {} }],
  });
  const document = JSON.parse(readFileSync(path, 'utf8'));
  assert.deepEqual(Object.keys(document.data), [...CATEGORIES]);
  assert.deepEqual(document.data.boatlog, {
    category: 'boatlog',
    entries: [{ record_id: '1@a', content: 'x' }],
    entry_count: 1,
    state: 'ok',
  });
  assert.deepEqual(document.data.settings.data, { record_id: 'settings', license: {} });
  assert.equal(recordsOf(document).length, 2);
});

test('writes byte pages completely and in order, then releases their memory', async () => {
  const path = join(root, 'bytes.json');
  const writer = await createExportWriter(disk, path, header);
  const lengths = [10, 300_000, 20, 200_000, 100_000, 5, 700_000, 40];
  const made = lengths.map((length, index) => {
    const content = String.fromCharCode(97 + index).repeat(length);
    return new TextEncoder().encode(`,\n{"record_id":"${index}","content":"${content}"}`);
  });
  await writer.open('boatlog');
  for (const bytes of made) await writer.page(toBytesPage(bytes, 1));
  assert.equal(await writer.close({ state: 'ok' }), lengths.length);
  await writer.commit();
  const { entries } = JSON.parse(readFileSync(path, 'utf8')).data.boatlog;
  assert.deepEqual(
    entries.map(({ content }: { content: string }) => [content[0], content.length]),
    lengths.map((length, index) => [String.fromCharCode(97 + index), length]),
  );
  assert.deepEqual(new Set(made.map((bytes) => bytes.length)), new Set([0]));
});

test('does not release memory that a page shares with other data', () => {
  const shared = new TextEncoder().encode(',\n{"record_id":"1"}, and the data of other pages.');
  toBytesPage(shared.subarray(0, 19), 1).release?.();
  assert.equal(shared.length, 49);
  const repaired = toBytesPage(Uint8Array.of(0x2c, 0x0a, 0x7b, 0xff, 0x7d), 1);
  const other = Buffer.from('next to it in the pool');
  repaired.release?.();
  assert.equal(other.toString(), 'next to it in the pool');
});

test('parts of any size are complete documents and together contain every record once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(someRecords, fc.integer({ min: 1, max: 4_000 }), async (content, partSizeBytes) => {
      const path = await writeExport('cut.json', content);
      const whole = recordsOf(JSON.parse(readFileSync(path, 'utf8')));
      const parts = await cutFile(disk, clock, path, partSizeBytes);
      const gathered: string[] = [];
      for (const [at, { slices }] of parts.entries()) {
        const body = await readPart(disk, path, await readHeaderLine(disk, path), {
          index: at + 1,
          count: parts.length,
          slices,
          states: {},
        });
        const document = JSON.parse(Buffer.from(body).toString('utf8'));
        assert.deepEqual(document.part, { index: at + 1, count: parts.length });
        assert.equal(document.export_id, 'exp_1');
        gathered.push(...recordsOf(document));
      }
      assert.deepEqual(gathered, whole);
    }),
    { numRuns: 60 },
  );
});

test('splitting the rest again starts exactly after the acknowledged parts', async () => {
  const boatlog = Array.from({ length: 50 }, (_, n) => ({ record_id: `${n}@t`, content: 'x'.repeat(n) }));
  const path = await writeExport('rest.json', { boatlog });
  const parts = await cutFile(disk, clock, path, 500);
  const third = parts[2]?.slices[0];
  assert.ok(third !== undefined);
  const rest = await cutFile(disk, clock, path, 100, (offset) => offset >= third.offset);
  const count = (cut: typeof parts) =>
    cut.flatMap((part) => part.slices).reduce((sum, slice) => sum + slice.count, 0);
  assert.equal(count(rest) + count(parts.slice(0, 2)), 50);
});

test('a file with a missing end or an unknown layout counts as damaged, and no part of it is read', async () => {
  const path = await writeExport('torn.json', { boatlog: [{ record_id: '1@a' }] });
  const whole = readFileSync(path);
  for (const bytes of [
    whole.subarray(0, whole.length - 4),
    Buffer.concat([whole.subarray(0, 300), Buffer.from('\nx\n')]),
  ]) {
    writeFileSync(path, bytes);
    await assert.rejects(cutFile(disk, clock, path, 1000), (error) =>
      isExportError(error, 'EXPORT_FILE_DAMAGED'),
    );
  }
});

test('a file counts as damaged if a slice, line or header exceeds what the exporter writes', async () => {
  const path = await writeExport('foreign.json', { boatlog: [{ record_id: '1@a' }] });
  const whole = readFileSync(path, 'utf8');
  const [first = ''] = whole.split('\n');
  const record = '{"record_id":"1@a"}';
  for (const [what, text] of [
    ['records without a comma', whole.replace(record, `${record}\n${record}`)],
    ['an empty document between records', whole.replace(record, `${record},\n{}\n${record}`)],
    [
      'a category twice',
      whole.replace('\n}}', ',\n"boatlog":{"category":"boatlog","entries":[\n],"entry_count":0}\n}}'),
    ],
    ['a record after the end of a category', whole.replace('\n}}', `\n${record}\n}}`)],
    ['a line of more than 32 MiB', whole.replace(record, `{"record_id":"${'x'.repeat(33 * 1024 * 1024)}"}`)],
  ] as const) {
    assert.notEqual(text, whole, what);
    writeFileSync(path, text);
    await assert.rejects(
      cutFile(disk, clock, path, 1000),
      (error) => isExportError(error, 'EXPORT_FILE_DAMAGED'),
      what,
    );
  }
  const identity = { exportId: 'exp_2', ledgerId: '00000000000000aa', sequence: 7 };
  for (const torn of [
    '{"installation_id":,"data":{',
    first.replace(':2,', ':,'),
    first.replace(',"data"', '"data"'),
    first.replace('"b"', '"\\b'),
  ]) {
    assert.notEqual(torn, first);
    writeFileSync(
      path,
      whole.replace(first, () => torn),
    );
    const reader = await openExportReader({ disk, clock }, path, identity);
    await assert.rejects(reader.headerJson(), (error) => isExportError(error, 'EXPORT_FILE_DAMAGED'), torn);
  }
});

test('the start of a line determines its kind', () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ['{"record_id":"x"}', 'record'],
    ['{"installation_id":"0', 'header'],
    ['"boatlog":{"category"', 'open'],
    ['"unheard_of":{', undefined],
    ['],"entry_count":1', 'close'],
    [',"entry_count":0', 'close'],
    ['}}', 'end'],
    ['}', undefined],
    ['', undefined],
  ];
  for (const [start, kind] of table) assert.equal(toLineKind(start)?.kind, kind, start);
});

test('bodies name the given export and are always the same, and the file does not change', async () => {
  const path = join(root, 'renamed.json');
  const writer = await createExportWriter(disk, path, {
    ...header,
    withdrawn_sequences: [3],
    reinstated_sequences: [1],
    open_exports: [{ sequence: 2, export_id: 'exp_0' }],
  });
  for (const category of CATEGORIES) {
    await writer.open(category);
    await writer.close({ state: 'empty' });
  }
  const sizeBytes = await writer.commit();
  const identity = { exportId: 'exp_new_7', ledgerId: '00000000000000aa', sequence: 7 };
  const before = readFileSync(path, 'utf8');
  const {
    withdrawn_sequences: _w,
    reinstated_sequences: _r,
    open_exports: _o,
    ...own
  } = JSON.parse(before) as DocumentHeader;
  const expected = {
    ...own,
    export_id: 'exp_new_7',
    ledger_id: '00000000000000aa',
    sequence: 7,
    former_ledger_ids: [own.ledger_id],
  };
  const bodies = await Promise.all(
    [1, 2].map(async () => {
      const reader = await openExportReader({ disk, clock }, path, identity);
      const part = await reader.readPart({ index: 1, count: 2, slices: [], states: {} });
      return [await reader.readWhole(sizeBytes), part].map((bytes) => Buffer.from(bytes).toString('utf8'));
    }),
  );
  assert.deepEqual(bodies[0], bodies[1]);
  const [whole = '', part = ''] = bodies[0] ?? [];
  assert.deepEqual(JSON.parse(whole), expected);
  const { data: _d, part: _p, ...partHeader } = JSON.parse(part) as Record<string, unknown>;
  const { data: _data, ...expectedHeader } = expected as DocumentHeader & { data: unknown };
  assert.deepEqual(partHeader, expectedHeader);
  assert.ok(documentSchema.Check(JSON.parse(whole)) && documentSchema.Check(JSON.parse(part)));
  const unchanged = await openExportReader({ disk, clock }, path, {
    ...identity,
    exportId: header.export_id,
  });
  assert.equal(Buffer.from(await unchanged.readWhole(sizeBytes)).toString('utf8'), before);
  assert.equal(readFileSync(path, 'utf8'), before);
});
