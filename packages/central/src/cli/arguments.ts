import { parseArgs } from 'node:util';
import { isTier, type Tier } from '@d3kos/protocol';
import { CentralFailure } from '../platform/errors.ts';

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'serve' }
  | { readonly kind: 'migrate' }
  | { readonly kind: 'list' }
  | { readonly kind: 'show'; readonly installationId: string }
  | {
      readonly kind: 'enroll';
      readonly installationId: string;
      readonly tier?: Tier;
      readonly allowIdAsToken?: boolean;
    }
  | { readonly kind: 'import_bundle'; readonly file: string }
  | { readonly kind: 'revoke'; readonly installationId: string; readonly what: 'tokens' | 'installation' };

/** A command, how its result is written, and settings that stand above the environment's. */
export interface Invocation {
  readonly command: Command;
  readonly output: 'text' | 'json';
  readonly environment: Readonly<Record<string, string>>;
}

/** What `d3kos-central --help` says. */
export const USAGE = `d3kos-central serve | migrate | list
d3kos-central enroll INSTALLATION_ID [--tier N] [--allow-id-as-token]
d3kos-central revoke INSTALLATION_ID [--disable]
d3kos-central show INSTALLATION_ID
d3kos-central import-bundle FILE

  enroll   let a boat in and print its device token, once
  revoke   refuse its tokens from now on; --disable turns the boat away (403) and keeps the tokens
  import-bundle   store what a boat wrote on a stick (d3kos-export bundle); what is held already stays as it is
  --json               the result as JSON on standard output; logs always go to standard error
  --data-dir FOLDER    the embedded database (CENTRAL_DATA_DIR, default ./central-data)
  --host, --port       where serve listens (CENTRAL_HOST, CENTRAL_PORT, default 127.0.0.1 8095)
  DATABASE_URL         a PostgreSQL instead of the embedded database
`;

/** Options that set an environment variable. */
const SETTINGS = { host: 'CENTRAL_HOST', port: 'CENTRAL_PORT', 'data-dir': 'CENTRAL_DATA_DIR' } as const;

/** Options and the one command each belongs to. */
const OWN_OPTIONS = { tier: 'enroll', 'allow-id-as-token': 'enroll', disable: 'revoke' } as const;

/** Parses the arguments after the program's name. Throws USAGE. */
export function parseArguments(argv: readonly string[]): Invocation {
  const { values, positionals } = parse(argv);
  const environment = Object.fromEntries(
    Object.entries(SETTINGS).flatMap(([option, variable]) => {
      const value = values[option];
      return typeof value === 'string' ? [[variable, value]] : [];
    }),
  );
  const [name = 'help', ...rest] = positionals;
  for (const [option, owner] of Object.entries(OWN_OPTIONS))
    if (values[option] !== undefined && name !== owner) throw usage(`--${option} belongs to ${owner}`);
  return {
    command: values['help'] === true ? { kind: 'help' } : toCommand(name, rest, values),
    output: values['json'] === true ? 'json' : 'text',
    environment,
  };
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function parse(argv: readonly string[]): {
  readonly values: Values;
  readonly positionals: readonly string[];
} {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        host: { type: 'string' },
        port: { type: 'string' },
        'data-dir': { type: 'string' },
        tier: { type: 'string' },
        'allow-id-as-token': { type: 'boolean' },
        disable: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function toCommand(name: string, rest: readonly string[], values: Values): Command {
  switch (name) {
    case 'help':
    case 'serve':
    case 'migrate':
    case 'list':
      if (rest.length > 0) throw usage(`${name} takes no argument`);
      return { kind: name };
    case 'import-bundle': {
      const [file] = rest;
      if (file === undefined || rest.length > 1) throw usage('import-bundle takes one file');
      return { kind: 'import_bundle', file };
    }
    case 'show':
      return { kind: 'show', installationId: onlyOne(name, rest) };
    case 'revoke':
      return {
        kind: 'revoke',
        installationId: onlyOne(name, rest),
        what: values['disable'] === true ? 'installation' : 'tokens',
      };
    case 'enroll':
      return {
        kind: 'enroll',
        installationId: onlyOne(name, rest),
        ...parseTier(values['tier']),
        ...(values['allow-id-as-token'] === true ? { allowIdAsToken: true } : {}),
      };
    default:
      throw usage(`there is no command ${JSON.stringify(name)}`);
  }
}

function onlyOne(name: string, rest: readonly string[]): string {
  const [only] = rest;
  if (only === undefined || rest.length > 1) throw usage(`${name} takes one installation id`);
  return only;
}

function parseTier(text: string | boolean | undefined): { readonly tier?: Tier } {
  if (text === undefined) return {};
  const tier = typeof text === 'string' && /^\d$/.test(text) ? Number(text) : undefined;
  if (!isTier(tier)) throw usage('--tier is 0, 1, 2 or 3');
  return { tier };
}

function usage(message: string): CentralFailure {
  return new CentralFailure('USAGE', message, {
    op: 'read the command line',
    hint: 'see d3kos-central --help',
  });
}
