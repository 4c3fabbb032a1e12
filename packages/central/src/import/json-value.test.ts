import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExactJson } from '@d3kos/protocol';
import { hasLongerNumber, isNestedDeeper, toCanonicalJson } from './json-value.ts';

test('keeps every integer unchanged', () => {
  const written = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
  fc.assert(
    fc.property(fc.array(written), (integers) => {
      const text = `{"list":[${integers.join(',')}]}`;
      assert.equal(toCanonicalJson(parseExactJson(text)), text);
    }),
  );
});

test('keeps every other number that JavaScript would change', () => {
  const text = '{"a":[1e400,-0,0.12345678901234567890],"b":{"c":-1.5e-320}}';
  assert.equal(toCanonicalJson(parseExactJson(text)), text);
});

test('counts all digits of a number whose text is short because of an exponent', () => {
  const value = parseExactJson('{"a":[{"b":1e2000}]}');
  assert.equal(hasLongerNumber(value, 2000), true);
  assert.equal(hasLongerNumber(value, 2001), false);
  assert.equal(hasLongerNumber(parseExactJson('[1e-2000]'), 2000), true);
});

test('returns equal text for equal values in any key order, and only text that jsonb accepts', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const canonical = toCanonicalJson(value);
      assert.equal(toCanonicalJson(reverseKeys(value)), canonical);
      assert.ok(canonical.isWellFormed());
      assert.doesNotMatch(canonical.replaceAll('\\\\', ''), /\\u0000|\\ud[89a-f]/i);
      JSON.parse(canonical);
    }),
  );
});

test('limits its own recursion when measuring nesting', () => {
  const nest = (levels: number): unknown => (levels === 0 ? 1 : [nest(levels - 1)]);
  assert.equal(isNestedDeeper(nest(64), 64), false);
  assert.equal(isNestedDeeper(nest(65), 64), true);
  assert.equal(isNestedDeeper(JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)), 64), true);
});

test('keeps a key named __proto__ like any other key', () => {
  assert.equal(toCanonicalJson(JSON.parse('{"__proto__":{"a":1}}')), '{"__proto__":{"a":1}}');
});

function reverseKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(reverseKeys);
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reverseKeys(inner)]),
  );
}
