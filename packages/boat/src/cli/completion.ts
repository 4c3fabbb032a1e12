import type { Command as Program } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The words that may follow a command. */
export interface Choices {
  /** The command's names, for example `queue list`. Empty for the program itself. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly summary: string }[];
  /** True if the command takes a directory. */
  readonly takesDirectory: boolean;
}

/** Creates a completion script from the program's commands and options. Completing a word does not run the program. */
export function toCompletionScript(program: Program, shell: Shell): string {
  const choices = listChoices(program, '');
  switch (shell) {
    case 'bash':
      return toBashCompletion(program.name(), choices);
    case 'zsh':
      return toZshCompletion(program.name(), choices);
    case 'fish':
      return toFish(choices);
    default:
      return shell satisfies never;
  }
}

function listChoices(command: Program, path: string): readonly Choices[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((inner) => path === '' || inner.name() !== 'help');
  const options = [
    ...help.visibleOptions(command),
    ...(path === '' ? [] : help.visibleGlobalOptions(command)),
  ];
  const own: Choices = {
    path,
    words: [
      ...commands.map((inner) => ({ word: inner.name(), summary: inner.summary() || inner.description() })),
      ...command.registeredArguments.flatMap(({ argChoices = [] }) =>
        argChoices.map((word) => ({ word, summary: word })),
      ),
      ...options.flatMap(({ long, description }) =>
        long === undefined || (path !== '' && long === '--version')
          ? []
          : [{ word: long, summary: description }],
      ),
    ],
    takesDirectory: command.registeredArguments.some((argument) => argument.name() === 'directory'),
  };
  const below = commands
    .filter((inner) => inner.name() !== 'help')
    .flatMap((inner) => listChoices(inner, `${path} ${inner.name()}`.trim()));
  return [own, ...below];
}

/** Creates the bash completion script for the program `name`. */
export function toBashCompletion(name: string, choices: readonly Choices[]): string {
  const toWords = `_${name.replaceAll('-', '_')}`;
  const cases = choices.map(
    ({ path, words, takesDirectory }) =>
      `    '${path}') COMPREPLY=($(compgen ${takesDirectory ? '-d ' : ''}-W '${words.map(({ word }) => word).join(' ')}' -- "$current")) ;;`,
  );
  return `# bash completion for ${name}
${toWords}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] || path="\${path:+$path }$word"
  done
  COMPREPLY=()
  case "$path" in
${cases.join('\n')}
  esac
}
complete -F ${toWords} ${name}`;
}

/** Creates the zsh completion script for the program `name`. It can be sourced, or loaded as the file `_name`. */
export function toZshCompletion(name: string, choices: readonly Choices[]): string {
  const toWords = `_${name.replaceAll('-', '_')}`;
  const quote = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(':', '\\:');
  const cases = choices.map(
    ({ path, words, takesDirectory }) =>
      `    '${path}')\n      choices=(${words.map(({ word, summary }) => `'${word}:${quote(summary)}'`).join(' ')})${takesDirectory ? '\n      _files -/' : ''} ;;`,
  );
  return `#compdef ${name}
${toWords}() {
  local -a choices typed
  typed=(\${words[2,CURRENT-1]:#-*})
  case "\${(j: :)typed}" in
${cases.join('\n')}
  esac
  _describe '${name}' choices
}
if [[ $funcstack[1] == _${name} ]]; then ${toWords} "$@"; else compdef ${toWords} ${name}; fi`;
}

function toFish(choices: readonly Choices[]): string {
  const quote = (text: string): string => text.replaceAll("'", "\\'");
  const lines = choices.flatMap(({ path, words, takesDirectory }) => {
    const test = `string match -qr '^${path === '' ? '' : ` ${path}`}$' -- (string join '' -- ' '(string match -v -- '-*' (commandline -opc)[2..]))`;
    return [
      ...words.map(({ word, summary }) =>
        word.startsWith('--')
          ? `complete -c d3kos-export -n "${test}" -l ${word.slice(2)} -d '${quote(summary)}'`
          : `complete -c d3kos-export -n "${test}" -a ${word} -d '${quote(summary)}'`,
      ),
      ...(takesDirectory ? [`complete -c d3kos-export -n "${test}" -a '(__fish_complete_directories)'`] : []),
    ];
  });
  return ['# fish completion for d3kos-export', 'complete -c d3kos-export -f', ...lines].join('\n');
}
