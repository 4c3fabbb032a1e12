import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CENTRAL_FAILURE_CODES, isCentralFailure } from '../platform/errors.ts';
import { parseArguments } from './arguments.ts';
import { COMMANDS, isCommandName } from './command-table.ts';
import { toExitCode } from './exit-code.ts';
import { toHelpText } from './help.ts';

test('reads every command', () => {
  const id = '0123456789abcdef';
  const table: readonly (readonly [string, unknown])[] = [
    ['', { kind: 'help', topic: undefined }],
    ['--help', { kind: 'help', topic: undefined }],
    ['help', { kind: 'help', topic: undefined }],
    ['help import-bundle', { kind: 'help', topic: 'import-bundle' }],
    ['enroll --help', { kind: 'help', topic: 'enroll' }],
    ['serve -h', { kind: 'help', topic: 'serve' }],
    ['serve', { kind: 'serve' }],
    ['migrate --json', { kind: 'migrate', distributes: false }],
    ['migrate --distribute', { kind: 'migrate', distributes: true }],
    ['list', { kind: 'list' }],
    [
      `conformance http://127.0.0.1:8095/ ${id} --token abc`,
      { kind: 'conformance', url: 'http://127.0.0.1:8095', installationId: id, token: 'abc' },
    ],
    [`show ${id}`, { kind: 'show', installationId: id }],
    [`enroll ${id}`, { kind: 'enroll', installationId: id }],
    [
      `enroll ${id} --tier 3 --allow-id-as-token`,
      { kind: 'enroll', installationId: id, tier: 3, allowIdAsToken: true },
    ],
    [
      'import-bundle /media/usb/a.bundle',
      { kind: 'import_bundle', file: '/media/usb/a.bundle', accepts: 'signed' },
    ],
    [
      'import-bundle a.bundle --unsigned',
      { kind: 'import_bundle', file: 'a.bundle', accepts: 'signed_and_unsigned' },
    ],
    [`bundle-key ${id}`, { kind: 'bundle_key', installationId: id }],
    [`bundle-key ${id} --accept abc`, { kind: 'bundle_key', installationId: id, accept: 'abc' }],
    [`revoke ${id}`, { kind: 'revoke', installationId: id, what: 'tokens' }],
    [`enroll ${id} --expires-days 90`, { kind: 'enroll', installationId: id, expiresDays: 90 }],
    [`tokens ${id}`, { kind: 'tokens', installationId: id }],
    ['audit', { kind: 'audit' }],
    [`quota ${id}`, { kind: 'quota', installationId: id, change: {} }],
    [
      `quota ${id} --stored-mib 2 --records default --cpu-seconds 3`,
      { kind: 'quota', installationId: id, change: { storedBytes: 2_097_152, records: null, cpuMs: 3_000 } },
    ],
    [`audit --installation ${id}`, { kind: 'audit', installationId: id }],
    [
      `revoke ${id} --token 3f1c09ab77de`,
      { kind: 'revoke', installationId: id, what: 'token', tokenId: '3f1c09ab77de' },
    ],
    [`revoke ${id} --disable`, { kind: 'revoke', installationId: id, what: 'installation' }],
  ];
  for (const [line, command] of table)
    assert.deepEqual(parseArguments(line.split(' ').filter(Boolean)).command, command, line);
});

test('options take precedence over the environment', () => {
  assert.deepEqual(parseArguments(['serve', '--port', '0', '--data-dir', '/d']).environment, {
    CENTRAL_PORT: '0',
    CENTRAL_DATA_DIR: '/d',
  });
});

test('refuses unknown commands, options and arguments', () => {
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
    'enroll a --expires-days 0',
    'enroll a --expires-days soon',
    'revoke a --token b --disable',
    'tokens',
    'quota a --records some',
    'serve --loud',
    'help start',
    'help serve list',
  ])
    assert.throws(
      () => parseArguments(line.split(' ')),
      (error) => isCentralFailure(error, 'USAGE'),
      line,
    );
});

test('gives every command a help text with usage, description, options and examples that parse', () => {
  for (const name of Object.keys(COMMANDS)) {
    assert.ok(isCommandName(name));
    const help = toHelpText(name);
    assert.match(help, new RegExp(`^Usage: d3kos-central ${name}`));
    for (const line of help.split('\n')) assert.ok(line.length <= 160, line);
    const { examples, options } = COMMANDS[name];
    for (const option of [...Object.keys(options), 'json', 'data-dir'])
      assert.ok(help.includes(`--${option}`));
    assert.ok(examples.length > 0);
    for (const example of examples) {
      assert.ok(help.includes(`\n  ${example}\n`), example);
      const { command } = parseArguments(example.replace(/^.*?d3kos-central /, '').split(' '));
      assert.equal(command.kind, name.replace(/[- ]/, '_'), example);
    }
    assert.ok(toHelpText(undefined).includes(`\n  ${name} `), name);
  }
});

test('lists the exit code of every failure in the README, and no others', async () => {
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
