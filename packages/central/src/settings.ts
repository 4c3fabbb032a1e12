import { DEFAULT_IMPORT_LIMITS } from './admission/policy.ts';

/** A requirement on a text setting, with what is wrong and how to fix it if the value does not match. */
export interface TextLimit {
  readonly pattern: RegExp;
  readonly fault: string;
  readonly fix: string;
}

/** One setting: its variable, its command line option, its type, default and limits, and its help in Markdown. */
export type Setting = {
  readonly variable: string;
  /** Without the leading `--`; undefined: the setting has only a variable. */
  readonly option: string | undefined;
  readonly help: string;
} & (
  | { readonly type: 'text'; readonly default: string | undefined; readonly limits: readonly TextLimit[] }
  | { readonly type: 'integer'; readonly default: number; readonly min: number; readonly max: number }
  | { readonly type: 'choice'; readonly default: string; readonly choices: readonly string[] }
);

/** Shortest operator token. A shorter one could be guessed over the network. */
const OPERATOR_TOKEN_LENGTH_MIN = 16;

/** Every setting of central. Parsing, the help of the options and the table in `docs/reference/configuration.md` derive from it. */
export const SETTINGS = {
  host: {
    variable: 'CENTRAL_HOST',
    option: 'host',
    type: 'text',
    default: '127.0.0.1',
    limits: [],
    help: 'Address that `serve` listens on. Central speaks plain HTTP: put a TLS proxy in front of it.',
  },
  port: {
    variable: 'CENTRAL_PORT',
    option: 'port',
    type: 'integer',
    default: 8095,
    min: 0,
    max: 65_535,
    help: 'Port that `serve` listens on. 0 takes any free port.',
  },
  dataDir: {
    variable: 'CENTRAL_DATA_DIR',
    option: 'data-dir',
    type: 'text',
    default: 'central-data',
    limits: [],
    help: 'Folder of the embedded PostgreSQL, relative to the working directory. Excludes `DATABASE_URL`.',
  },
  databaseUrl: {
    variable: 'DATABASE_URL',
    option: undefined,
    type: 'text',
    default: undefined,
    limits: [
      {
        pattern: /^postgres(ql)?:\/\//,
        fault: 'is not a PostgreSQL URL',
        fix: 'write postgres://user:password@host:5432/database',
      },
    ],
    help: 'URL of your own PostgreSQL (`postgres://…`), used instead of the embedded one.',
  },
  operatorToken: {
    variable: 'CENTRAL_OPERATOR_TOKEN',
    option: undefined,
    type: 'text',
    default: undefined,
    limits: [
      {
        pattern: /^[A-Za-z0-9._~+/=-]+$/,
        fault: 'has characters that a bearer token must not have',
        fix: 'use A-Z a-z 0-9 . _ ~ + / = -',
      },
      {
        pattern: new RegExp(`^.{${OPERATOR_TOKEN_LENGTH_MIN},}$`),
        fault: 'is too short',
        fix: `use ${OPERATOR_TOKEN_LENGTH_MIN} or more random characters, for example from \`openssl rand -hex 24\``,
      },
    ],
    help: `Opens the fleet page and the status of every boat. ${OPERATOR_TOKEN_LENGTH_MIN} characters or more; both stay closed without it.`,
  },
  bodySizeMaxBytes: {
    variable: 'CENTRAL_BODY_SIZE_MAX_BYTES',
    option: undefined,
    type: 'integer',
    default: DEFAULT_IMPORT_LIMITS.bodySizeMaxBytes,
    min: 65_536,
    max: 268_435_456,
    help: 'Largest import body, as received and as decoded. A larger body is answered with 413.',
  },
  importsMax: {
    variable: 'CENTRAL_IMPORTS_MAX',
    option: undefined,
    type: 'integer',
    default: DEFAULT_IMPORT_LIMITS.importsMax,
    min: 1,
    max: 1_000,
    help: 'Imports that a node stores at once. Four times as many may wait, and the bodies in memory may take as many bytes as this many of the largest. Beyond either limit, boats get 503 with `Retry-After`.',
  },
  installationImportsMax: {
    variable: 'CENTRAL_INSTALLATION_IMPORTS_MAX',
    option: undefined,
    type: 'integer',
    default: DEFAULT_IMPORT_LIMITS.installationImportsMax,
    min: 1,
    max: 1_000,
    help: 'Requests of one boat at once, from the first byte to the answer. Beyond it, the boat gets 429.',
  },
  logLevel: {
    variable: 'CENTRAL_LOG_LEVEL',
    option: undefined,
    type: 'choice',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    help: 'Least important log lines that are written.',
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingKey = keyof typeof SETTINGS;

/** Variables that begin with `CENTRAL_` and are no settings of central, with the reason they may be set. */
export const IGNORED_VARIABLES: Readonly<Record<string, string>> = {
  CENTRAL_API_URL: 'A setting of the boat. Central ignores it, so that both can run in one environment.',
};

/** The accepted values of a setting, for people; empty for text, whose help describes it. */
export function describeLimits(setting: Setting): string {
  switch (setting.type) {
    case 'text':
      return '';
    case 'integer':
      return `${setting.min} to ${setting.max}.`;
    case 'choice':
      return `One of ${setting.choices.map((choice) => `\`${choice}\``).join(', ')}.`;
  }
}
