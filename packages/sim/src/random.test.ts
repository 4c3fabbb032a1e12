import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomContract } from '../../boat/src/platform/contract/random-contract.ts';
import { createSimRandom } from './random.ts';

randomContract('simulated', () => createSimRandom('contract'));

test('a seed always returns the same sequence, and a different seed returns a different one', () => {
  const draw = (seed: string) => {
    const random = createSimRandom(seed);
    return [random.hex(8), random.integer(1_000_000), random.fraction()];
  };
  assert.deepEqual(draw('1'), draw('1'));
  assert.notDeepEqual(draw('1'), draw('2'));
});

test('a fork does not depend on earlier draws', () => {
  const [one, other] = [createSimRandom(7), createSimRandom(7)];
  one.hex(100);
  assert.equal(one.fork('network').hex(8), other.fork('network').hex(8));
  assert.notEqual(other.fork('network').hex(8), other.fork('disk').hex(8));
});

test('integers stay within their bounds and reach both of them', () => {
  const random = createSimRandom(3);
  const seen = new Set(Array.from({ length: 500 }, () => random.between(3, 6)));
  assert.deepEqual([...seen].sort(), [3, 4, 5, 6]);
  assert.throws(() => random.pick([]), RangeError);
});
