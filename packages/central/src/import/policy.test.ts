import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ExportDocument } from '@d3kos/protocol';
import fc from 'fast-check';
import { identifyPart, judgeAdmission, judgeRepeat, mayHold, toClaimedTime } from './policy.ts';

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

test('repeats the same digest, refuses another, stores what is new', () => {
  assert.equal(judgeRepeat(undefined, SHA), 'store');
  assert.equal(judgeRepeat(SHA, SHA), 'repeat');
  assert.equal(judgeRepeat('b'.repeat(64), SHA), 'conflict');
});

test('never admits beyond either limit, and says which one was met', () => {
  const limits = { importsMax: 4, installationImportsMax: 2, bodySizeMaxBytes: 1_000 };
  const property = fc.property(fc.nat(20), fc.nat(4), (waiting, installationImports) => {
    const verdict = judgeAdmission({ waiting, installationImports }, limits);
    assert.equal(verdict === 'admit', waiting < 16 && installationImports < 2);
    assert.equal(verdict === 'busy_installation', installationImports >= 2);
  });
  fc.assert(property);
  assert.equal(judgeAdmission({ waiting: 15, installationImports: 1 }, limits), 'admit');
  assert.equal(judgeAdmission({ waiting: 16, installationImports: 1 }, limits), 'busy_node');
  assert.equal(mayHold(3_000, 1_000, limits), true);
  assert.equal(mayHold(3_000, 1_001, limits), false);
});

test('takes a claimed time only where it names a real moment and its zone', () => {
  const table: readonly (readonly [unknown, string | null])[] = [
    ['2026-03-16T14:03:05.123Z', '2026-03-16T14:03:05.123Z'],
    ['2026-03-16 14:03:05+02:00', '2026-03-16T12:03:05.000Z'],
    ['2026-03-16T14:03:05.123456Z', '2026-03-16T14:03:05.123Z'],
    ['2026-03-16T14:03:05.123456', null],
    ['20260322_122202', null],
    ['2026-13-16T14:03:05Z', null],
    ['0000-01-01T00:00:00+14:00', null],
    [1_700_000_000, null],
    [null, null],
  ];
  for (const [value, expected] of table) assert.equal(toClaimedTime(value), expected, String(value));
  fc.assert(fc.property(fc.anything(), (value) => void toClaimedTime(value)));
});
