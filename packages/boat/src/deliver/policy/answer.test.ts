import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PartAnswer, recogniseAnswer, recogniseHealth } from './answer.ts';

const RECEIPT = {
  status: 'success',
  import_id: 'import_1',
  export_id: 'export_1',
  part: { index: 1, count: 1 },
  sha256: 'a'.repeat(64),
  records_imported: {},
  rejected_records: [],
  duplicate: false,
  timestamp: '2026-11-23T00:00:00Z',
};
const REFUSAL = { status: 'error', error_code: 'CODE', message: 'why' };
const HEALTH = { service: 'd3kos-central', status: 'ok', time: '2026-11-23T12:00:00.000Z' };

describe('an answer to a part', () => {
  const json = (value: unknown): PartAnswer['body'] => ({ kind: 'json', value });
  const other = (start: string): PartAnswer['body'] => ({ kind: 'other', start });
  const table: readonly (readonly [status: number, body: PartAnswer['body'], result: string])[] = [
    [200, json(RECEIPT), 'receipt'],
    [201, json(RECEIPT), 'receipt'],
    [400, json(RECEIPT), 'foreign other_json'],
    [302, json(RECEIPT), 'foreign redirect'],
    [511, json(REFUSAL), 'foreign status_511'],
    [400, json(REFUSAL), 'refusal'],
    [503, json(REFUSAL), 'refusal'],
    [200, json(REFUSAL), 'foreign other_json'],
    [200, json({ status: 'success' }), 'foreign other_json'],
    [404, json({ detail: 'Not Found' }), 'foreign other_json'],
    [200, json(null), 'foreign other_json'],
    [200, other('  <!DOCTYPE html>'), 'foreign html'],
    [503, other('<html lang="en">'), 'foreign html'],
    [200, other('hello'), 'foreign garbage'],
    [204, other(''), 'foreign garbage'],
    [200, { kind: 'too_large', sizeMaxBytes: 1 }, 'foreign garbage'],
    [307, { kind: 'too_large', sizeMaxBytes: 1 }, 'foreign redirect'],
  ];
  for (const [status, body, result] of table)
    it(`with ${status} and ${JSON.stringify(body).slice(0, 60)} is: ${result}`, () => {
      const found = recogniseAnswer({ status, redirectHost: 'portal', contentType: undefined, body });
      assert.equal(found.kind === 'foreign' ? `foreign ${found.reason}` : found.kind, result);
    });

  const missing: readonly (readonly [list: unknown, taken: readonly number[] | undefined])[] = [
    [
      [3, 1, 2],
      [3, 1, 2],
    ],
    [[], []],
    [[5, 5, 5], [5]],
    [[0, -1, 1.5, '7', null, {}, [8], 1e300, 9], [9]],
    [{ 0: 1, length: 1 }, undefined],
    ['1,2', undefined],
    [null, undefined],
    [
      Array.from({ length: 100_000 }, (_, index) => index + 1),
      Array.from({ length: 1_000 }, (_, index) => index + 1),
    ],
  ];
  for (const [list, taken] of missing)
    it(`is a receipt, whatever its list of missing sequences contains: ${JSON.stringify(list).slice(0, 60)}`, () => {
      const body = json({ ...RECEIPT, missing_sequences: list });
      const found = recogniseAnswer({ status: 200, redirectHost: '', contentType: undefined, body });
      assert.deepEqual(found.kind === 'receipt' ? found.missing : found, taken);
    });

  it('without a list of missing sequences reports none', () => {
    const found = recogniseAnswer({
      status: 200,
      redirectHost: '',
      contentType: undefined,
      body: json(RECEIPT),
    });
    assert.deepEqual(found, { kind: 'receipt', receipt: RECEIPT, missing: undefined });
  });

  it('is a web page if its content type is HTML', () => {
    const found = recogniseAnswer({
      status: 200,
      redirectHost: 'nowhere',
      contentType: 'Text/HTML; charset=utf-8',
      body: other('Welcome'),
    });
    assert.deepEqual(found, { kind: 'foreign', reason: 'html', detail: 'A web page' });
  });

  it("keeps the first 500 characters of a refusal's message", () => {
    const found = recogniseAnswer({
      status: 400,
      redirectHost: 'nowhere',
      contentType: undefined,
      body: json({ ...REFUSAL, message: 'x'.repeat(501) }),
    });
    assert.deepEqual(found, { kind: 'refusal', errorCode: 'CODE', message: 'x'.repeat(500) });
  });
});

describe('the text of a refusal', () => {
  for (const unsafe of ['\u001b[2J', '\u009b31m', '\u202eevil', 'two\nlines'])
    it(`cannot control a terminal: ${JSON.stringify(unsafe)}`, () => {
      const found = recogniseAnswer({
        status: 503,
        redirectHost: 'nowhere',
        contentType: undefined,
        body: { kind: 'json', value: { ...REFUSAL, error_code: unsafe, message: unsafe } },
      });
      assert.ok(found.kind === 'refusal');
      assert.doesNotMatch(found.message + found.errorCode, /[\u0000-\u001f\u0080-\u009f\u202e]/);
    });
});

describe('an answer to a health probe', () => {
  const table: readonly (readonly [status: number, json: unknown, kind: string])[] = [
    [200, HEALTH, 'central'],
    [200, { ...HEALTH, service: 'portal' }, 'captive_portal'],
    [302, HEALTH, 'captive_portal'],
    [503, HEALTH, 'unavailable'],
    [511, HEALTH, 'captive_portal'],
    [429, REFUSAL, 'unavailable'],
    [511, REFUSAL, 'captive_portal'],
    [200, undefined, 'captive_portal'],
    [404, undefined, 'captive_portal'],
    [499, undefined, 'captive_portal'],
    [500, undefined, 'unavailable'],
    [504, undefined, 'unavailable'],
    [505, undefined, 'captive_portal'],
  ];
  for (const [status, json, kind] of table)
    it(`with ${status} and ${JSON.stringify(json)} is ${kind}`, () =>
      assert.equal(recogniseHealth(status, json).kind, kind));
});
