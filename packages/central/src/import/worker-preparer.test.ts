import { strict as assert } from 'node:assert';
import { hash } from 'node:crypto';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createInlinePreparer } from './preparer.ts';
import { createWorkerPreparer } from './worker-preparer.ts';

const preparer = createWorkerPreparer(1);
const inline = createInlinePreparer(() => 0);
after(() => preparer.close());

const DOCUMENT = {
  installation_id: '0123456789abcdef',
  export_timestamp: '2026-06-01T11:59:00Z',
  format_version: '1.0',
  export_id: 'export_1',
  sequence: 1,
  data: {
    boatlog: {
      category: 'boatlog',
      entries: [
        { record_id: 'b', n: 'é' },
        { record_id: 'a' },
        7,
        { record_id: 'wide', list: Array(200_000).fill(0) },
      ],
    },
  },
};

test('decodes and prepares in a thread exactly as in the main thread', async () => {
  const text = JSON.stringify(DOCUMENT).replace('"sequence":1', '"sequence": 1');
  const body = { bytes: gzipSync(text), coding: 'gzip', sizeMaxBytes: 1_000_000 } as const;
  const expected = await inline.decode({ ...body, bytes: Buffer.from(body.bytes) }, () => 0);
  const decoded = await preparer.decode(body, () => 0);
  assert.ok(decoded.kind === 'done' && decoded.result.kind === 'decoded');
  assert.ok(expected.kind === 'done' && expected.result.kind === 'decoded');
  assert.equal(decoded.result.sha256, hash('sha256', text));
  assert.equal(decoded.result.sha256, expected.result.sha256);
  const part = {
    sha256: decoded.result.sha256,
    installationId: DOCUMENT.installation_id,
    idempotencyKey: undefined,
  };
  const here = await inline.prepare({ ...part, bytes: expected.result.bytes }, () => 0);
  const there = await preparer.prepare({ ...part, bytes: decoded.result.bytes }, () => 0);
  assert.ok(here.kind === 'done' && here.result.kind === 'prepared');
  assert.deepEqual({ ...there, cpuMs: 0 }, { ...here, cpuMs: 0 });
  const { sorted } = here.result;
  assert.deepEqual([...sorted.counts], [['boatlog', 2]]);
  assert.deepEqual(
    sorted.rejected.map(({ record_id, reason }) => [record_id, reason]),
    [
      ['', 'not an object'],
      ['wide', 'more than 100000 values'],
    ],
  );
});

const UNKNOWN_VALUES: Readonly<Record<string, string>> = {
  'an integer beyond 2^53': '12345678901234567890',
  'a negative zero': '-0',
  'a number beyond the range': '1e400',
  'a deeply nested list': '['.repeat(20_000) + ']'.repeat(20_000),
};

test('prepares a document with unknown members in a thread exactly as in the main thread', async () => {
  const { data, ...claims } = {
    ...DOCUMENT,
    clock: { synchronized: true, boot_id: 'boot' },
    open_exports: [{ sequence: 7, export_id: 'export_7' }],
    part: { index: 1, count: 2 },
  };
  for (const [name, value] of Object.entries(UNKNOWN_VALUES)) {
    const member = `"unknown":${value},`;
    const text = JSON.stringify({ ...claims, data })
      .replace(/^\{/, `{${member}`)
      .replace('"boot_id"', `${member}"boot_id"`)
      .replace('"sequence":7', `${member}"sequence":7`)
      .replace('"index"', `${member}"index"`);
    assert.equal(text.split(member).length, 5);
    const part = { sha256: '', installationId: DOCUMENT.installation_id, idempotencyKey: undefined };
    const here = await inline.prepare({ ...part, bytes: Buffer.from(text) }, () => 0);
    const there = await preparer.prepare({ ...part, bytes: Buffer.from(text) }, () => 0);
    assert.ok(here.kind === 'done' && here.result.kind === 'prepared', name);
    assert.deepEqual({ ...there, cpuMs: 0 }, { ...here, cpuMs: 0 }, name);
    assert.deepEqual(here.result.document, claims, name);
    assert.deepEqual(here.result.identity.part, claims.part, name);
  }
});

test('reports from a thread why a body cannot be stored', async () => {
  const damaged = await preparer.decode(
    { bytes: Buffer.from('text'), coding: 'gzip', sizeMaxBytes: 100 },
    () => 0,
  );
  assert.ok(damaged.kind === 'done');
  assert.deepEqual(damaged.result, { kind: 'damaged' });
  const bytes = Buffer.from(JSON.stringify(DOCUMENT));
  const part = { bytes, sha256: '', installationId: 'ffffffffffffffff', idempotencyKey: undefined };
  const other = await preparer.prepare(part, () => 0);
  assert.ok(other.kind === 'done');
  assert.deepEqual(other.result, { kind: 'mismatch' });
});
