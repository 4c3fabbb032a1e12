import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ExportDocument } from '@d3kos/protocol';
import { identifyPart, judgeRepeat } from './part-identity.ts';

const SHA = 'a'.repeat(64);

function documentWith(facts: Partial<ExportDocument>): ExportDocument {
  return {
    installation_id: '0123456789abcdef',
    export_timestamp: '',
    format_version: '1.0',
    data: {},
    ...facts,
  };
}

test('identifies a part by its key, its document or its digest, and refuses contradictions', () => {
  const table: readonly (readonly [Partial<ExportDocument>, string | undefined, string | undefined])[] = [
    [{ export_id: 'e' }, 'e/1', 'e/1'],
    [{ export_id: 'e', part: { index: 2, count: 3 } }, 'e/2', 'e/2'],
    [{ export_id: 'e', part: { index: 2, count: 3 } }, undefined, 'e/2'],
    [{}, 'e/1', 'e/1'],
    [{}, undefined, `sha256-${SHA}/1`],
    [{ export_id: 'e' }, 'f/1', undefined],
    [{ export_id: 'e' }, 'e/2', undefined],
    [{ export_id: 'e' }, 'e', undefined],
    [{ export_id: 'e' }, 'e/01', undefined],
    [{ part: { index: 3, count: 2 } }, 'e/3', undefined],
    [{ sequence: 2 ** 60 }, 'e/1', undefined],
  ];
  for (const [facts, header, key] of table) {
    const verdict = identifyPart(documentWith(facts), header, SHA);
    assert.equal(verdict.kind === 'identified' ? verdict.identity.idempotencyKey : undefined, key);
  }
});

test('treats the same digest as a repetition, refuses a different one and stores a new part', () => {
  assert.equal(judgeRepeat(undefined, SHA), 'store');
  assert.equal(judgeRepeat(SHA, SHA), 'repeat');
  assert.equal(judgeRepeat('b'.repeat(64), SHA), 'conflict');
});
