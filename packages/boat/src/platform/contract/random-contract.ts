import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Random } from '../ports.ts';

/** Declares the tests that every Random must pass. */
export function randomContract(name: string, makeRandom: () => Random): void {
  describe(`random contract: ${name}`, () => {
    test('fractions are in [0, 1) and cover the whole range', () => {
      const random = makeRandom();
      const seen = new Set<number>();
      for (let draw = 0; draw < 2_000; draw += 1) {
        const fraction = random.fraction();
        assert(fraction >= 0 && fraction < 1, String(fraction));
        seen.add(Math.floor(fraction * 10));
      }
      assert.equal(seen.size, 10);
    });

    test('hex returns two lowercase digits per byte, and different ones each time', () => {
      const random = makeRandom();
      assert.equal(random.hex(0), '');
      assert.match(random.hex(1), /^[0-9a-f]{2}$/);
      const first = random.hex(16);
      assert.match(first, /^[0-9a-f]{32}$/);
      assert.notEqual(random.hex(16), first);
    });
  });
}
