import { DEFAULT_IMPORT_LIMITS } from './admission/policy.ts';
import { DEFAULT_QUOTA } from './import/quota-policy.ts';

/** A format that a text setting must match, with the fault and the fix to report if it does not. */
export interface TextLimit {
  readonly pattern: RegExp;
  readonly fault: string;
  readonly fix: string;
}

/** A setting: its variable, command line option, type, default and limits, and its help in Markdown. */
export type Setting = {
  readonly variable: string;
  /** The option without the leading `--`. Undefined if the setting has only a variable. */
  readonly option: string | undefined;
  readonly help: string;
} & (
  | { readonly type: 'text'; readonly default: string | undefined; readonly limits: readonly TextLimit[] }
  | { readonly type: 'integer'; readonly default: number; readonly min: number; readonly max: number }
  | { readonly type: 'choice'; readonly default: string; readonly choices: readonly string[] }
);

/** Minimum length of the operator token. A shorter token could be guessed over the network. */
const OPERATOR_TOKEN_LENGTH_MIN = 16;

/**
 * Every setting of central. The parser, the options' help and the table in `docs/reference/configuration.md` are derived from
 * this table.
 */
export const SETTINGS = {
  host: {
    variable: 'CENTRAL_HOST',
    option: 'host',
    type: 'text',
    default: '127.0.0.1',
    limits: [],
    help: 'Address that `serve` listens on. Central speaks plain HTTP, so put a TLS proxy in front of it.',
  },
  port: {
    variable: 'CENTRAL_PORT',
    option: 'port',
    type: 'integer',
    default: 8095,
    min: 0,
    max: 65_535,
    help: 'Port that `serve` listens on. 0 selects any free port.',
  },
  dataDir: {
    variable: 'CENTRAL_DATA_DIR',
    option: 'data-dir',
    type: 'text',
    default: 'central-data',
    limits: [],
    help: 'PostgreSQL data folder, relative to the working directory. Not allowed with `DATABASE_URL`.',
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
        fix: 'use postgres://user:password@host:5432/database',
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
        fault: 'has characters that are not allowed in a bearer token',
        fix: 'use A-Z a-z 0-9 . _ ~ + / = -',
      },
      {
        pattern: new RegExp(`^.{${OPERATOR_TOKEN_LENGTH_MIN},}$`),
        fault: 'is too short',
        fix: `use ${OPERATOR_TOKEN_LENGTH_MIN} or more random characters, for example from \`openssl rand -hex 24\``,
      },
    ],
    help: `Gives access to the Fleet page and to the status of every boat. At least ${OPERATOR_TOKEN_LENGTH_MIN} characters. Without it, access requires an operator account.`,
  },
  trustedProxies: {
    variable: 'CENTRAL_TRUSTED_PROXIES',
    option: undefined,
    type: 'text',
    default: undefined,
    limits: [
      {
        pattern: /^[0-9a-f.:]+(,[0-9a-f.:]+)*$/i,
        fault: 'is not a list of IP addresses',
        fix: 'separate the addresses of your proxies with commas and no spaces, for example 127.0.0.1,::1',
      },
    ],
    help: "Comma-separated addresses of your proxies. Central takes a client's address from the last entry of `X-Forwarded-For` only if the connection comes from one of them. The limit on refused tokens applies to that address.",
  },
  bodySizeMaxBytes: {
    variable: 'CENTRAL_BODY_SIZE_MAX_BYTES',
    option: undefined,
    type: 'integer',
    default: DEFAULT_IMPORT_LIMITS.bodySizeMaxBytes,
    min: 65_536,
    max: 268_435_456,
    help: 'Maximum size of an import body in bytes, both as received and as decoded. Central answers 413 to a larger body.',
  },
  importsMax: {
    variable: 'CENTRAL_IMPORTS_MAX',
    option: undefined,
    type: 'integer',
    default: DEFAULT_IMPORT_LIMITS.importsMax,
    min: 1,
    max: 1_000,
    help: 'Maximum number of imports that a node stores at the same time. Up to four times as many may wait. The bodies in memory may occupy at most this number multiplied by the maximum body size. Beyond either limit, boats get 503 with `Retry-After`.',
  },
  installationImportsMax: {
    variable: 'CENTRAL_INSTALLATION_IMPORTS_MAX',
    option: undefined,
    type: 'integer',
    default: DEFAULT_IMPORT_LIMITS.installationImportsMax,
    min: 1,
    max: 1_000,
    help: 'Maximum number of concurrent requests from one boat. A request counts from its first byte until its answer has been sent. Beyond the limit, the boat gets 429.',
  },
  installationCpuPercent: {
    variable: 'CENTRAL_INSTALLATION_CPU_PERCENT',
    option: undefined,
    type: 'integer',
    default: DEFAULT_IMPORT_LIMITS.installationCpuPercent,
    min: 1,
    max: 100,
    help: "Share of one CPU core that one boat's requests may use on a node, averaged over minutes. Beyond it, the boat gets 429.",
  },
  quotaStoredMib: {
    variable: 'CENTRAL_QUOTA_STORED_MIB',
    option: undefined,
    type: 'integer',
    default: DEFAULT_QUOTA.storedBytes / 1_048_576,
    min: 1,
    max: 1_048_576,
    help: "MiB that one boat may store in the database per day (UTC), estimated from its rows. Beyond a quota, the boat gets 429 `QUOTA_EXCEEDED`. `d3kos-central quota` changes a boat's quotas.",
  },
  quotaRecords: {
    variable: 'CENTRAL_QUOTA_RECORDS',
    option: undefined,
    type: 'integer',
    default: DEFAULT_QUOTA.records,
    min: 1,
    max: 1_000_000_000,
    help: 'Records that one boat may send per day.',
  },
  quotaRequests: {
    variable: 'CENTRAL_QUOTA_REQUESTS',
    option: undefined,
    type: 'integer',
    default: DEFAULT_QUOTA.requests,
    min: 1,
    max: 1_000_000_000,
    help: 'Requests that one boat may make per day.',
  },
  quotaCpuS: {
    variable: 'CENTRAL_QUOTA_CPU_S',
    option: undefined,
    type: 'integer',
    default: DEFAULT_QUOTA.cpuMs / 1_000,
    min: 1,
    max: 86_400,
    help: "Seconds of CPU time that one boat's requests may use per day, over all nodes.",
  },
  diskReserveMib: {
    variable: 'CENTRAL_DISK_RESERVE_MIB',
    option: undefined,
    type: 'integer',
    default: 512,
    min: 0,
    max: 1_048_576,
    help: "Free space in MiB to keep on the embedded database's disk. Below it, imports get 503 with `Retry-After`. It has no effect with `DATABASE_URL`.",
  },
  logLevel: {
    variable: 'CENTRAL_LOG_LEVEL',
    option: undefined,
    type: 'choice',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    help: 'Minimum level of the log lines to write.',
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingKey = keyof typeof SETTINGS;

/** Variables that begin with `CENTRAL_` but are not central's own settings, each with the reason why it may be set. */
export const IGNORED_VARIABLES: Readonly<Record<string, string>> = {
  CENTRAL_API_URL:
    'A setting for the boat. Central ignores it, so that both programs can run in one environment.',
};

/**
 * Returns a human-readable description of a setting's accepted values. Empty for a text setting, whose help describes them.
 */
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
