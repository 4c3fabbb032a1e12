import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXPORT_ERROR_CODES, isExportError } from '../platform/errors.ts';
import { type Command, parseCommand, USAGE } from './arguments.ts';
import { EXIT, EXIT_CODE_LINES, toExitCode } from './exit-codes.ts';

const understood: readonly [line: string, command: Command][] = [
  ['', { kind: 'help' }],
  ['--help', { kind: 'help' }],
  ['generate --help', { kind: 'help' }],
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
  ['bundle /media/stick', { kind: 'bundle', directory: '/media/stick', scope: 'waiting' }],
  ['bundle --failed .', { kind: 'bundle', directory: '.', scope: 'waiting_and_failed' }],
  ['doctor', { kind: 'doctor', mode: 'examine' }],
  ['doctor --repair --json', { kind: 'doctor', mode: 'repair' }],
];
for (const [line, command] of understood)
  test(`understands d3kos-export ${line}`, () => {
    assert.deepEqual(parseCommand(line === '' ? [] : line.split(' ')), command);
  });

const refused: readonly [line: string, complaint: RegExp][] = [
  ['exprot', /no command "exprot"/],
  ['status now', /takes no argument "now"/],
  ['status --fast', /--fast/],
  ['status --incremental', /--incremental belongs to generate and preview/],
  ['queue', /needs list, retry, cancel or cleanup/],
  ['queue purge', /no command "queue purge"/],
  ['queue retry', /takes one queue id/],
  ['queue retry a b', /takes one queue id/],
  ['queue list all', /takes no argument "all"/],
  ['history --limit 0', /whole number from 1 to 10000/],
  ['history --limit 10001', /whole number from 1 to 10000/],
  ['history --limit', /limit/],
  ['bundle', /takes one folder/],
  ['bundle a b', /takes one folder/],
  ['doctor all', /takes no argument "all"/],
  ['status --repair', /--repair belongs to doctor/],
];
for (const [line, complaint] of refused)
  test(`refuses d3kos-export ${line}, saying what is wrong`, () => {
    assert.throws(
      () => parseCommand(line.split(' ')),
      (error) =>
        isExportError(error, 'REQUEST_INVALID') && complaint.test(error.message) && error.hint !== '',
    );
  });

test('every code of a failure has an exit code that the help explains, and none is 0', () => {
  const explained = new Set(EXIT_CODE_LINES.map(([code]) => code));
  assert.deepEqual([...explained].sort(), Object.values(EXIT).sort());
  for (const code of EXPORT_ERROR_CODES) {
    assert.ok(explained.has(toExitCode(code)), code);
    assert.notEqual(toExitCode(code), EXIT.done, code);
  }
  for (const [code, meaning] of EXIT_CODE_LINES) assert.ok(USAGE.includes(`${code}  ${meaning}`));
});
