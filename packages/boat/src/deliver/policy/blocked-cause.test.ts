import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BlockedCause, toBlockedCause } from './blocked-cause.ts';

test('central’s code determines the cause of a block, or its status if the code is unknown', () => {
  const table: readonly (readonly [number, string, BlockedCause])[] = [
    [0, 'CONFIG_INVALID', 'no_address'],
    [0, 'CREDENTIALS_MISSING', 'no_token'],
    [0, 'CREDENTIALS_INVALID', 'token_file'],
    [401, 'UNAUTHORIZED', 'token'],
    [403, 'INSTALLATION_MISMATCH', 'other_boat'],
    [403, 'INSTALLATION_DISABLED', 'disabled'],
    [403, 'A_LATER_CODE', 'disabled'],
    [404, 'NOT_FOUND', 'address'],
    [405, 'METHOD_NOT_ALLOWED', 'address'],
    [426, 'UPGRADE_REQUIRED', 'address'],
    [409, 'LEDGER_DIVERGED', 'diverged'],
    [451, 'A_LATER_CODE', 'other'],
  ];
  for (const [status, errorCode, cause] of table)
    assert.equal(toBlockedCause({ status, errorCode }), cause, errorCode);
});
