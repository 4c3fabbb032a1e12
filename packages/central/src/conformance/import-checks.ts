import { createHash } from 'node:crypto';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { ReceiptSchema, toContentDigest } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { type Answer, type Check, describe, expect } from './check.ts';
import { makeExport, sendExport, toBody, toLog, toSha256 } from './exports.ts';

const isReceipt = Compile(ReceiptSchema);

/** Decoded size of the body in the check of R25, far more than a boat sends. It is 512 KiB on the wire. */
const BOMB_SIZE_BYTES = 512 * 1_048_576;

const BOMB_MEMBERS = 64;

/** Number of times that the check of R30 sends a part concurrently. */
const AT_ONCE = 6;

const ENCODERS: Readonly<Record<string, (body: Uint8Array) => Buffer<ArrayBuffer>>> = {
  gzip: gzipSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};

function isRefusal({ status, json }: Answer, expected: number, code: string): boolean {
  return status === expected && json['error_code'] === code;
}

/** Checks of a single import: its form, its identity and its receipt. */
export const IMPORT_CHECKS: readonly Check[] = [
  {
    requirement: 'R12',
    title: 'a document with another format_version, and a body that is not UTF-8, are refused with 400',
    async run(run) {
      const other = makeExport(run, { more: { format_version: '9.9' } });
      const answer = await sendExport(run, other);
      expect(answer.status === 400, `format_version 9.9: ${describe(answer)}`);
      const body = Buffer.concat([makeExport(run).body.subarray(0, 20), Buffer.from([0xff, 0xfe])]);
      const broken = await sendExport(run, { key: other.key, body });
      expect(broken.status === 400, `bytes that are not UTF-8: ${describe(broken)}`);
      return describe(answer);
    },
  },
  {
    requirement: 'R13',
    title: 'a document with only the four legacy keys is stored',
    async run(run) {
      const record_id = run.subject.randomHex(8);
      const body = toBody({
        installation_id: run.subject.installationId,
        export_timestamp: '2026-06-01T12:00:00Z',
        format_version: '1.0',
        data: toLog([{ record_id, content: 'legacy' }]),
      });
      const answer = await run.post(body, {});
      expect(answer.status === 200, describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R14',
    title: 'a document without `part` gets a receipt for part 1 of 1',
    async run(run) {
      const answer = await sendExport(run, makeExport(run));
      const part = JSON.stringify(answer.json['part']);
      expect(answer.status === 200 && /"index":1/.test(part) && /"count":1/.test(part), describe(answer));
      return `part ${part}`;
    },
  },
  {
    requirement: 'R18',
    title: 'a key that names a different export than the document is refused with 400 INVALID_FORMAT',
    async run(run) {
      const answer = await sendExport(run, { ...makeExport(run), key: `other_${run.ledgerId}/1` });
      expect(isRefusal(answer, 400, 'INVALID_FORMAT'), describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R19',
    title: 'a document without a key is identified by its export_id: its repetition is the same import',
    async run(run) {
      const { body } = makeExport(run);
      const [first, second] = [await run.post(body, {}), await run.post(body, {})];
      expect(first.status === 200 && second.status === 200, describe(second));
      const ids = [first.json['import_id'], second.json['import_id']];
      expect(ids[0] === ids[1], `two imports: ${ids.join(' and ')}`);
      return `twice ${String(ids[0])}`;
    },
  },
  {
    requirement: 'R21',
    title: 'a body that does not match its Content-Digest is refused with 400 INVALID_DIGEST',
    async run(run) {
      const wrong = toContentDigest(createHash('sha256').update('another body').digest('base64'));
      const answer = await sendExport(run, makeExport(run), { 'Content-Digest': wrong });
      expect(isRefusal(answer, 400, 'INVALID_DIGEST'), describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R22',
    title: 'answers name the content codings, and a body in each coding is stored',
    async run(run) {
      const offered = (await run.get('/api/v1/health', {})).headers.get('Accept-Encoding');
      expect(offered !== null && offered !== '', 'the health answer has no Accept-Encoding');
      const codings = (offered ?? '').split(',').map((coding) => coding.trim());
      for (const coding of codings) {
        const encode = ENCODERS[coding];
        expect(encode !== undefined, `${coding} is not a coding of the protocol`);
        const { key, body } = makeExport(run);
        const answer = await run.post(encode?.(body) ?? body, {
          'Content-Encoding': coding,
          'Idempotency-Key': key,
        });
        expect(answer.status === 200, `${coding}: ${describe(answer)}`);
        expect(answer.headers.has('Accept-Encoding'), 'the receipt has no Accept-Encoding');
      }
      return codings.join(', ');
    },
  },
  {
    requirement: 'R25',
    title: `a small body that decodes to ${BOMB_SIZE_BYTES / 1_048_576} MiB is refused with 413 BODY_TOO_LARGE`,
    async run(run) {
      // A gzip body may have several members, so one member is created and repeated.
      const member = gzipSync(Buffer.alloc(BOMB_SIZE_BYTES / BOMB_MEMBERS, 0x20));
      const bomb = Buffer.concat(Array.from({ length: BOMB_MEMBERS }, () => member));
      const answer = await run.post(bomb, { 'Content-Encoding': 'gzip' });
      expect(isRefusal(answer, 413, 'BODY_TOO_LARGE'), describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R28',
    title: 'the same key with the same body returns the same receipt with `duplicate: true`',
    async run(run) {
      const one = makeExport(run);
      const [first, second] = [await sendExport(run, one), await sendExport(run, one)];
      expect(first.status === 200 && second.status === 200, describe(second));
      expect(first.json['duplicate'] === false, `first: ${describe(first)}`);
      expect(second.json['duplicate'] === true, `repetition: ${describe(second)}`);
      for (const member of ['import_id', 'export_id', 'sha256', 'timestamp'])
        expect(first.json[member] === second.json[member], `${member} differs: ${describe(second)}`);
      return `twice ${String(second.json['import_id'])}, then duplicate: true`;
    },
  },
  {
    requirement: 'R29',
    title: 'the same key with another body is refused with 409 IDEMPOTENCY_CONFLICT',
    async run(run) {
      const one = makeExport(run);
      await sendExport(run, one);
      const other = makeExport(run, {
        sequence: one.sequence,
        data: toLog([{ record_id: 'other', content: 'x' }]),
      });
      const answer = await sendExport(run, other);
      expect(isRefusal(answer, 409, 'IDEMPOTENCY_CONFLICT'), describe(answer));
      return describe(answer);
    },
  },
  {
    requirement: 'R30',
    title: `a part that is sent ${AT_ONCE} times concurrently is stored once`,
    async run(run) {
      const one = makeExport(run);
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => sendExport(run, one)));
      const stored = answers.filter(({ status }) => status === 200);
      const refused = answers.find(({ status }) => status !== 200 && status !== 429 && status !== 503);
      expect(refused === undefined, refused === undefined ? '' : describe(refused));
      const ids = new Set(stored.map(({ json }) => json['import_id']));
      expect(ids.size === 1, `${ids.size} imports: ${[...ids].join(', ')}`);
      return `${stored.length} receipts for ${String([...ids][0])}`;
    },
  },
  {
    requirement: 'R31',
    title: 'an entry that is not an object is listed in `rejected_records`, and the other one is stored',
    async run(run) {
      const data = toLog(['not a record', { record_id: run.subject.randomHex(8), content: 'ordinary' }]);
      const answer = await sendExport(run, makeExport(run, { data }));
      const { rejected_records: rejected, records_imported: imported } = answer.json;
      expect(answer.status === 200, describe(answer));
      expect(
        Array.isArray(rejected) && rejected.length === 1,
        `rejected_records: ${JSON.stringify(rejected)}`,
      );
      expect(JSON.stringify(imported) === '{"boatlog":1}', `records_imported: ${JSON.stringify(imported)}`);
      return JSON.stringify(rejected);
    },
  },
  {
    requirement: 'R33',
    title: 'a receipt has every field, and `sha256` is the digest of the decoded body',
    async run(run) {
      const one = makeExport(run);
      const answer = await sendExport(run, one);
      expect(answer.status >= 200 && answer.status < 300, describe(answer));
      expect(isReceipt.Check(answer.json), `not a receipt: ${describe(answer)}`);
      expect(answer.json['export_id'] === one.exportId, `export_id: ${describe(answer)}`);
      expect(
        answer.json['sha256'] === toSha256(one.body),
        `sha256 ${String(answer.json['sha256'])}, sent ${one.sha256}`,
      );
      return `sha256 ${one.sha256}`;
    },
  },
];
