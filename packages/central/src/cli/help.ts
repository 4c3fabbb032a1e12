import {
  type CommandHelp,
  type CommandName,
  COMMANDS,
  COMMON_OPTIONS,
  type OptionHelp,
  SETTING_OPTIONS,
} from './command-table.ts';
import { EXIT_CODES } from './exit-code.ts';

/** Returns the help text for one command or for the program. Ends with a line feed. */
export function toHelpText(topic: CommandName | undefined): string {
  return topic === undefined ? toProgramHelp() : toCommandHelp(topic, COMMANDS[topic]);
}

function toProgramHelp(): string {
  const commands = Object.entries<CommandHelp>(COMMANDS).map(
    ([name, { argument, summary }]) =>
      [argument === undefined ? name : `${name} ${argument}`, summary] as const,
  );
  const exitCodes = Object.entries(EXIT_CODES);
  return toText([
    'Usage: d3kos-central COMMAND [OPTIONS]',
    'Receives the exports of a fleet of boats and stores them in PostgreSQL.',
    toSection('Commands:', [...commands, ['help [COMMAND]', 'print the help of a command']]),
    toSection('Options:', toOptionRows(COMMON_OPTIONS)),
    toSection('Exit codes:', exitCodes),
    'Every command except serve can run while serve is running. For settings that exist only as environment\nvariables, such as DATABASE_URL, see docs/reference/configuration.md.',
  ]);
}

function toCommandHelp(name: CommandName, command: CommandHelp): string {
  const settings = SETTING_OPTIONS.filter(({ listens }) => command.listens || !listens);
  const argument = command.argument === undefined ? '' : ` ${command.argument}`;
  return toText([
    `Usage: d3kos-central ${name}${argument} [OPTIONS]`,
    command.description,
    toSection('Options:', [
      ...toOptionRows(command.options),
      ...toOptionRows(Object.fromEntries(settings.map(({ option, help }) => [option, help]))),
      ...toOptionRows(COMMON_OPTIONS),
    ]),
    ['Examples:', ...command.examples.map((example) => `  ${example}`)].join('\n'),
  ]);
}

type HelpRow = readonly [name: string, text: string];

function toOptionRows(options: Readonly<Record<string, OptionHelp>>): readonly HelpRow[] {
  return Object.entries(options).map(([name, { value, help }]) => [
    `--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]);
}

function toSection(heading: string, rows: readonly HelpRow[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return [heading, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)].join('\n');
}

function toText(paragraphs: readonly string[]): string {
  return `${paragraphs.join('\n\n')}\n`;
}
