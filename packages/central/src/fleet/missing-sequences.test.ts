import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { findMissingSequences, MISSING_LISTED_MAX } from './missing-sequences.ts';

test('names exactly the incomplete sequences between the lowest and the highest, and lists withdrawn ones separately', () => {
  const sequences = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.boolean()), {
    selector: ([sequence]) => sequence,
  });
  const givenUp = fc.uniqueArray(fc.integer({ min: 1, max: 60 }));
  const property = fc.property(sequences, givenUp, (list, given) => {
    const withdrawn = new Set(given);
    const exports = list
      .map(([sequence, isComplete]) => ({ sequence, isComplete }))
      .sort((a, b) => a.sequence - b.sequence);
    const whole = new Set(exports.filter(({ isComplete }) => isComplete).map(({ sequence }) => sequence));
    const [first, last] = [exports[0]?.sequence ?? 1, exports.at(-1)?.sequence ?? 0];
    const expected = Array.from({ length: last - first + 1 }, (_, index) => first + index).filter(
      (sequence) => !whole.has(sequence),
    );
    assert.deepEqual(findMissingSequences(exports, withdrawn), {
      missing: expected.filter((sequence) => !withdrawn.has(sequence)),
      withdrawn: expected.filter((sequence) => withdrawn.has(sequence)),
    });
  });
  fc.assert(property);
});

test('bounds the list for a gap of the largest possible width', () => {
  const ends = [1, Number.MAX_SAFE_INTEGER - 1].map((sequence) => ({ sequence, isComplete: true }));
  assert.equal(findMissingSequences(ends, new Set()).missing.length, MISSING_LISTED_MAX);
});
