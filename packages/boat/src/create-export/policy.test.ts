import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideExportType, findUnread, judgeCollected, usesUpSlot } from './policy.ts';

const UNREAD = [{ category: 'boatlog', detail: 'data/boatlog/boatlog.db is damaged' }] as const;

describe('the type of an export', () => {
  for (const [requested, isFullDue, type] of [
    ['incremental', false, 'incremental'],
    ['full', false, 'full'],
    ['incremental', true, 'full'],
    ['full', true, 'full'],
  ] as const)
    it(`is ${type} if ${requested} was requested and a full export is ${isFullDue ? '' : 'not '}due`, () =>
      assert.equal(decideExportType(requested, isFullDue), type));
});

describe('a collection', () => {
  for (const [type, isNews, unread, verdict] of [
    ['incremental', true, [], 'queue'],
    ['incremental', true, UNREAD, 'queue'],
    ['incremental', false, [], 'nothing_new'],
    ['incremental', false, UNREAD, 'unread'],
    ['full', true, [], 'queue'],
    ['full', false, [], 'queue'],
    ['full', false, UNREAD, 'queue'],
  ] as const)
    it(`${type}, ${isNews ? 'with' : 'without'} new records, ${unread.length} unread: ${verdict}`, () =>
      assert.equal(judgeCollected({ type, isNews, unread }), verdict));
});

it('an export uses up its daily slot only if every category was read', () => {
  assert.equal(usesUpSlot([]), true);
  assert.equal(usesUpSlot(UNREAD), false);
});

it('the unread categories are those whose source exists but could not be read, in export order', () => {
  const found = findUnread({
    telemetry: { state: 'error', detail: 'data/metrics.json cannot be read from the disk' },
    boatlog: { state: 'schema_unknown' },
    settings: { state: 'ok' },
    qr_codes: { state: 'empty' },
    onboarding: { state: 'source_missing' },
  });
  assert.deepEqual(found, [
    { category: 'boatlog', detail: 'its source could not be read' },
    { category: 'telemetry', detail: 'data/metrics.json cannot be read from the disk' },
  ]);
});
