import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readBundle, toBundleLine } from '@d3kos/protocol';
import fc from 'fast-check';
import { JSON_WORDS, utf8 } from '../inputs.ts';
import type { Target } from '../target.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const START = toBundleLine({
  d3kos_bundle: 'start',
  version: 1,
  installation_id: '0123456789abcdef',
  created: '2026-02-20T10:00:00Z',
  software_version: '0.1.0',
});

function toPart(index: number, body: string, sizeBytes = Buffer.byteLength(body)): string {
  const line = toBundleLine({
    d3kos_bundle: 'part',
    export_id: `exp_${index}`,
    part: { index: 1, count: 1 },
    sha256: sha256(Buffer.from(body)),
    size_bytes: sizeBytes,
  });
  return `${line}${body}\n`;
}

function toEnd(parts: number): string {
  return toBundleLine({ d3kos_bundle: 'end', exports: parts, parts, skipped_count: 0, skipped: [] });
}

const BUNDLE_WORDS = [
  START,
  toPart(1, 'body'),
  toPart(2, 'b', 60_000),
  toPart(3, 'b', 5),
  toEnd(0),
  toEnd(3),
  '{"d3kos_bundle":"',
  '\n',
  '\n{"d3kos_bundle":"part"',
  '"size_bytes":4',
  '"size_bytes":1000000',
  ...JSON_WORDS.slice(0, 12),
] as const;

const bundles = fc
  .tuple(fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 4 }), fc.nat(4), fc.boolean())
  .map(
    ([bodies, counted, isWhole]) =>
      START +
      bodies.map((body, index) => toPart(index, body)).join('') +
      toEnd(isWhole ? bodies.length : counted),
  );

/** Central's default limit is far larger. A small limit makes lines that claim large parts frequent. */
const PART_SIZE_MAX_BYTES = 65_536;
/**
 * Maximum number of bytes read per byte of the file, and the additional allowance for windows around control lines and for bodies
 * that are read without result (see LOST_PARTS_FREE in the reader).
 */
const READ_LIMIT = { perByte: 40, free: 20 * PART_SIZE_MAX_BYTES };

/** Reading never fails, every part has its digest, and the number of bytes read is bounded by the file size. */
export const bundle: Target = {
  name: 'bundle',
  generate: utf8(bundles),
  words: BUNDLE_WORDS,
  async check(bytes) {
    let readBytes = 0;
    const source = {
      read: (offset: number, length: number) => {
        const found = bytes.subarray(offset, offset + length);
        readBytes += found.length;
        return Promise.resolve(found);
      },
      digest: sha256,
    };
    let damaged = 0;
    let isEnded = false;
    for await (const item of readBundle(source, PART_SIZE_MAX_BYTES)) {
      if (item.kind === 'part') {
        assert.equal(sha256(item.body), item.header.sha256);
        assert.equal(item.body.length, item.header.size_bytes);
      }
      if (item.kind === 'damaged') damaged += 1;
      if (item.kind === 'end') isEnded = true;
    }
    assert.ok(isEnded || damaged > 0, 'a bundle without an end is incomplete');
    assert.ok(
      readBytes <= bytes.length * READ_LIMIT.perByte + READ_LIMIT.free,
      `${readBytes} bytes were read`,
    );
  },
};
