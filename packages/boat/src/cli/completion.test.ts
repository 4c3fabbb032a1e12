import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { listCommands } from './arguments.ts';
import { type Shell, SHELLS, toCompletionScript } from './completion.ts';
import { createProgram } from './program.ts';

const script = (shell: Shell): string =>
  toCompletionScript(
    createProgram(
      () => undefined,
      () => undefined,
    ),
    shell,
  );
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** Returns the completions that bash offers. The last word is incomplete. */
function complete(...words: readonly string[]): readonly string[] {
  const lines = [
    script('bash'),
    `COMP_WORDS=(d3kos-export ${words.map((word) => `'${word}'`).join(' ')})`,
    `COMP_CWORD=${words.length}`,
    '_d3kos_export',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ];
  const { status, stdout, stderr } = spawnSync('bash', ['-c', lines.join('\n')], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

test('bash completes commands, subcommands, options and shell names', { skip: !has('bash') }, () => {
  assert.deepEqual(complete('h'), ['history', 'help']);
  assert.deepEqual(complete('queue', ''), ['list', 'retry', 'cancel', 'cleanup', '--help', '--json']);
  assert.deepEqual(complete('--json', 'queue', 're'), ['retry']);
  assert.deepEqual(complete('history', '--l'), ['--limit']);
  assert.deepEqual(complete('completion', 'z'), ['zsh']);
  assert.deepEqual(complete('bundle', '/us'), ['/usr']);
  assert.deepEqual(complete('status', 'x'), []);
});

test('the script for every shell contains every command', () => {
  for (const shell of SHELLS)
    for (const names of listCommands().slice(1))
      assert.ok(script(shell).includes(names.at(-1) ?? ''), `${shell} ${names}`);
});

for (const shell of ['zsh', 'fish'] as const)
  test(`${shell} parses its script`, { skip: !has(shell) }, () => {
    const { status, stderr } = spawnSync(shell, ['-n'], { encoding: 'utf8', input: script(shell) });
    assert.equal(status, 0, stderr);
  });
