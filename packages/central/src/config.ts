import type { ImportLimits } from './admission/policy.ts';
import type { Use } from './import/quota-policy.ts';
import { CentralFailure } from './platform/errors.ts';
import type { LogLevel } from './platform/ports.ts';
import { IGNORED_VARIABLES, type Setting, type SettingKey, SETTINGS } from './settings.ts';

/** The location of the database: the URL of a PostgreSQL server, or the folder of the embedded one. */
export type StoreConfig =
  { readonly kind: 'url'; readonly url: string } | { readonly kind: 'embedded'; readonly dataDir: string };

/** The configuration of central. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly store: StoreConfig;
  readonly operatorToken: string | undefined;
  /** Addresses of proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: readonly string[];
  readonly limits: ImportLimits;
  /** The daily quota of an installation that has no individual limits. */
  readonly quota: Use;
  /** Imports are refused while the embedded database's disk has less free space than this. */
  readonly diskReserveBytes: number;
  readonly logLevel: LogLevel;
}

const MIB = 1_048_576;

type Values = { readonly [K in SettingKey]: ValueOf<(typeof SETTINGS)[K]> };
type ValueOf<S extends Setting> = S extends { readonly type: 'integer' }
  ? number
  : S extends { readonly type: 'choice' }
    ? S['choices'][number]
    : string | Extract<S['default'], undefined>;

/**
 * Reads the configuration from environment variables. An empty variable counts as unset. Throws CONFIG_INVALID, which names the
 * variable and the fix.
 */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const known = [
    ...Object.values(SETTINGS).map(({ variable }) => variable),
    ...Object.keys(IGNORED_VARIABLES),
  ];
  for (const [name, value] of Object.entries(environment))
    if (value !== undefined && value !== '' && name.startsWith('CENTRAL_') && !known.includes(name))
      throw invalid(name, 'is unknown', `remove it; known variables are ${known.join(', ')}`);
  const values = parseValues(environment);
  if (values.databaseUrl !== undefined && Boolean(environment[SETTINGS.dataDir.variable]))
    throw invalid('CENTRAL_DATA_DIR', 'and DATABASE_URL cannot both be set', 'unset one of them');
  return Object.freeze({
    host: values.host,
    port: values.port,
    store: toStore(values),
    operatorToken: values.operatorToken,
    trustedProxies: values.trustedProxies?.split(',') ?? [],
    limits: {
      bodySizeMaxBytes: values.bodySizeMaxBytes,
      importsMax: values.importsMax,
      installationImportsMax: values.installationImportsMax,
      installationCpuPercent: values.installationCpuPercent,
    },
    quota: {
      storedBytes: values.quotaStoredMib * MIB,
      records: values.quotaRecords,
      requests: values.quotaRequests,
      cpuMs: values.quotaCpuS * 1_000,
    },
    diskReserveBytes: values.diskReserveMib * MIB,
    logLevel: values.logLevel,
  });
}

function toStore({ databaseUrl, dataDir }: Values): StoreConfig {
  return databaseUrl === undefined ? { kind: 'embedded', dataDir } : { kind: 'url', url: databaseUrl };
}

function parseValues(environment: Readonly<Record<string, string | undefined>>): Values {
  const parsed = Object.entries(SETTINGS).map(([key, setting]) => {
    const text = environment[setting.variable];
    return [key, text === undefined || text === '' ? setting.default : parseValue(setting, text)];
  });
  // `parseValue` returns the type that the table specifies for the key.
  return Object.fromEntries(parsed) as Values;
}

function parseValue(setting: Setting, text: string): string | number {
  switch (setting.type) {
    case 'text': {
      const broken = setting.limits.find(({ pattern }) => !pattern.test(text));
      if (broken !== undefined) throw invalid(setting.variable, broken.fault, broken.fix);
      return text;
    }
    case 'integer': {
      const value = Number(text);
      if (/^\d+$/.test(text) && value >= setting.min && value <= setting.max) return value;
      throw invalid(
        setting.variable,
        describeValue(text),
        `use a whole number from ${setting.min} to ${setting.max}`,
      );
    }
    case 'choice':
      if (setting.choices.includes(text)) return text;
      throw invalid(setting.variable, describeValue(text), `use one of ${setting.choices.join(', ')}`);
  }
}

/** The value may be a URL with a password, set in the wrong variable. */
function describeValue(text: string): string {
  return text.includes('@') ? 'is not valid' : `is ${JSON.stringify(text)}`;
}

function invalid(name: string, fault: string, fix: string): CentralFailure {
  return new CentralFailure('CONFIG_INVALID', `${name} ${fault}`, {
    op: 'read the configuration',
    hint: fix,
  });
}
