import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasLostParts, judgeCut, mustQueryHeldParts } from './held-parts.ts';

describe('the parts that central holds', () => {
  const none = { isResumed: false, isBundled: false, isCutDue: false };

  it('are queried before a bundled or resumed export is sent, and before parts are split further', () => {
    assert.equal(mustQueryHeldParts({ ...none, isBundled: true }), true);
    assert.equal(mustQueryHeldParts({ ...none, isResumed: true }), true);
    assert.equal(mustQueryHeldParts({ ...none, isCutDue: true }), true);
  });

  it('are not queried before any other export is sent', () => assert.equal(mustQueryHeldParts(none), false));

  for (const [what, last, indexes, isWhole, isLost] of [
    ['does not list the last acknowledged one', 2, [3], true, true],
    ['lists the last acknowledged one', 2, [2], true, false],
    ['is not complete', 2, [], false, false],
    ['is about an export without an acknowledged part', undefined, [], true, false],
  ] as const)
    it(`${isLost ? 'are lost' : 'do not count as lost'} if the answer ${what}`, () =>
      assert.equal(hasLostParts(last, { indexes, isWhole }), isLost));
});

describe('parts that the link cut off', () => {
  for (const [what, isCutDue, isWhole, indexes, isAcknowledged, verdict] of [
    ['central does not hold the first one', true, true, [], false, 'cut'],
    ['central holds only others', true, true, [4], false, 'cut'],
    ['central did not answer completely', true, false, [], false, 'keep'],
    ['they are not to be cut', false, true, [], false, 'keep'],
    ['central holds the same bytes', true, true, [3], true, 'keep'],
    ['central holds other bytes', true, true, [3], false, 'held_differently'],
  ] as const)
    it(`${what}: ${verdict}`, () => {
      const facts = { isCutDue, held: { indexes, isWhole }, partIndex: 3, isAcknowledged };
      assert.equal(judgeCut(facts), verdict);
    });
});
