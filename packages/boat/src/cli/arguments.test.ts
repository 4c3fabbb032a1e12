import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXPORT_ERROR_CODES, isExportError } from '../platform/errors.ts';
import { parseCommand, toHelp } from './arguments.ts';
import type { Command } from './program.ts';
import { EXIT, EXIT_CODE_LINES, toExitCode } from './exit-codes.ts';

const valid: readonly [line: string, command: Command][] = [
  ['--version', { kind: 'version' }],
  ['serve', { kind: 'serve' }],
  ['generate', { kind: 'generate', type: 'full' }],
  ['generate --incremental --json', { kind: 'generate', type: 'incremental' }],
  ['--json status', { kind: 'status' }],
  ['queue list', { kind: 'queue_list' }],
  ['queue retry q_20260220_120000', { kind: 'queue_retry', queueId: 'q_20260220_120000' }],
  ['queue cancel q_1', { kind: 'queue_cancel', queueId: 'q_1' }],
  ['queue cleanup', { kind: 'queue_cleanup' }],
  ['history', { kind: 'history', limit: 20 }],
  ['history --limit 10000', { kind: 'history', limit: 10_000 }],
  ['preview --incremental', { kind: 'preview', type: 'incremental' }],
  ['boot', { kind: 'boot' }],
  ['daily', { kind: 'daily' }],
  ['config', { kind: 'config' }],
  ['completion zsh', { kind: 'completion', shell: 'zsh' }],
  ['bundle /media/usb', { kind: 'bundle', directory: '/media/usb', scope: 'waiting' }],
  ['bundle --failed .', { kind: 'bundle', directory: '.', scope: 'waiting_and_failed' }],
  ['doctor', { kind: 'doctor', mode: 'examine' }],
  ['doctor --repair --json', { kind: 'doctor', mode: 'repair' }],
];
for (const [line, command] of valid)
  test(`parses d3kos-export ${line}`, () => {
    assert.deepEqual(parseCommand(line === '' ? [] : line.split(' ')), command);
  });

const refused: readonly [line: string, message: RegExp][] = [
  ['exprot', /Unknown command 'exprot'/],
  ['status now', /Too many arguments for 'status'/],
  ['status --fast', /Unknown option '--fast'/],
  ['status --incremental', /Unknown option '--incremental'/],
  ['queue', /subcommand is missing/],
  ['queue purge', /Unknown command 'purge'/],
  ['queue retry', /Missing required argument 'id'/],
  ['queue retry a b', /Too many arguments for 'retry'/],
  ['queue list all', /Too many arguments for 'list'/],
  ['history --limit 0', /whole number from 1 to 10000/],
  ['history --limit 10001', /whole number from 1 to 10000/],
  ['history --limit', /'--limit <n>' argument missing/],
  ['history --limit ten', /whole number from 1 to 10000/],
  ['bundle', /Missing required argument 'directory'/],
  ['bundle a b', /Too many arguments for 'bundle'/],
  ['doctor all', /Too many arguments for 'doctor'/],
  ['status --repair', /Unknown option '--repair'/],
  ['completion tcsh', /Allowed choices are bash, zsh, fish/],
  ['stauts', /Did you mean status\?/],
];
for (const [line, message] of refused)
  test(`rejects d3kos-export ${line} and names the error`, () => {
    assert.throws(
      () => parseCommand(line.split(' ')),
      (error) => isExportError(error, 'REQUEST_INVALID') && message.test(error.message) && error.hint !== '',
    );
  });

test('every error code has a nonzero exit code that --help explains', () => {
  const explained = new Set(EXIT_CODE_LINES.map(([code]) => code));
  assert.deepEqual([...explained].sort(), Object.values(EXIT).sort());
  for (const code of EXPORT_ERROR_CODES) {
    assert.ok(explained.has(toExitCode(code)), code);
    assert.notEqual(toExitCode(code), EXIT.done, code);
  }
  for (const [code, meaning] of EXIT_CODE_LINES) assert.ok(toHelp([]).includes(`${code}  ${meaning}`));
});

const helpRequests: readonly [line: string, names: readonly string[]][] = [
  ['', []],
  ['--help', []],
  ['-h', []],
  ['help', []],
  ['generate --help', ['generate']],
  ['help generate', ['generate']],
  ['queue retry --help', ['queue', 'retry']],
];
for (const [line, names] of helpRequests)
  test(`d3kos-export ${line} shows the help for ${names.join(' ') || 'the program'}`, () => {
    assert.deepEqual(parseCommand(line === '' ? [] : line.split(' ')), { kind: 'help', text: toHelp(names) });
    assert.ok(toHelp(names).startsWith(`Usage: ${['d3kos-export', ...names].join(' ')} `));
  });

test('rejects an empty ID or directory', () => {
  for (const argv of [
    ['queue', 'retry', ''],
    ['bundle', ''],
  ])
    assert.throws(
      () => parseCommand(argv),
      (error) => isExportError(error, 'REQUEST_INVALID'),
    );
});
