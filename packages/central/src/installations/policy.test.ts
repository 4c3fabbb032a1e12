import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { judgeCredential, parseBearer } from './policy.ts';

test('accepts only a token that was issued and not revoked, for an installation that is not disabled', () => {
  const judgeToken = (isEnded: boolean, isDisabled: boolean) =>
    judgeCredential({ kind: 'device_token', isEnded, isDisabled }, 'read');
  assert.equal(judgeCredential(undefined, 'import'), 'invalid');
  assert.equal(judgeToken(true, false), 'invalid');
  assert.equal(judgeToken(true, true), 'invalid');
  assert.equal(judgeToken(false, true), 'disabled');
  assert.equal(judgeToken(false, false), 'accepted');
});

test('accepts an installation ID only for imports, and only if the operator allowed it', () => {
  const judgeId = (isAllowed: boolean, purpose: 'import' | 'read', isDisabled = false) =>
    judgeCredential({ kind: 'installation_id', isAllowed, isDisabled }, purpose);
  assert.equal(judgeId(true, 'import'), 'accepted');
  assert.equal(judgeId(true, 'import', true), 'disabled');
  assert.equal(judgeId(true, 'read'), 'invalid');
  assert.equal(judgeId(false, 'import'), 'invalid');
});

test('accepts only bearer credentials', () => {
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
