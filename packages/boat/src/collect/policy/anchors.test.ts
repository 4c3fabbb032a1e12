import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sha256 } from '../digest.ts';
import { fitCursor, parseAnchors, toCursor } from './anchors.ts';

describe('cursors', () => {
  const digests = new Map([9, 7, 4].map((position) => [position, sha256(String(position)).slice(0, 12)]));
  const cursor = toCursor([...digests].map(([position, digest]) => ({ position, digest })));
  const at = (position: number): string | undefined => digests.get(position);

  it('keep their anchors', () => {
    assert.ok(cursor !== undefined);
    assert.deepEqual(
      parseAnchors(cursor),
      [...digests].map(([position, digest]) => ({ position, digest })),
    );
  });
  it('fit if the row is unchanged', () => assert.deepEqual(fitCursor(cursor, at), cursor));
  it('fall back to the newest anchor that still exists', () => {
    const fitted = fitCursor(cursor, (position) => (position === 9 ? undefined : at(position)));
    assert.equal(fitted?.position, 7);
    assert.deepEqual(fitCursor(fitted, at), fitted);
  });
  it('do not fit another database', () =>
    assert.equal(
      fitCursor(cursor, () => '000000000000'),
      undefined,
    ));
  it('that are malformed do not fit any database', () => {
    for (const check of ['', 'x', '9:xyz', '8:000000000000', '9:000000000000 '])
      assert.equal(
        fitCursor({ position: 9, check }, () => '000000000000'),
        undefined,
        check,
      );
  });
});
