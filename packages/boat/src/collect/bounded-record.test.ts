import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RECORD_SIZE_MAX_BYTES, RECORD_VALUES_MAX } from '@d3kos/protocol';
import { toLine } from './page.ts';

const MIB = 1_048_576;
const SMALL = { timestamp: '2026-03-16T14:03:05Z', type: 'auto' };
const read = (line: string): Record<string, unknown> => {
  const value: unknown = JSON.parse(line);
  assert.ok(typeof value === 'object' && value !== null);
  return { ...value };
};

describe('a record that central would reject', () => {
  for (const [what, fields] of [
    ['control characters, each of which takes six bytes in JSON', { content: '\u0001'.repeat(8 * MIB) }],
    ['characters of three bytes', { content: '€'.repeat(6 * MIB) }],
    ['lone surrogates', { content: '\ud800'.repeat(6 * MIB) }],
    ['a list of many values', { content: Array.from({ length: RECORD_VALUES_MAX }, () => 1) }],
  ] as const)
    it(`loses only its large fields and lists them: ${what}`, () => {
      const line = toLine({ record_id: 'r', ...SMALL, ...fields, after: 1 });
      assert.ok(line.startsWith('{"record_id":"r",'));
      assert.deepEqual(read(line), { record_id: 'r', ...SMALL, after: 1, too_large: ['content'] });
    });

  it('with two hundred thousand keys keeps the first ones and lists a few of the others', () => {
    const keys = Array.from({ length: 200_000 }, (_, no) => [`key_${no}`, no]);
    const line = toLine({ record_id: 'r', ...SMALL, ...Object.fromEntries(keys) });
    assert.ok(line.length < MIB);
    const { key_1, too_large } = read(line);
    assert.equal(key_1, 1);
    assert.ok(Array.isArray(too_large) && too_large.length === 20);
  });

  it('with one key of many megabytes lists the beginning of that key', () => {
    const line = toLine({ record_id: 'r', ...SMALL, ['k'.repeat(17 * MIB)]: 1 });
    assert.deepEqual(read(line), { record_id: 'r', ...SMALL, too_large: ['k'.repeat(64)] });
  });
});

it('leaves a record within the limits unchanged', () => {
  for (const content of [
    '\u0001'.repeat(2 * MIB),
    'a'.repeat(15 * MIB),
    Array.from({ length: 90_000 }, () => 1),
  ]) {
    const record = { record_id: 'r', ...SMALL, content };
    assert.equal(toLine(record), JSON.stringify(record));
  }
  assert.ok(toLine({ record_id: 'r', content: 'a'.repeat(15 * MIB) }).length < RECORD_SIZE_MAX_BYTES);
});
