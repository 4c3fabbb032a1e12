import assert from 'node:assert/strict';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { CATEGORIES, CONTENT_CODINGS } from '@d3kos/protocol';
import fc from 'fast-check';
import { createClock } from '../../packages/boat/src/platform/clock.ts';
import { isExportError } from '../../packages/boat/src/platform/errors.ts';
import type { Disk, FileFacts } from '../../packages/boat/src/platform/ports.ts';
import { openExportReader } from '../../packages/boat/src/spool/export-reader.ts';
import { readSectionEnds } from '../../packages/boat/src/spool/section-ends.ts';
import { decodeBody } from '../../packages/central/src/import/decode-body.ts';
import { preparePart } from '../../packages/central/src/import/prepare-part.ts';
import { scanDocument } from '../../packages/central/src/import/scan-document.ts';
import { readArray } from '../../packages/central/src/store/testing/read-array.ts';
import { allowing, JSON_WORDS, jsonTexts, utf8 } from '../inputs.ts';
import type { Target } from '../target.ts';

const HEADER =
  '{"installation_id":"0123456789abcdef","export_timestamp":"2026-02-20T10:00:00Z","format_version":"1.0","export_id":"exp_1","export_type":"full","tier":2,"trigger":"manual","sequence":1,"ledger_id":"00112233445566ff","software_version":"0.1.0","clock":{"synchronized":true,"boot_id":"b"}';
const DOCUMENT_WORDS = [
  HEADER,
  `${HEADER},"data":{\n`,
  '"data":{',
  '{"record_id":"a@1","v":1}',
  '{"record_id":',
  ',\n',
  '\n',
  '}}\n',
  ']',
  ',"entry_count":0,"state":"ok"}',
  '],"entry_count":1,"state":"ok"}',
  '"boatlog":{"category":"boatlog","entries":[\n',
  '"settings":{"category":"settings","data":\n',
  '"part":{"index":1,"count":1},',
  '"format_version":"1.0"',
  '"installation_id":"0123456789abcdef"',
  ...JSON_WORDS,
] as const;

const records = fc.array(
  fc
    .tuple(fc.string({ maxLength: 8 }), jsonTexts)
    .map(([id, value]) => `{"record_id":${JSON.stringify(id)},"v":${value}}`),
  { maxLength: 4 },
);

/** Export files in the boat's layout, with valid and damaged records, headers and ends. */
const exportFiles = fc
  .record({
    sections: fc.array(fc.tuple(fc.constantFrom(...CATEGORIES), records), { maxLength: 4 }),
    header: fc.oneof({ weight: 8, arbitrary: fc.constant(HEADER) }, { weight: 1, arbitrary: jsonTexts }),
    separator: fc.oneof(
      { weight: 8, arbitrary: fc.constant(',\n') },
      { weight: 1, arbitrary: fc.constant('\n') },
    ),
    end: fc.constantFrom('\n}}\n', '\n}}\n', '\n}}', '}', ''),
  })
  .map(
    ({ header, sections, separator, end }) =>
      `${header},"data":{\n${sections
        .map(
          ([category, lines]) =>
            `"${category}":{"category":"${category}","entries":[\n${lines.join(separator)}\n],"entry_count":${lines.length},"state":"ok"}`,
        )
        .join(',\n')}${end}`,
  );

const clock = createClock();
const PART_SIZE_BYTES = 256;

/** A disk that contains one file. */
function createOneFileDisk(bytes: Uint8Array): Disk {
  const facts = { kind: 'file', sizeBytes: bytes.length, modifiedMs: 0, fileNo: 1 } as unknown as FileFacts;
  // The readers of export files use only these two.
  return {
    stat: () => Promise.resolve(facts),
    readRange: (_path: string, offset: number, length: number) =>
      Promise.resolve(bytes.subarray(offset, offset + length)),
  } as Partial<Disk> as Disk;
}

const isDamage = (error: unknown): boolean => isExportError(error, 'EXPORT_FILE_DAMAGED');

/** A file in the exports folder is either cut or reported as damaged. Every record line is in exactly one part. */
export const exportFile: Target = {
  name: 'export-file',
  generate: utf8(exportFiles),
  words: DOCUMENT_WORDS,
  async check(bytes) {
    const disk = createOneFileDisk(bytes);
    const identity = { exportId: 'exp_2', ledgerId: 'ffeeddccbbaa9988', sequence: 7 };
    await allowing(isDamage, () => readSectionEnds(disk, clock, 'a file'));
    for (const each of [undefined, identity]) {
      const reader = await openExportReader({ disk, clock }, 'a file', each);
      await allowing(isDamage, () => reader.headerJson());
      await allowing(isDamage, () => reader.installationId());
      await allowing(isDamage, () => reader.readWhole(bytes.length));
      const parts = await allowing(isDamage, () => reader.cut(PART_SIZE_BYTES));
      for (const [index, { slices }] of (parts ?? []).slice(0, 3).entries())
        await allowing(isDamage, () =>
          reader.readPart({ index: index + 1, count: parts?.length ?? 0, slices, states: {} }),
        );
      const offsets = (parts ?? []).flatMap(({ slices }) => slices.map(({ offset }) => offset));
      assert.deepEqual(
        offsets,
        [...new Set(offsets)].toSorted((a, b) => a - b),
        'a record is in two parts',
      );
    }
  },
};

/** If a record contains NUL or a lone surrogate, the database refuses the whole statement, including all other records. */
function assertStorable(value: unknown): void {
  if (typeof value === 'string')
    assert.ok(value.isWellFormed() && !value.includes('\0'), JSON.stringify(value));
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    assertStorable(key);
    assertStorable(inner);
  }
}

/** Central stores a document's records, or refuses the document with a reason. */
export const importBody: Target = {
  name: 'import-body',
  generate: utf8(fc.oneof(exportFiles, jsonTexts)),
  words: DOCUMENT_WORDS,
  check(bytes) {
    const scan = scanDocument(bytes);
    assert.ok(
      scan.kind !== 'within_limits' || scan.oversized.length === 0,
      'small inputs have no oversized record',
    );
    const prepared = preparePart({
      bytes,
      sha256: '0'.repeat(64),
      installationId: undefined,
      idempotencyKey: undefined,
    });
    if (prepared.kind !== 'prepared') return;
    assertStorable(JSON.parse(prepared.sections));
    for (const { columns } of prepared.sorted.batches) {
      const [ids = [], , records = []] = columns.map(readArray);
      for (const id of ids) assertStorable(String(id));
      // The first byte is the format version.
      for (const record of records) assertStorable(JSON.parse(String(record?.subarray(1))));
    }
  },
};

const DECODED_SIZE_MAX_BYTES = 65_536;
const ENCODERS = {
  identity: (bytes: Uint8Array) => bytes,
  gzip: gzipSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
} as const;

/** A body is either decoded within the limit or refused, and decoding an encoded body restores it. */
export const contentCoding: Target = {
  name: 'content-coding',
  generate: fc
    .tuple(fc.constantFrom(...CONTENT_CODINGS), fc.uint8Array({ maxLength: 200 }))
    .map(([coding, bytes]) => ENCODERS[coding](bytes)),
  words: ['\x1f\x8b\x08', '(\xb5/\xfd', '\0\0\0\0', '\xff\xff'],
  check(bytes) {
    for (const coding of CONTENT_CODINGS) {
      const decoded = decodeBody(bytes, coding, DECODED_SIZE_MAX_BYTES);
      if (decoded.kind !== 'decoded' || coding === 'identity') continue;
      assert.ok(decoded.bytes.length <= DECODED_SIZE_MAX_BYTES);
    }
    if (bytes.length > DECODED_SIZE_MAX_BYTES) return;
    for (const coding of CONTENT_CODINGS) {
      const decoded = decodeBody(ENCODERS[coding](bytes), coding, DECODED_SIZE_MAX_BYTES);
      assert.ok(decoded.kind === 'decoded' && Buffer.compare(decoded.bytes, bytes) === 0);
    }
  },
};
