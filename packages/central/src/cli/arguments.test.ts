import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
    ['import-bundle /media/stick/a.bundle', { kind: 'import_bundle', file: '/media/stick/a.bundle' }],
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
    'import-bundle',
    'import-bundle a b',
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

test('exits for every failure as the README says, and the README names no other', async () => {
  const readme = await readFile(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
  const written = readme
    .split('\n')
    .flatMap((line) => {
      const row = /^\| ([1-5]) +\|.*\| (`[A-Z_` ]+)\|$/.exec(line);
      return (row?.[2]?.match(/[A-Z_]+/g) ?? []).map((code) => `${code} ${row?.[1]}`);
    })
    .sort();
  assert.deepEqual(written, CENTRAL_FAILURE_CODES.map((code) => `${code} ${toExitCode(code)}`).sort());
});
