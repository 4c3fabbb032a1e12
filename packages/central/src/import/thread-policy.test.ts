import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { mayDecodeOnMainThread, toMainThreadLimit } from './thread-policy.ts';

test('the main thread decodes bodies up to 64 KiB, and larger bodies go to another thread', () => {
  assert.equal(mayDecodeOnMainThread(0), true);
  assert.equal(mayDecodeOnMainThread(65_536), true);
  assert.equal(mayDecodeOnMainThread(65_537), false);
});

test('the main thread decodes a body to at most 64 KiB, and never beyond the limit for all bodies', () => {
  assert.equal(toMainThreadLimit(32 * 1_048_576), 65_536);
  assert.equal(toMainThreadLimit(10_000), 10_000);
});
