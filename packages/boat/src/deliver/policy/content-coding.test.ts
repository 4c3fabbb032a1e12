import assert from 'node:assert/strict';
import test from 'node:test';
import { chooseCoding } from './content-coding.ts';

test('uses the best coding that central offers, and gzip until central has offered one', () => {
  assert.equal(chooseCoding([]), 'gzip');
  assert.equal(chooseCoding(['gzip', 'br']), 'br');
  assert.equal(chooseCoding(['gzip', 'br', 'zstd']), 'zstd');
});
