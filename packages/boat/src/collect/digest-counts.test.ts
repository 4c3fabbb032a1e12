import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { sha256 } from './digest.ts';
import { createDigestCounts } from './digest-counts.ts';

test('counts every digest as many times as it was added, for any number of digests', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2_000), { maxLength: 5_000 }), (numbers) => {
      const counts = createDigestCounts();
      const expected = new Map<number, number>();
      for (const number of numbers) {
        const before = expected.get(number) ?? 0;
        assert.equal(counts.add(sha256(String(number))), before);
        expected.set(number, before + 1);
      }
    }),
    { numRuns: 50 },
  );
});

test('digests that differ in one of their first 96 bits are counted separately', () => {
  const counts = createDigestCounts();
  for (let digit = 0; digit < 24; digit += 1)
    assert.equal(counts.add(`${'0'.repeat(digit)}1${'0'.repeat(63 - digit)}`), 0);
  assert.equal(counts.add('0'.repeat(64)), 0, 'zero is a valid digest');
  assert.equal(counts.add('0'.repeat(64)), 1);
});

test('100,000 digests take less than 5 MiB', () => {
  const before = process.memoryUsage().arrayBuffers;
  const counts = createDigestCounts();
  for (let n = 0; n < 100_000; n += 1) counts.add(sha256(String(n)));
  const taken = process.memoryUsage().arrayBuffers - before;
  assert.ok(taken < 5 * 1024 * 1024, `${taken} bytes`);
  assert.equal(counts.add(sha256('7')), 1);
});
