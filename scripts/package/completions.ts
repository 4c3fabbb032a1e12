import {
  type Choices,
  toBashCompletion,
  toCompletionScript,
  toZshCompletion,
} from '../../packages/boat/src/cli/completion.ts';
import { createProgram } from '../../packages/boat/src/cli/program.ts';
import {
  type CommandHelp,
  COMMANDS,
  COMMON_OPTIONS,
  SETTING_OPTIONS,
} from '../../packages/central/src/cli/command-table.ts';
import type { PackageFile } from './package-file.ts';

/** The completions of `d3kos-export` for bash and zsh, at the paths where the shells look for them. */
export function listBoatCompletions(): readonly PackageFile[] {
  const program = createProgram(
    () => undefined,
    () => undefined,
  );
  return toFiles(program.name(), toCompletionScript(program, 'bash'), toCompletionScript(program, 'zsh'));
}

/** The completions of `d3kos-central`. */
export function listCentralCompletions(): readonly PackageFile[] {
  const name = 'd3kos-central';
  const choices = toCentralChoices();
  return toFiles(name, toBashCompletion(name, choices), toZshCompletion(name, choices));
}

function toCentralChoices(): readonly Choices[] {
  const commands = Object.entries<CommandHelp>(COMMANDS);
  const toOptions = (options: Readonly<Record<string, { readonly help: string }>>): Choices['words'] =>
    Object.entries(options).map(([name, { help }]) => ({ word: `--${name}`, summary: help }));
  return [
    {
      path: '',
      words: [
        ...commands.map(([word, { summary }]) => ({ word, summary })),
        { word: 'help', summary: 'print the help of a command' },
        ...toOptions(COMMON_OPTIONS),
      ],
      takesDirectory: false,
    },
    {
      path: 'help',
      words: commands.map(([word, { summary }]) => ({ word, summary })),
      takesDirectory: false,
    },
    ...commands.map(([path, { options, listens }]) => ({
      path,
      words: [
        ...toOptions(options),
        ...SETTING_OPTIONS.filter((setting) => listens || !setting.listens).map(({ option, help }) => ({
          word: `--${option}`,
          summary: help.help,
        })),
        ...toOptions(COMMON_OPTIONS),
      ],
      takesDirectory: false,
    })),
  ];
}

function toFiles(name: string, bash: string, zsh: string): readonly PackageFile[] {
  return [
    { path: `usr/share/bash-completion/completions/${name}`, kind: 'text', text: `${bash}\n` },
    { path: `usr/share/zsh/vendor-completions/_${name}`, kind: 'text', text: `${zsh}\n` },
  ];
}
