import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sha256 } from '../digest.ts';
import { toContentId, toRecordId } from './record-ids.ts';

describe('record IDs', () => {
  it('consist of the ID and the raw timestamp', () =>
    assert.equal(toRecordId('7', '20260322_122202', sha256), '7@20260322_122202'));
  it('are valid at central for any ID and timestamp, and differ if the source IDs differ', () => {
    const part = fc.oneof(fc.string({ unit: 'binary', maxLength: 500 }), fc.string());
    fc.assert(
      fc.property(part, part, part, (id, timestamp, other) => {
        const recordId = toRecordId(id, timestamp, sha256);
        assert.ok(recordId.length >= 1 && recordId.length <= 300);
        assert.ok(recordId.isWellFormed() && !recordId.includes('\0') && !recordId.includes('\n'));
        if (id.toWellFormed() !== other.toWellFormed() && timestamp !== '')
          assert.notEqual(recordId, toRecordId(other, timestamp, sha256));
      }),
    );
  });
  it('distinguish duplicate rows without an ID', () => {
    const digest = sha256('x');
    assert.equal(toContentId(digest, 0), `~${digest.slice(0, 32)}`);
    assert.equal(toContentId(digest, 2), `~${digest.slice(0, 32)}#2`);
  });
});
