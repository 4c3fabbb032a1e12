import { PART_SIZE_BYTES } from '@d3kos/protocol';
import { type Static, type TSchema, Type } from 'typebox';
import type { DeepReadonly } from './api/route.ts';
import { ExportError } from './platform/errors.ts';
import { isTimeZone } from './platform/time-zone.ts';

/** A setting, read from `$ROOT/config/export.json` or the environment. */
export interface Setting {
  /** The setting's name in export.json, in `d3kos-export config` and in the reference. */
  readonly key: string;
  /** The environment variable. Undefined if the setting can only be set in the file. */
  readonly variable?: string;
  /** Type and limits of the value. */
  readonly schema: TSchema;
  readonly default: unknown;
  /** Describes a default that is not a fixed value. */
  readonly defaultText?: string;
  readonly meaning: string;
  /**
   * Checks what the schema cannot express and returns the normalised value. Throws CONFIG_INVALID. `name` is the key or variable
   * to mention in the error.
   */
  readonly parse?: (text: string, name: string) => string;
  /** For a setting that may contain a secret: returns the part of the value that may be shown. */
  readonly toShown?: (value: string) => string;
}

/** Maximum length of a URL in a setting. */
const URL_LENGTH_MAX = 300;

/**
 * Every setting by its name in `Config`. The parser, `d3kos-export config` and docs/reference/configuration.md derive from this
 * table.
 */
export const SETTINGS = {
  port: {
    key: 'port',
    variable: 'EXPORT_PORT',
    schema: Type.Integer({ minimum: 1, maximum: 65_535 }),
    default: 8094,
    meaning: 'Port of the API on 127.0.0.1. The commands use the same setting to connect.',
  },
  centralUrl: {
    key: 'central_api_url',
    variable: 'CENTRAL_API_URL',
    schema: Type.String({ minLength: 1, maxLength: URL_LENGTH_MAX }),
    default: undefined,
    meaning:
      "Central's URL: `https://`, or `http://` for a loopback address, without user, password, query or fragment. If it is not set, exports are created and kept.",
    parse: parseCentralUrl,
  },
  tierApiUrl: {
    key: 'tier_api_url',
    variable: 'TIER_API_URL',
    schema: Type.String({ minLength: 1, maxLength: URL_LENGTH_MAX }),
    // A numeric address, because `localhost` resolves to two, and another program on the boat could listen on the second.
    default: 'http://127.0.0.1:8093',
    meaning: "URL of the boat's tier service. Must be a loopback address.",
    parse: parseTierUrl,
  },
  recordingsPath: {
    key: 'recordings_path',
    variable: 'EXPORT_RECORDINGS_PATH',
    schema: Type.String({ pattern: '^/' }),
    default: '/home/d3kos/camera-recordings',
    meaning: 'Folder with the camera recordings. The exporter reads only their names, sizes and times.',
  },
  partSizeBytes: {
    key: 'part_size_bytes',
    variable: 'EXPORT_PART_SIZE_BYTES',
    schema: Type.Integer({ minimum: 16_384, maximum: 16 * 1024 * 1024 }),
    default: PART_SIZE_BYTES,
    meaning:
      'An export up to this size is sent as one part. A larger one is split into parts of about this size.',
  },
  reserveBytes: {
    key: 'reserve_bytes',
    variable: 'EXPORT_RESERVE_BYTES',
    schema: Type.Integer({ minimum: 0 }),
    default: undefined,
    defaultText: 'the smaller of 500 MB and 3 % of the file system',
    meaning: "Disk space kept free for the boat's other services.",
  },
  rateLimitBytesPerSecond: {
    key: 'rate_limit_bytes_per_second',
    variable: 'EXPORT_RATE_LIMIT',
    schema: Type.Integer({ minimum: 1_024 }),
    default: undefined,
    meaning: 'Maximum upload rate. If it is not set, exports are sent as fast as the link allows.',
  },
  meteredSizeMaxBytes: {
    key: 'metered_size_max_bytes',
    variable: 'EXPORT_METERED_SIZE_MAX',
    schema: Type.Integer({ minimum: 0 }),
    // Chosen so that daily exports stay below it for years, while the first full export of a boat with a lot of data waits.
    default: 5 * 1024 * 1024,
    meaning:
      'On a connection that NetworkManager reports as metered, larger exports wait for another connection. An unknown connection is treated as not metered.',
  },
  monthlyBudgetBytes: {
    key: 'monthly_budget_bytes',
    variable: 'EXPORT_MONTHLY_BUDGET',
    schema: Type.Integer({ minimum: 1_048_576 }),
    default: undefined,
    meaning:
      'Maximum total size of request bodies in a calendar month (UTC). Once it is reached, exports wait until the next month.',
  },
  allowedOrigins: {
    key: 'allowed_origins',
    schema: Type.Array(Type.String({ pattern: '^https?://[^/]+$' }), { maxItems: 20 }),
    default: ['http://localhost', 'http://localhost:3000'] as readonly string[],
    meaning: 'Origins of the web pages that are allowed to call the API.',
  },
  timeZone: {
    key: 'timezone',
    variable: 'EXPORT_TIMEZONE',
    schema: Type.String({ minLength: 1, maxLength: 64 }),
    default: undefined,
    defaultText: '`config/timezone.txt`, then UTC',
    meaning: 'Time zone for the daily export, as an IANA name.',
    parse: parseTimeZone,
  },
  dailyHour: {
    key: 'daily_hour',
    variable: 'EXPORT_DAILY_HOUR',
    schema: Type.Integer({ minimum: 0, maximum: 23 }),
    default: 3,
    meaning:
      "Local hour from which the day's export is due. `OnCalendar` in `d3kos-export-daily.timer`, in the system's time zone, determines when it is actually created. Change both together.",
  },
  notifyAfterDays: {
    key: 'notify_after_days',
    variable: 'EXPORT_NOTIFY_AFTER_DAYS',
    schema: Type.Integer({ minimum: 0, maximum: 365 }),
    default: 7,
    meaning:
      'The owner is notified about exports that have waited for more than this number of days and about failed exports. 0 switches all notifications off.',
  },
  signalkUrl: {
    key: 'signalk_url',
    variable: 'EXPORT_SIGNALK_URL',
    schema: Type.String({ minLength: 1, maxLength: URL_LENGTH_MAX }),
    default: 'http://127.0.0.1:3000',
    meaning:
      "URL of the boat's Signal K server, which shows notifications as `notifications.export.failed` and `notifications.export.waiting`. Must be a loopback address. `off` disables this channel.",
    parse: parseSignalKUrl,
  },
  webhookUrl: {
    key: 'webhook_url',
    variable: 'EXPORT_WEBHOOK_URL',
    schema: Type.String({ minLength: 1, maxLength: URL_LENGTH_MAX }),
    default: undefined,
    meaning:
      'URL to which each notification is sent: `https://`, or `http://` for a loopback address, without user or password. Redirects are not followed. Part of the URL is often a secret, so only its origin is shown.',
    parse: parseWebhookUrl,
    toShown: (url) => `${new URL(url).origin}/…`,
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;

/** The values by name. A setting without a default may be undefined. */
export type SettingValues = {
  readonly [N in SettingName]:
    | DeepReadonly<Static<(typeof SETTINGS)[N]['schema']>>
    | ((typeof SETTINGS)[N]['default'] extends undefined ? undefined : never);
};

/** Lists every setting with its name, in the same order as the reference. */
export function listSettings(): readonly (Setting & { readonly name: SettingName })[] {
  // Object.keys returns string[], but the keys are exactly the setting names.
  return (Object.keys(SETTINGS) as SettingName[]).map((name) => ({ name, ...SETTINGS[name] }));
}

/** Creates a CONFIG_INVALID error for a setting or for the file. */
export function invalidConfig(message: string, op: string, hint: string, cause?: unknown): ExportError {
  return new ExportError('CONFIG_INVALID', message, { op, hint, ...(cause === undefined ? {} : { cause }) });
}

/** Describes an invalid value. A value that looks like a URL with a password is left out, even if the setting is not a URL. */
export function describeValue(name: string, text: string): string {
  return text.includes('@') ? `${name} is not valid` : `${name} is "${text}"`;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

function parseUrl(text: string, name: string): URL {
  if (!URL.canParse(text))
    // The text is not shown, because it may contain a password.
    throw invalidConfig(
      `${name} is not a complete URL`,
      `read ${name}`,
      'Give a complete URL such as https://central.example.org.',
    );
  const url = new URL(text);
  // An empty query or fragment is not visible in the parsed URL, but paths would be appended to it.
  if (url.username !== '' || url.password !== '' || /[?#]/.test(text))
    throw invalidConfig(
      `${name} contains a user, password, query or fragment`,
      `read ${name}`,
      'Remove it. The device token has its own file, config/export-credentials.json.',
    );
  if (url.port === '0')
    throw invalidConfig(
      `${name} has the port 0`,
      `read ${name}`,
      "Specify the server's port, or leave it out.",
    );
  return url;
}

function parseCentralUrl(text: string, name: string): string {
  const url = parseUrl(text, name);
  const isLoopback = LOOPBACK.has(url.hostname);
  // docs/spec/protocol.md R1: "A boat MUST use `https` to reach central, except on a loopback address."
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback))
    throw invalidConfig(
      describeValue(name, text),
      `read ${name}`,
      'Use https://. Plain http is allowed only for a loopback address.',
    );
  return url.href.replace(/(?<!\/)\/+$/, '');
}

function parseTierUrl(text: string, name: string): string {
  const url = parseUrl(text, name);
  if (!LOOPBACK.has(url.hostname) || url.protocol !== 'http:')
    throw invalidConfig(
      describeValue(name, text),
      `read ${name}`,
      'The tier service runs on this boat. Use http://127.0.0.1 and its port.',
    );
  return url.href.replace(/(?<!\/)\/+$/, '');
}

/** The value of `signalk_url` that switches Signal K off. */
export const SIGNALK_OFF = 'off';

function parseSignalKUrl(text: string, name: string): string {
  if (text === SIGNALK_OFF) return text;
  const url = parseUrl(text, name);
  if (!LOOPBACK.has(url.hostname) || url.protocol !== 'http:')
    throw invalidConfig(
      describeValue(name, text),
      `read ${name}`,
      'The Signal K server runs on this boat. Use http://127.0.0.1 and its port, or "off".',
    );
  return url.href.replace(/(?<!\/)\/+$/, '');
}

/** IPv4 addresses that cannot belong to a receiver: "this network" (0/8), link-local, multicast and reserved. */
const NO_RECEIVER_V4 = /^(?:0|169\.254|22[4-9]|23[0-9]|24[0-9]|25[0-5])\./;
/** Rejected IPv6 addresses: unspecified, link-local, multicast, and IPv4-mapped. */
const NO_RECEIVER_V6 = /^\[(?:::\]|fe[89ab]|ff|::ffff:)/;

/**
 * Checks the webhook URL. Private addresses are allowed, because only the owner can write the settings, a home automation server
 * on the boat's network is a sensible receiver, and the answer is never shown. The URL never appears in a message, because it
 * often contains a secret.
 */
function parseWebhookUrl(text: string, name: string): string {
  const refuse = (fault: string, hint: string): ExportError =>
    invalidConfig(`${name} ${fault}`, `read ${name}`, hint);
  if (!URL.canParse(text))
    throw refuse('is not a complete URL', 'Give a complete URL such as https://example.org/hooks/1.');
  const { protocol, hostname, username, password, port } = new URL(text);
  if (username !== '' || password !== '' || text.includes('#') || port === '0')
    throw refuse('contains a user, password, fragment or port 0', 'Remove that part of the URL.');
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.has(hostname)))
    throw refuse('is not https', 'Use https://. Plain http is allowed only for a loopback address.');
  if (NO_RECEIVER_V4.test(hostname) || NO_RECEIVER_V6.test(hostname))
    throw refuse(
      'has an address that cannot belong to a receiver',
      "Specify the receiver's host name or address.",
    );
  return new URL(text).href;
}

function parseTimeZone(text: string, name: string): string {
  if (isTimeZone(text)) return text;
  throw invalidConfig(
    describeValue(name, text),
    `read ${name}`,
    'Give an IANA name such as America/Toronto.',
  );
}
