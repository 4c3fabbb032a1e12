import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { judgeCredential, parseBearer } from './policy.ts';

test('accepts only what was issued, not revoked, for an installation that is not disabled', () => {
  assert.equal(judgeCredential(undefined), 'invalid');
  assert.equal(judgeCredential({ isRevoked: true, isDisabled: false }), 'invalid');
  assert.equal(judgeCredential({ isRevoked: true, isDisabled: true }), 'invalid');
  assert.equal(judgeCredential({ isRevoked: false, isDisabled: true }), 'disabled');
  assert.equal(judgeCredential({ isRevoked: false, isDisabled: false }), 'accepted');
});

test('reads a bearer credential and nothing else', () => {
  assert.equal(parseBearer('Bearer abc-_1'), 'abc-_1');
  assert.equal(parseBearer('bearer  abc '), 'abc');
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer a b',
    'Basic abc',
    `Bearer ${'x'.repeat(513)}`,
    'Bearer é',
  ])
    assert.equal(parseBearer(header), undefined);
});
