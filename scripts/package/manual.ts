import { createProgram } from '../../packages/boat/src/cli/program.ts';
import { EXIT_CODE_LINES } from '../../packages/boat/src/cli/exit-codes.ts';
import { listSettings } from '../../packages/boat/src/settings.ts';
import {
  type CommandHelp,
  COMMANDS,
  COMMON_OPTIONS,
  SETTING_OPTIONS,
} from '../../packages/central/src/cli/command-table.ts';
import { EXIT_CODES } from '../../packages/central/src/cli/exit-code.ts';
import { type Setting, SETTINGS } from '../../packages/central/src/settings.ts';

type Row = readonly [name: string, text: string];

/** A manual page's content. */
interface Manual {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly options: readonly Row[];
  readonly commands: readonly {
    readonly usage: string;
    readonly description: string;
    readonly rows: readonly Row[];
    readonly examples: readonly string[];
  }[];
  readonly exitCodes: readonly Row[];
  readonly environment: readonly Row[];
  readonly files: readonly Row[];
}

type BoatProgram = ReturnType<typeof createProgram>;

/** Returns the manual page of `d3kos-export`, generated from its command and setting definitions. */
export function toBoatManual(version: string): string {
  const program = createProgram(
    () => undefined,
    () => undefined,
  );
  const help = program.createHelp();
  const toRows = (command: BoatProgram): readonly Row[] => [
    ...help.visibleArguments(command).map((argument): Row => [`<${argument.name()}>`, argument.description]),
    ...help
      .visibleOptions(command)
      .filter(({ long }) => command === program || long !== '--help')
      .map(({ flags, description }): Row => [flags, description]),
  ];
  const list = (command: BoatProgram): Manual['commands'] =>
    command.commands.flatMap((inner) => [
      {
        usage: help.commandUsage(inner).trim(),
        description: inner.description(),
        rows: toRows(inner),
        examples: toExamples(inner),
      },
      ...list(inner),
    ]);
  return toRoff(version, {
    name: 'd3kos-export',
    summary: 'store-and-forward exporter for boats',
    description: program.description(),
    options: toRows(program),
    commands: list(program),
    exitCodes: EXIT_CODE_LINES.map(([code, meaning]): Row => [String(code), meaning]),
    environment: listSettings().flatMap(({ variable, meaning }): readonly Row[] =>
      variable === undefined ? [] : [[variable, meaning.replaceAll('`', '')]],
    ),
    files: [
      ['/etc/default/d3kos-export', 'settings of the service and the commands'],
      ['/opt/d3kos/config/export.json', 'settings that are not variables'],
      ['/opt/d3kos/config/export-credentials.json', 'the device token'],
      ['/opt/d3kos/data/exports', 'the ledger, the exports and the two JSON views of the queue'],
      [
        '/etc/nginx/snippets/d3kos-export.conf',
        'the location block for nginx, to be included in a server block',
      ],
    ],
  });
}

/** Returns the examples in a command's help, which follow the generated part. */
function toExamples(command: BoatProgram): readonly string[] {
  let text = '';
  command.configureOutput({ writeOut: (piece) => (text += piece) }).outputHelp();
  const [, examples = ''] = text.split(' Examples:\n');
  return examples.split('\n').flatMap((line) => (/^ {2}\S/.test(line) ? [line.trim()] : []));
}

/** Returns the manual page of `d3kos-central`, generated from its command and setting tables. */
export function toCentralManual(version: string): string {
  const toRows = (
    options: Readonly<Record<string, { readonly value: string | undefined; readonly help: string }>>,
  ): readonly Row[] =>
    Object.entries(options).map(([name, { value, help }]): Row => [
      `--${name}${value === undefined ? '' : ` ${value}`}`,
      help,
    ]);
  return toRoff(version, {
    name: 'd3kos-central',
    summary: 'shore server for exports from boats',
    description:
      'Receives the exports of a fleet of boats and stores them in PostgreSQL. Every command except serve can run while serve is running.',
    options: toRows({
      ...COMMON_OPTIONS,
      ...Object.fromEntries(SETTING_OPTIONS.map(({ option, help }) => [option, help])),
    }),
    commands: Object.entries<CommandHelp>(COMMANDS).map(
      ([name, { argument, description, options, examples }]) => ({
        usage: ['d3kos-central', name, argument].filter((word) => word !== undefined).join(' '),
        description: description.replaceAll('\n', ' '),
        rows: toRows(options),
        examples,
      }),
    ),
    exitCodes: Object.entries(EXIT_CODES).map(([code, meaning]): Row => [code, meaning]),
    environment: Object.values<Setting>(SETTINGS).map(({ variable, help }): Row => [
      variable,
      help.replaceAll('`', ''),
    ]),
    files: [
      ['/etc/default/d3kos-central', 'settings of the service and the commands'],
      ['/var/lib/d3kos-central/data', 'the embedded database'],
    ],
  });
}

function toRoff(version: string, manual: Manual): string {
  const lines = [
    `.TH ${manual.name.toUpperCase()} 1 "" "d3kOS export ${version}" "User Commands"`,
    '.SH NAME',
    `${toText(manual.name)} \\- ${toText(manual.summary)}`,
    '.SH SYNOPSIS',
    `.B ${toText(manual.name)}`,
    '.I COMMAND',
    '[options]',
    '.SH DESCRIPTION',
    toText(manual.description),
    '.SH OPTIONS',
    ...manual.options.flatMap(toTagged),
    '.SH COMMANDS',
    ...manual.commands.flatMap(({ usage, description, rows, examples }) => [
      `.SS ${toText(usage)}`,
      toText(description),
      ...rows.flatMap(toTagged),
      ...(examples.length === 0
        ? []
        : ['.PP', 'Examples:', '.PP', '.RS', '.nf', ...examples.map(toText), '.fi', '.RE']),
    ]),
    '.SH EXIT STATUS',
    ...manual.exitCodes.flatMap(toTagged),
    '.SH ENVIRONMENT',
    ...manual.environment.flatMap(toTagged),
    '.SH FILES',
    ...manual.files.flatMap(toTagged),
  ];
  return `${lines.join('\n')}\n`;
}

function toTagged([name, text]: Row): readonly string[] {
  return ['.TP', `.B ${toText(name)}`, toText(text)];
}

/**
 * Escapes characters that roff would interpret, and non-ASCII characters. A line must not begin with a dot or
 * an apostrophe.
 */
function toText(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&')
    .replaceAll(
      /[^\t\n -~]/gu,
      (other) => `\\[u${other.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}
