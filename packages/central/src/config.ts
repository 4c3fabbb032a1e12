import { DEFAULT_IMPORT_LIMITS, type ImportLimits } from './admission/policy.ts';
import { CentralFailure } from './platform/errors.ts';
import type { LogLevel } from './platform/ports.ts';

/** Where the database is: a PostgreSQL by URL, or the embedded one in a folder. */
export type StoreConfig =
  { readonly kind: 'url'; readonly url: string } | { readonly kind: 'embedded'; readonly dataDir: string };

/** Central's whole configuration. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly store: StoreConfig;
  readonly operatorToken: string | undefined;
  readonly limits: ImportLimits;
  readonly logLevel: LogLevel;
}

/** Shortest operator token: below it, guessing over the network becomes thinkable. */
const OPERATOR_TOKEN_LENGTH_MIN = 16;

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Every variable central reads. CENTRAL_API_URL is a boat's and may stand in the same environment. */
const KNOWN_VARIABLES: ReadonlySet<string> = new Set([
  'CENTRAL_HOST',
  'CENTRAL_PORT',
  'CENTRAL_DATA_DIR',
  'CENTRAL_OPERATOR_TOKEN',
  'CENTRAL_BODY_SIZE_MAX_BYTES',
  'CENTRAL_IMPORTS_MAX',
  'CENTRAL_INSTALLATION_IMPORTS_MAX',
  'CENTRAL_LOG_LEVEL',
  'CENTRAL_API_URL',
]);

/** Reads the configuration from an environment. An empty variable counts as unset. Throws CONFIG_INVALID, which names the variable and the fix. */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = new Map(
    Object.entries(environment).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
  for (const name of given.keys())
    if (name.startsWith('CENTRAL_') && !KNOWN_VARIABLES.has(name))
      throw invalid(name, 'is not known', `remove it; known are ${[...KNOWN_VARIABLES].join(', ')}`);
  const integer = (name: string, fallback: number, min: number, max: number) =>
    parseInteger(name, given.get(name), fallback, min, max);
  return Object.freeze({
    host: given.get('CENTRAL_HOST') ?? '127.0.0.1',
    port: integer('CENTRAL_PORT', 8095, 0, 65_535),
    store: parseStore(given.get('DATABASE_URL'), given.get('CENTRAL_DATA_DIR')),
    operatorToken: parseOperatorToken(given.get('CENTRAL_OPERATOR_TOKEN')),
    limits: {
      bodySizeMaxBytes: integer(
        'CENTRAL_BODY_SIZE_MAX_BYTES',
        DEFAULT_IMPORT_LIMITS.bodySizeMaxBytes,
        65_536,
        268_435_456,
      ),
      importsMax: integer('CENTRAL_IMPORTS_MAX', DEFAULT_IMPORT_LIMITS.importsMax, 1, 1_000),
      installationImportsMax: integer(
        'CENTRAL_INSTALLATION_IMPORTS_MAX',
        DEFAULT_IMPORT_LIMITS.installationImportsMax,
        1,
        1_000,
      ),
    },
    logLevel: parseLogLevel(given.get('CENTRAL_LOG_LEVEL')),
  });
}

function parseStore(url: string | undefined, dataDir: string | undefined): StoreConfig {
  if (url === undefined) return { kind: 'embedded', dataDir: dataDir ?? 'central-data' };
  if (dataDir !== undefined)
    throw invalid('CENTRAL_DATA_DIR', 'and DATABASE_URL exclude each other', 'unset one of them');
  if (!/^postgres(ql)?:\/\//.test(url))
    throw invalid(
      'DATABASE_URL',
      'is not a PostgreSQL URL',
      'write postgres://user:password@host:5432/database',
    );
  return { kind: 'url', url };
}

function parseOperatorToken(token: string | undefined): string | undefined {
  if (token !== undefined && !/^[A-Za-z0-9._~+/=-]+$/.test(token))
    throw invalid(
      'CENTRAL_OPERATOR_TOKEN',
      'has characters a bearer token may not have',
      'use A-Z a-z 0-9 . _ ~ + / = -',
    );
  if (token !== undefined && token.length < OPERATOR_TOKEN_LENGTH_MIN)
    throw invalid(
      'CENTRAL_OPERATOR_TOKEN',
      'is too short',
      `use ${OPERATOR_TOKEN_LENGTH_MIN} random characters or more, e.g. of \`openssl rand -hex 24\``,
    );
  return token;
}

function parseLogLevel(text: string | undefined): LogLevel {
  const level = LOG_LEVELS.find((known) => known === (text ?? 'info'));
  if (level === undefined)
    throw invalid('CENTRAL_LOG_LEVEL', 'is not a level', `use one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

function parseInteger(
  name: string,
  text: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw invalid(name, `is ${JSON.stringify(text)}`, `use a whole number from ${min} to ${max}`);
}

function invalid(name: string, what: string, fix: string): CentralFailure {
  return new CentralFailure('CONFIG_INVALID', `${name} ${what}`, { op: 'read the configuration', hint: fix });
}
