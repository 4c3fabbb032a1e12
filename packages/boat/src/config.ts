import { join } from 'node:path';
import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { parseForeignJson } from './platform/lenient-json.ts';
import {
  describeValue,
  invalidConfig,
  listSettings,
  type Setting,
  type SettingName,
  type SettingValues,
} from './settings.ts';

/** Maximum size of the configuration file, in bytes: small enough not to delay startup. */
export const CONFIG_SIZE_MAX_BYTES = 64 * 1024;

/** The export manager's settings, complete and frozen. URLs have no trailing slash. */
export interface Config extends SettingValues {
  /** `/opt/d3kos` on a boat. */
  readonly root: string;
  readonly host: string;
}

export type ConfigSource = 'default' | 'file' | 'environment';

/** The settings, with the source of each value. */
export interface LoadedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<keyof Config, ConfigSource>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the root, which contains the configuration file: `D3KOS_ROOT`, or `/opt/d3kos` by default. Throws CONFIG_INVALID. */
export function toRoot(environment: Environment): string {
  const root = environment['D3KOS_ROOT'] ?? '/opt/d3kos';
  if (!root.startsWith('/'))
    throw invalidConfig(`D3KOS_ROOT is "${root}"`, 'read D3KOS_ROOT', 'Give an absolute path.');
  return root.replace(/(?<!\/)\/+$/, '') || '/';
}

/**
 * Applies the defaults, then the configuration file's text (undefined if there is no file), then the environment. Throws
 * CONFIG_INVALID for an unknown key, a wrong type, and a central URL that is neither https nor on loopback. The error names the
 * key and the fix.
 */
export function parseConfig(environment: Environment, fileText: string | undefined): LoadedConfig {
  const root = toRoot(environment);
  const path = join(root, 'config', 'export.json');
  const file = fileText === undefined ? {} : parseFile(fileText, path);
  const values: Partial<Record<SettingName, unknown>> = {};
  const sources: Partial<Record<SettingName, ConfigSource>> = {};
  for (const setting of listSettings()) {
    const { name, key, variable } = setting;
    const fromEnvironment = parseVariable(setting, environment);
    const value = fromEnvironment ?? file[key];
    sources[name] = fromEnvironment !== undefined ? 'environment' : key in file ? 'file' : 'default';
    const isParsed = typeof value === 'string' && setting.parse !== undefined;
    values[name] = isParsed ? setting.parse(value, variable ?? key) : (value ?? setting.default);
  }
  return {
    // The loop has set every key to its default or to a value that its schema accepts.
    config: Object.freeze({ root, host: '127.0.0.1', ...(values as SettingValues) }),
    sources: {
      root: environment['D3KOS_ROOT'] === undefined ? 'default' : 'environment',
      host: 'default',
      ...(sources as Record<SettingName, ConfigSource>),
    },
  };
}

function parseFile(text: string, path: string): Readonly<Record<string, unknown>> {
  const parsed = parseForeignJson(text);
  if (parsed.kind === 'odd')
    throw invalidConfig(
      `${path} ${parsed.reason}`,
      `read ${path}`,
      'Correct the file, or remove it to use the defaults.',
    );
  const { value } = parsed;
  const settings = listSettings();
  const properties = Object.fromEntries(settings.map(({ key, schema }) => [key, Type.Optional(schema)]));
  const known = settings.map(({ key }) => key);
  const unknown =
    typeof value === 'object' && value !== null && Object.keys(value).find((key) => !known.includes(key));
  if (typeof unknown === 'string')
    throw invalidConfig(
      `${path} has the unknown key "${unknown}"`,
      `read ${path}`,
      `Remove it or correct its spelling. Known keys: ${known.join(', ')}.`,
    );
  return requireMatch(Type.Object(properties), value, path) as Readonly<Record<string, unknown>>;
}

function requireMatch(schema: TSchema, value: unknown, path: string): unknown {
  const validator = Compile(schema);
  if (validator.Check(value)) return value;
  const [error] = validator.Errors(value);
  const key = error?.instancePath.replace(/^\//, '') || 'the document';
  throw invalidConfig(
    `${path}: ${key} ${error?.message ?? 'is not valid'}`,
    `read ${path}`,
    `Correct "${key}" in ${path}.`,
  );
}

/** Returns the value of the setting's environment variable, or undefined if it is unset or empty. */
function parseVariable({ key, variable, schema, toShown }: Setting, environment: Environment): unknown {
  const text = variable === undefined ? undefined : environment[variable];
  if (variable === undefined || text === undefined || text === '') return undefined;
  const fault = toShown === undefined ? describeValue(variable, text) : `${variable} is not valid`;
  const isNumber = (schema as { readonly type?: string }).type === 'integer';
  if (isNumber && !/^[0-9]+$/.test(text))
    throw invalidConfig(fault, `read ${variable}`, `Set ${variable} to a whole number.`);
  const value = isNumber ? Number(text) : text;
  if (!Compile(schema).Check(value))
    throw invalidConfig(
      fault,
      `read ${variable}`,
      `Set ${variable} to a value that is valid for "${key}" in export.json.`,
    );
  return value;
}
