import assert from 'node:assert/strict';
import test from 'node:test';
import { isCutOff, sizeAfterCutOffs, smallerPartSize } from './part-size.ts';

const MIB = 1_048_576;
const KIB = 1_024;

test('a part is reduced to half after a 413 and to a quarter after a cut-off, but never below 16 KiB or within a record', () => {
  const cases: readonly (readonly [
    partSizeBytes: number,
    bodyBytes: number,
    hasSeveralRecords: boolean,
    refused: number | undefined,
    cutOff: number | undefined,
  ])[] = [
    [MIB, MIB, true, MIB / 2, MIB / 4],
    // A file that is sent as one part is smaller than the part size.
    [MIB, 200 * KIB, true, 100 * KIB, 50 * KIB],
    // A part can exceed the part size because of its header or because its only record is larger.
    [64 * KIB, 66 * KIB, true, 32 * KIB, 16 * KIB],
    [24 * KIB, 24 * KIB, true, 16 * KIB, 16 * KIB],
    [16 * KIB, 17 * KIB, true, undefined, undefined],
    [MIB, 16 * KIB, true, undefined, undefined],
    [MIB, 4 * MIB, false, undefined, undefined],
  ];
  for (const [partSizeBytes, bodyBytes, hasSeveralRecords, refused, cutOff] of cases) {
    const part = { partSizeBytes, bodyBytes, hasSeveralRecords };
    assert.equal(smallerPartSize(part, 'refused'), refused, JSON.stringify(part));
    assert.equal(smallerPartSize(part, 'cut_off'), cutOff, JSON.stringify(part));
  }
});

test('a part is split further once the link has cut it off twice in a row', () => {
  const part = { partSizeBytes: MIB, bodyBytes: MIB, hasSeveralRecords: true };
  assert.equal(sizeAfterCutOffs(part, 0), undefined);
  assert.equal(sizeAfterCutOffs(part, 1), undefined);
  assert.equal(sizeAfterCutOffs(part, 2), MIB / 4);
  assert.equal(sizeAfterCutOffs({ ...part, hasSeveralRecords: false }, 2), undefined);
});

test('a part counts as cut off if its request began but no complete answer arrived', () => {
  assert.ok(isCutOff({ kind: 'answer_lost', code: 'ECONNRESET' }));
  assert.ok(isCutOff({ kind: 'stalled' }));
  assert.ok(!isCutOff({ kind: 'no_connection', phase: 'connect', code: 'ECONNREFUSED' }));
  assert.ok(!isCutOff({ kind: 'refused', status: 503, errorCode: 'BUSY', message: 'later' }));
  assert.ok(!isCutOff({ kind: 'not_central', reason: 'html', status: 200, detail: 'A web page' }));
});
