import { join } from 'node:path';
import { PART_SIZE_BYTES } from '@d3kos/protocol';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ExportError } from './platform/errors.ts';
import { isTimeZone } from './platform/time-zone.ts';

/** Largest configuration file: a page of settings, far below what could slow a start. */
export const CONFIG_SIZE_MAX_BYTES = 64 * 1024;

/** What goes on a metered connection unless configured: years of daily exports, and not the first one of a large boat. */
const METERED_SIZE_DEFAULT_BYTES = 5 * 1024 * 1024;

/** `$ROOT/config/export.json`. Every key is optional; another key is an error that names it. */
export const ConfigFileSchema = Type.Object(
  {
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    central_api_url: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })),
    tier_api_url: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })),
    recordings_path: Type.Optional(Type.String({ pattern: '^/' })),
    part_size_bytes: Type.Optional(Type.Integer({ minimum: 16_384, maximum: 16 * 1024 * 1024 })),
    reserve_bytes: Type.Optional(Type.Integer({ minimum: 0 })),
    rate_limit_bytes_per_second: Type.Optional(Type.Integer({ minimum: 1_024 })),
    metered_size_max_bytes: Type.Optional(Type.Integer({ minimum: 0 })),
    monthly_budget_bytes: Type.Optional(Type.Integer({ minimum: 1_048_576 })),
    allowed_origins: Type.Optional(
      Type.Array(Type.String({ pattern: '^https?://[^/]+$' }), { maxItems: 20 }),
    ),
    timezone: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    daily_hour: Type.Optional(Type.Integer({ minimum: 0, maximum: 23 })),
  },
  { additionalProperties: false },
);
type ConfigFile = Static<typeof ConfigFileSchema>;
const configFile = Compile(ConfigFileSchema);

/** The export manager's settings, complete and frozen. */
export interface Config {
  /** `/opt/d3kos` on a boat. */
  readonly root: string;
  readonly host: string;
  readonly port: number;
  /** Without a trailing slash; undefined: exports are made and kept, nothing is sent. */
  readonly centralUrl: string | undefined;
  readonly tierApiUrl: string;
  readonly recordingsPath: string;
  readonly partSizeBytes: number;
  /** Undefined: the smaller of 500 MB and 3 % of the file system. */
  readonly reserveBytes: number | undefined;
  /** Undefined: as fast as it goes. */
  readonly rateLimitBytesPerSecond: number | undefined;
  /** On a connection that costs by the byte, larger exports wait. */
  readonly meteredSizeMaxBytes: number;
  /** Bytes of bodies in a calendar month; undefined: no limit. */
  readonly monthlyBudgetBytes: number | undefined;
  /** Pages of other origins on this boat that may call the API. */
  readonly allowedOrigins: readonly string[];
  /** IANA name; undefined: `$ROOT/config/timezone.txt`, then UTC. */
  readonly timeZone: string | undefined;
  readonly dailyHour: number;
}

export type ConfigSource = 'default' | 'file' | 'environment';

/** The result of the three layers, and for each key where its value came from. */
export interface LoadedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<keyof Config, ConfigSource>>;
}

const ENVIRONMENT: Readonly<Record<string, keyof ConfigFile>> = {
  CENTRAL_API_URL: 'central_api_url',
  EXPORT_PORT: 'port',
  TIER_API_URL: 'tier_api_url',
  EXPORT_RECORDINGS_PATH: 'recordings_path',
  EXPORT_PART_SIZE_BYTES: 'part_size_bytes',
  EXPORT_RESERVE_BYTES: 'reserve_bytes',
  EXPORT_RATE_LIMIT: 'rate_limit_bytes_per_second',
  EXPORT_METERED_SIZE_MAX: 'metered_size_max_bytes',
  EXPORT_MONTHLY_BUDGET: 'monthly_budget_bytes',
  EXPORT_TIMEZONE: 'timezone',
  EXPORT_DAILY_HOUR: 'daily_hour',
};

function invalid(message: string, op: string, hint: string, cause?: unknown): ExportError {
  return new ExportError('CONFIG_INVALID', message, { op, hint, ...(cause === undefined ? {} : { cause }) });
}

/** The root the configuration file is under: `D3KOS_ROOT`, or `/opt/d3kos`. */
export function toRoot(environment: Readonly<Record<string, string | undefined>>): string {
  const root = environment['D3KOS_ROOT'] ?? '/opt/d3kos';
  if (!root.startsWith('/'))
    throw invalid(`D3KOS_ROOT is "${root}"`, 'read D3KOS_ROOT', 'Give an absolute path.');
  return root.replace(/\/+$/, '') || '/';
}

/**
 * Defaults, then the file's text (undefined where there is none), then the environment. Throws CONFIG_INVALID naming
 * the key and the fix: unknown keys, wrong types, a central that is not https outside loopback.
 */
export function parseConfig(
  environment: Readonly<Record<string, string | undefined>>,
  fileText: string | undefined,
): LoadedConfig {
  const root = toRoot(environment);
  const filePath = join(root, 'config', 'export.json');
  const fromFile = fileText === undefined ? {} : parseFile(fileText, filePath);
  const fromEnvironment = parseEnvironment(environment);
  const merged: ConfigFile = { ...fromFile, ...fromEnvironment };
  const centralUrl =
    merged.central_api_url === undefined ? undefined : parseCentralUrl(merged.central_api_url);
  const tierApiUrl = parseTierUrl(merged.tier_api_url ?? 'http://localhost:8093');
  const timeZone = merged.timezone === undefined ? undefined : parseTimeZone(merged.timezone);
  const from = (key: keyof ConfigFile): ConfigSource =>
    key in fromEnvironment ? 'environment' : key in fromFile ? 'file' : 'default';
  return {
    config: Object.freeze({
      root,
      host: '127.0.0.1',
      port: merged.port ?? 8094,
      centralUrl,
      tierApiUrl,
      recordingsPath: merged.recordings_path ?? '/home/d3kos/camera-recordings',
      partSizeBytes: merged.part_size_bytes ?? PART_SIZE_BYTES,
      reserveBytes: merged.reserve_bytes,
      rateLimitBytesPerSecond: merged.rate_limit_bytes_per_second,
      meteredSizeMaxBytes: merged.metered_size_max_bytes ?? METERED_SIZE_DEFAULT_BYTES,
      monthlyBudgetBytes: merged.monthly_budget_bytes,
      allowedOrigins: merged.allowed_origins ?? ['http://localhost', 'http://localhost:3000'],
      timeZone,
      dailyHour: merged.daily_hour ?? 3,
    }),
    sources: {
      root: environment['D3KOS_ROOT'] === undefined ? 'default' : 'environment',
      host: 'default',
      port: from('port'),
      centralUrl: from('central_api_url'),
      tierApiUrl: from('tier_api_url'),
      recordingsPath: from('recordings_path'),
      partSizeBytes: from('part_size_bytes'),
      reserveBytes: from('reserve_bytes'),
      rateLimitBytesPerSecond: from('rate_limit_bytes_per_second'),
      meteredSizeMaxBytes: from('metered_size_max_bytes'),
      monthlyBudgetBytes: from('monthly_budget_bytes'),
      allowedOrigins: from('allowed_origins'),
      timeZone: from('timezone'),
      dailyHour: from('daily_hour'),
    },
  };
}

function parseFile(text: string, path: string): ConfigFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(
      `${path} is not JSON`,
      `read ${path}`,
      'Correct it, or remove it to run with the defaults.',
      cause,
    );
  }
  return checked(value, path);
}

function checked(value: unknown, where: string): ConfigFile {
  if (configFile.Check(value)) return value;
  const known = Object.keys(ConfigFileSchema.properties);
  if (typeof value === 'object' && value !== null) {
    const unknown = Object.keys(value).find((key) => !known.includes(key));
    if (unknown !== undefined)
      throw invalid(
        `${where} has the unknown key "${unknown}"`,
        `read ${where}`,
        `Remove it or correct its spelling. Known keys: ${known.join(', ')}.`,
      );
  }
  const [error] = configFile.Errors(value);
  const key = error?.instancePath.replace(/^\//, '') || 'the document';
  throw invalid(
    `${where}: ${key} ${error?.message ?? 'is not valid'}`,
    `read ${where}`,
    `Correct "${key}" in ${where}.`,
  );
}

function parseEnvironment(environment: Readonly<Record<string, string | undefined>>): ConfigFile {
  const values: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(ENVIRONMENT)) {
    const text = environment[name];
    if (text === undefined || text === '') continue;
    const isNumber = ConfigFileSchema.properties[key].type === 'integer';
    if (isNumber && !/^[0-9]+$/.test(text))
      throw invalid(`${name} is "${text}"`, `read ${name}`, `Give ${name} a whole number.`);
    const value = isNumber ? Number(text) : text;
    try {
      checked({ [key]: value }, name);
    } catch (cause) {
      throw invalid(
        `${name} is "${text}"`,
        `read ${name}`,
        `Give ${name} a value that "${key}" of export.json could have.`,
        cause,
      );
    }
    values[key] = value;
  }
  return checked(values, 'the environment');
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

function parseUrl(text: string, key: string): URL {
  if (!URL.canParse(text))
    throw invalid(
      `${key} is "${text}"`,
      `read ${key}`,
      'Give a whole URL such as https://central.example.org.',
    );
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw invalid(
      `${key} carries more than a place`,
      `read ${key}`,
      'Leave user, password, query and fragment out; the token has its own file.',
    );
  return url;
}

function parseCentralUrl(text: string): string {
  const url = parseUrl(text, 'CENTRAL_API_URL');
  const isLoopback = LOOPBACK.has(url.hostname);
  // docs/spec/protocol.md R1: "A boat MUST use `https` to reach central, except on a loopback address."
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback))
    throw invalid(
      `CENTRAL_API_URL is "${text}"`,
      'read CENTRAL_API_URL',
      'Use https://; plain http is only for this machine itself.',
    );
  return url.href.replace(/\/+$/, '');
}

function parseTierUrl(text: string): string {
  const url = parseUrl(text, 'TIER_API_URL');
  if (!LOOPBACK.has(url.hostname) || url.protocol !== 'http:')
    throw invalid(
      `TIER_API_URL is "${text}"`,
      'read TIER_API_URL',
      'The tier API is a service of this boat: use http://localhost and its port.',
    );
  return url.href.replace(/\/+$/, '');
}

function parseTimeZone(name: string): string {
  if (isTimeZone(name)) return name;
  throw invalid(`timezone is "${name}"`, 'read timezone', 'Give an IANA name such as America/Toronto.');
}
