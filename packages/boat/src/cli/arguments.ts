import { type Command as Program, CommanderError } from 'commander';
import { ExportError } from '../platform/errors.ts';
import { type Command, createProgram } from './program.ts';

/** Output format of results: human-readable tables or the API's JSON. */
export type OutputFormat = 'text' | 'json';

/** Returns `json` if the arguments contain `--json`, even if the rest is invalid, so that the error is JSON as well. */
export function toOutputFormat(argv: readonly string[]): OutputFormat {
  return argv.includes('--json') ? 'json' : 'text';
}

/** Parses the arguments after the program name. Throws REQUEST_INVALID with the name of the invalid argument. */
export function parseCommand(argv: readonly string[]): Command {
  let command: Command | undefined;
  let help = '';
  const program = createProgram(
    (chosen) => (command = chosen),
    (text) => (help += text),
  );
  try {
    program.parse(argv.length === 0 ? ['help'] : [...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.version') return { kind: 'version' };
    if (error.code === 'commander.help' && error.exitCode !== 0)
      throw toUsageError('A subcommand is missing');
    if (error.code.startsWith('commander.help')) return { kind: 'help', text: help.trimEnd() };
    throw toUsageError(error.message.replace(/^error: /, '').replaceAll(/\s+/g, ' '));
  }
  if (command === undefined) throw new Error(`no action for ${argv.join(' ')}`);
  return command;
}

/** Returns the text that `--help` prints for a command, or for the program if `names` is empty. */
export function toHelp(names: readonly string[]): string {
  const command = parseCommand([...names, '--help']);
  if (command.kind !== 'help') throw new Error(`no help for ${names.join(' ')}`);
  return command.text;
}

function toUsageError(message: string): ExportError {
  return new ExportError('REQUEST_INVALID', message.charAt(0).toUpperCase() + message.slice(1), {
    op: 'read the command line',
    hint: 'See d3kos-export --help.',
  });
}

/** Lists the names of all commands in the same order as the help. `[]` stands for the program itself. */
export function listCommands(): readonly (readonly string[])[] {
  const list = (command: Program, names: readonly string[]): readonly (readonly string[])[] => [
    names,
    ...command.commands.flatMap((inner) => list(inner, [...names, inner.name()])),
  ];
  return list(
    createProgram(
      () => undefined,
      () => undefined,
    ),
    [],
  );
}
