import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CENTRAL_FAILURE_CODES, isCentralFailure } from '../platform/errors.ts';
import { parseArguments } from './arguments.ts';
import { toExitCode } from './exit-code.ts';

test('reads every command', () => {
  const id = '0123456789abcdef';
  const table: readonly (readonly [string, unknown])[] = [
    ['', { kind: 'help' }],
    ['serve --help', { kind: 'help' }],
    ['serve', { kind: 'serve' }],
    ['migrate --json', { kind: 'migrate' }],
    ['list', { kind: 'list' }],
    [`show ${id}`, { kind: 'show', installationId: id }],
    [`enroll ${id}`, { kind: 'enroll', installationId: id }],
    [
      `enroll ${id} --tier 3 --allow-id-as-token`,
      { kind: 'enroll', installationId: id, tier: 3, allowIdAsToken: true },
    ],
    [`revoke ${id}`, { kind: 'revoke', installationId: id, what: 'tokens' }],
    [`revoke ${id} --disable`, { kind: 'revoke', installationId: id, what: 'installation' }],
  ];
  for (const [line, command] of table)
    assert.deepEqual(parseArguments(line.split(' ').filter(Boolean)).command, command, line);
});

test('sets options above the environment', () => {
  assert.deepEqual(parseArguments(['serve', '--port', '0', '--data-dir', '/d']).environment, {
    CENTRAL_PORT: '0',
    CENTRAL_DATA_DIR: '/d',
  });
});

test('refuses what it does not know, saying so', () => {
  for (const line of [
    'start',
    'serve now',
    'enroll',
    'enroll a b',
    'enroll a --tier 4',
    'enroll a --tier',
    'list --tier 2',
    'serve --loud',
  ])
    assert.throws(
      () => parseArguments(line.split(' ')),
      (error) => isCentralFailure(error, 'USAGE'),
      line,
    );
});

test('exits with something else than 0 for every failure', () => {
  for (const code of CENTRAL_FAILURE_CODES) assert.ok(toExitCode(code) >= 1 && toExitCode(code) <= 5);
});
