import { parseArgs, type ParseArgsConfig } from 'node:util';
import { isInstallationId, isTier, type Tier } from '@d3kos/protocol';
import type { AcceptedBundles } from '../bundle/import-bundle.ts';
import { EXPORT_FORMATS, type ExportFormat } from '../data-export/file-formats.ts';
import type { QuotaChange } from '../installations/quota.ts';
import { isRole, type Role } from '../operators/policy.ts';
import { CentralFailure } from '../platform/errors.ts';
import {
  DEFAULT_RETENTION,
  type PrunedKind,
  type Retention,
  RETENTION_DAYS_MAX,
  RETENTION_DAYS_MIN,
} from '../retention/policy.ts';
import {
  type CommandHelp,
  type CommandName,
  COMMANDS,
  COMMON_OPTIONS,
  isCommandName,
  SETTING_OPTIONS,
} from './command-table.ts';

/** A parsed command. */
export type Command =
  | { readonly kind: 'help'; readonly topic: CommandName | undefined }
  | { readonly kind: 'serve' }
  | { readonly kind: 'migrate'; readonly distributes: boolean }
  | { readonly kind: 'list' }
  | { readonly kind: 'show'; readonly installationId: string }
  | {
      readonly kind: 'export';
      readonly installationId: string;
      readonly directory: string;
      readonly format: ExportFormat;
    }
  | {
      readonly kind: 'enroll';
      readonly installationId: string;
      readonly tier?: Tier;
      readonly allowIdAsToken?: boolean;
      readonly expiresDays?: number;
      readonly key?: string;
    }
  | {
      readonly kind: 'invite';
      readonly installationId: string;
      readonly tier?: Tier;
      readonly expiresHours: number;
      readonly tokenExpiresDays?: number;
    }
  | { readonly kind: 'enable'; readonly installationId: string }
  | AccountCommand
  | { readonly kind: 'tokens'; readonly installationId: string }
  | { readonly kind: 'quota'; readonly installationId: string; readonly change: QuotaChange }
  | { readonly kind: 'audit'; readonly installationId?: string }
  | { readonly kind: 'bundle_key'; readonly installationId: string; readonly accept?: string }
  | { readonly kind: 'prune'; readonly retention: Retention }
  | { readonly kind: 'erase'; readonly installationId: string }
  | {
      readonly kind: 'conformance';
      readonly url: string;
      readonly installationId: string;
      readonly token: string;
    }
  | { readonly kind: 'import_bundle'; readonly file: string; readonly accepts: AcceptedBundles }
  | { readonly kind: 'revoke'; readonly installationId: string; readonly what: 'tokens' | 'installation' }
  | {
      readonly kind: 'revoke';
      readonly installationId: string;
      readonly what: 'token';
      readonly tokenId: string;
    };

/** A command about operator accounts. */
export type AccountCommand =
  | { readonly kind: 'account_list' }
  | { readonly kind: 'account_remove'; readonly name: string }
  | { readonly kind: 'account_role'; readonly name: string; readonly role: Role }
  | { readonly kind: 'account_password'; readonly name: string; readonly source: PasswordSource }
  | {
      readonly kind: 'account_add';
      readonly name: string;
      readonly role: Role;
      readonly source: PasswordSource;
    };

/** Where a password comes from. `random` generates one and prints it. */
export type PasswordSource = 'random' | 'stdin';

/** A command, its output format, and the settings given as options, which take precedence over the environment. */
export interface Invocation {
  readonly command: Command;
  readonly output: 'text' | 'json';
  readonly environment: Readonly<Record<string, string>>;
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Parses the arguments after the program's name. Throws USAGE. */
export function parseArguments(argv: readonly string[]): Invocation {
  const { values, positionals } = parse(argv);
  const environment = Object.fromEntries(
    SETTING_OPTIONS.flatMap(({ option, variable }) => {
      const value = values[option];
      return typeof value === 'string' ? [[variable, value]] : [];
    }),
  );
  return {
    command: toCommand(positionals, values),
    output: values['json'] === true ? 'json' : 'text',
    environment,
  };
}

function parse(argv: readonly string[]): {
  readonly values: Values;
  readonly positionals: readonly string[];
} {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const { option } of SETTING_OPTIONS) options[option] = { type: 'string' };
  for (const table of [
    ...Object.values<CommandHelp>(COMMANDS).map((command) => command.options),
    COMMON_OPTIONS,
  ])
    for (const [name, { value }] of Object.entries(table))
      options[name] = { type: value === undefined ? 'boolean' : 'string' };
  options['help'] = { type: 'boolean', short: 'h' };
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options });
    // No option is declared as `multiple`, so no value is an array.
    return { values: values as Values, positionals };
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function toCommand(positionals: readonly string[], values: Values): Command {
  const [name, rest] = splitName(positionals);
  if (name === 'help') return toHelp(rest);
  if (!isCommandName(name)) throw usage(`unknown command ${JSON.stringify(name)}`);
  if (values['help'] === true) return { kind: 'help', topic: name };
  requireOwnOptions(name, values);
  const { argument }: CommandHelp = COMMANDS[name];
  const names = argument === undefined ? [] : argument.split(' ');
  if (rest.length !== names.length) throw usage(`${name} takes ${describeArguments(names)}`);
  const [first = '', second = ''] = rest;
  if (name === 'export')
    return {
      kind: 'export',
      installationId: first,
      directory: second,
      format: parseFormat(values['format']),
    };
  if (name === 'conformance') return toConformance(first, second, values['token']);
  return toNamedCommand(name, first, values);
}

function describeArguments(names: readonly string[]): string {
  if (names.length === 0) return 'no argument';
  return `${names.length === 1 ? 'one argument' : `${names.length} arguments`}, ${names.join(' and ')}`;
}

function parseFormat(text: string | boolean | undefined): ExportFormat {
  if (text === undefined) return 'ndjson';
  const format = EXPORT_FORMATS.find((known) => known === text);
  if (format === undefined) throw usage(`--format must be ${EXPORT_FORMATS.join(', ')}`);
  return format;
}

/** Returns the command's name, which has one or two words, and its arguments. */
function splitName([first = 'help', second, ...more]: readonly string[]): readonly [
  string,
  readonly string[],
] {
  const rest = second === undefined ? [] : [second, ...more];
  if (first !== 'account') return [first, rest];
  const actions = Object.keys(COMMANDS).filter((name) => name.startsWith('account '));
  if (second === undefined || !actions.includes(`account ${second}`))
    throw usage(`account takes one of ${actions.map((name) => name.slice('account '.length)).join(', ')}`);
  return [`account ${second}`, more];
}

function toHelp(words: readonly string[]): Command {
  const [topic, more] = words.length === 0 ? [undefined, []] : splitName(words);
  if (topic !== undefined && (!isCommandName(topic) || more.length > 0))
    throw usage('help takes the name of one command');
  return { kind: 'help', topic };
}

/** Rejects an option that belongs to a different command. */
function requireOwnOptions(name: CommandName, values: Values): void {
  const own: CommandHelp = COMMANDS[name];
  for (const [owner, { options }] of Object.entries<CommandHelp>(COMMANDS))
    for (const option of Object.keys(options))
      if (values[option] !== undefined && !Object.hasOwn(own.options, option))
        throw usage(`--${option} is an option of ${owner}`);
}

function toConformance(url: string, installationId: string, token: string | boolean | undefined): Command {
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw usage('URL must begin with http:// or https://');
  if (!isInstallationId(installationId)) throw usage('INSTALLATION_ID must be 16 lowercase hex digits');
  if (typeof token !== 'string') throw usage('conformance needs --token TOKEN');
  return { kind: 'conformance', url: url.endsWith('/') ? url.slice(0, -1) : url, installationId, token };
}

function toNamedCommand(
  name: Exclude<CommandName, 'export' | 'conformance'>,
  argument: string,
  values: Values,
): Command {
  switch (name) {
    case 'serve':
    case 'list':
      return { kind: name };
    case 'migrate':
      return { kind: name, distributes: values['distribute'] === true };
    case 'import-bundle':
      return {
        kind: 'import_bundle',
        file: argument,
        accepts: values['unsigned'] === true ? 'signed_and_unsigned' : 'signed',
      };
    case 'bundle-key': {
      const { accept } = values;
      return {
        kind: 'bundle_key',
        installationId: argument,
        ...(typeof accept === 'string' ? { accept } : {}),
      };
    }
    case 'prune':
      return { kind: 'prune', retention: toRetention(values) };
    case 'erase':
      // The ID must be typed twice, because a mistyped one may belong to another boat.
      if (values['confirm'] !== argument) throw usage(`erase needs --confirm ${argument}`);
      return { kind: 'erase', installationId: argument };
    case 'show':
    case 'tokens':
    case 'enable':
      return { kind: name, installationId: argument };
    case 'account add':
    case 'account list':
    case 'account role':
    case 'account password':
    case 'account remove':
      return toAccountCommand(name, argument, values);
    case 'invite': {
      const { expiresDays } = parseExpiresDays(values['expires-days']);
      return {
        kind: 'invite',
        installationId: argument,
        ...parseTier(values['tier']),
        expiresHours: parseExpiresHours(values['expires-hours']),
        ...(expiresDays === undefined ? {} : { tokenExpiresDays: expiresDays }),
      };
    }
    case 'quota':
      return { kind: 'quota', installationId: argument, change: toQuotaChange(values) };
    case 'audit': {
      const { installation } = values;
      return { kind: 'audit', ...(typeof installation === 'string' ? { installationId: installation } : {}) };
    }
    case 'revoke':
      return toRevoke(argument, values);
    case 'enroll':
      return {
        kind: 'enroll',
        installationId: argument,
        ...parseTier(values['tier']),
        ...parseExpiresDays(values['expires-days']),
        ...(values['allow-id-as-token'] === true ? { allowIdAsToken: true } : {}),
        ...(typeof values['key'] === 'string' ? { key: values['key'] } : {}),
      };
  }
}

function toRetention(values: Values): Retention {
  const days = (kind: PrunedKind): number => {
    const text = values[`${kind}-days`];
    if (text === undefined) return DEFAULT_RETENTION[kind];
    const number = Number(text);
    if (
      typeof text !== 'string' ||
      !/^\d{1,5}$/.test(text) ||
      number < RETENTION_DAYS_MIN ||
      number > RETENTION_DAYS_MAX
    )
      throw usage(
        `--${kind}-days must be a whole number from ${RETENTION_DAYS_MIN} to ${RETENTION_DAYS_MAX}`,
      );
    return number;
  };
  return {
    receipts: days('receipts'),
    telemetry: days('telemetry'),
    audit: days('audit'),
    usage: days('usage'),
  };
}

function toAccountCommand(
  name: Extract<CommandName, `account ${string}`>,
  account: string,
  values: Values,
): AccountCommand {
  const source = values['password-stdin'] === true ? 'stdin' : 'random';
  switch (name) {
    case 'account list':
      return { kind: 'account_list' };
    case 'account remove':
      return { kind: 'account_remove', name: account };
    case 'account password':
      return { kind: 'account_password', name: account, source };
    case 'account role':
      return { kind: 'account_role', name: account, role: parseRole(values['role']) };
    case 'account add':
      return { kind: 'account_add', name: account, role: parseRole(values['role']), source };
  }
}

function parseRole(text: string | boolean | undefined): Role {
  if (!isRole(text)) throw usage('--role must be viewer or admin');
  return text;
}

/** The options of `quota`, each with the quantity that it changes and the conversion factor. */
const QUOTA_OPTIONS = [
  ['stored-mib', 'storedBytes', 1_048_576],
  ['records', 'records', 1],
  ['requests', 'requests', 1],
  ['cpu-seconds', 'cpuMs', 1_000],
] as const;

/** Maximum value of a `quota` option. */
const QUOTA_MAX = 1_000_000_000;

function toQuotaChange(values: Values): QuotaChange {
  return Object.fromEntries(
    QUOTA_OPTIONS.flatMap(([option, amount, units]): readonly (readonly [string, number | null])[] => {
      const text = values[option];
      if (text === undefined) return [];
      if (text === 'default') return [[amount, null]];
      if (typeof text !== 'string' || !/^\d{1,10}$/.test(text) || Number(text) > QUOTA_MAX)
        throw usage(`--${option} must be "default" or a whole number up to ${QUOTA_MAX}`);
      return [[amount, Number(text) * units]];
    }),
  );
}

function toRevoke(installationId: string, { token, disable }: Values): Command {
  if (typeof token !== 'string')
    return { kind: 'revoke', installationId, what: disable === true ? 'installation' : 'tokens' };
  if (disable === true) throw usage('--token and --disable cannot be used together');
  return { kind: 'revoke', installationId, what: 'token', tokenId: token };
}

/** Maximum lifetime of a token: ten years. Without the option, a token does not expire. */
const EXPIRES_DAYS_MAX = 3_650;

function parseExpiresDays(text: string | boolean | undefined): { readonly expiresDays?: number } {
  if (text === undefined) return {};
  const days = Number(text);
  if (typeof text !== 'string' || !/^\d+$/.test(text) || days < 1 || days > EXPIRES_DAYS_MAX)
    throw usage(`--expires-days must be a whole number from 1 to ${EXPIRES_DAYS_MAX}`);
  return { expiresDays: days };
}

/**
 * Default and maximum lifetime of an enrolment code in hours: enough for a weekend trip to the boat, and a month for a boat at
 * sea.
 */
const EXPIRES_HOURS_DEFAULT = 48;
const EXPIRES_HOURS_MAX = 720;

function parseExpiresHours(text: string | boolean | undefined): number {
  if (text === undefined) return EXPIRES_HOURS_DEFAULT;
  const hours = Number(text);
  if (typeof text !== 'string' || !/^\d+$/.test(text) || hours < 1 || hours > EXPIRES_HOURS_MAX)
    throw usage(`--expires-hours must be a whole number from 1 to ${EXPIRES_HOURS_MAX}`);
  return hours;
}

function parseTier(text: string | boolean | undefined): { readonly tier?: Tier } {
  if (text === undefined) return {};
  const tier = typeof text === 'string' && /^\d$/.test(text) ? Number(text) : undefined;
  if (!isTier(tier)) throw usage('--tier must be 0, 1, 2 or 3');
  return { tier };
}

function usage(message: string): CentralFailure {
  return new CentralFailure('USAGE', message, {
    op: 'read the command line',
    hint: 'see d3kos-central --help',
  });
}
