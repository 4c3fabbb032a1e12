import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { BROWSER_KEYS, BROWSER_VALUE_LENGTH_MAX, BrowserRequestSchema } from './requests.ts';

test('accepts browser data only as strings of limited length under known keys', () => {
  const request = Compile(BrowserRequestSchema);
  assert.equal(BROWSER_KEYS.length, 8);
  for (const key of BROWSER_KEYS) {
    assert.ok(request.Check({ [key]: '[]' }), key);
    assert.ok(request.Check({ [key]: 'x'.repeat(BROWSER_VALUE_LENGTH_MAX) }), key);
    for (const value of [null, [], 'x'.repeat(BROWSER_VALUE_LENGTH_MAX + 1)])
      assert.ok(!request.Check({ [key]: value }), key);
  }
  for (const value of [null, [], { other: '' }]) assert.ok(!request.Check(value));
});
