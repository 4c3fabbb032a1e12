import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { type Config, type LoadedConfig, parseConfig, toRoot } from '../config.ts';
import { CredentialsSchema } from '../deliver/credentials.ts';
import { ExportError } from '../platform/errors.ts';
import { listSettings } from '../settings.ts';
import { toTable } from './tables.ts';

const credentials = Compile(CredentialsSchema);

/** What the configuration is read from. */
export interface ConfigWorld {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A file's text; undefined where no file is. Rejects where one is and cannot be read. */
  readonly readFile: (path: string) => Promise<string | undefined>;
}

/** What is known of the device token without showing it. `unreadable`: it is 0600, and another user asks. */
type TokenState = 'present' | 'missing' | 'invalid' | 'unreadable';

/** The configuration the export manager would start with now. Throws CONFIG_INVALID, CONFIG_UNREADABLE. */
export async function readConfig(world: ConfigWorld): Promise<LoadedConfig> {
  const path = join(toRoot(world.environment), 'config', 'export.json');
  let text: string | undefined;
  try {
    text = await world.readFile(path);
  } catch (cause) {
    throw new ExportError('CONFIG_UNREADABLE', `${path} cannot be read`, {
      op: `read ${path}`,
      hint: `See who may read it (ls -l ${path}), or run the command as the user d3kos.`,
      cause,
    });
  }
  return parseConfig(world.environment, text);
}

/** Every setting, its value and where it came from, and whether there is a device token. Never the token. */
export async function describeConfig(
  world: ConfigWorld,
): Promise<{ readonly raw: unknown; readonly lines: readonly string[] }> {
  const { config, sources } = await readConfig(world);
  const file = join(config.root, 'config', 'export-credentials.json');
  const token = await findToken(world, file);
  const settings = toSettings(config, sources);
  return {
    raw: {
      success: true,
      settings: Object.fromEntries(
        settings.map(({ name, value, source }) => [name, { value: value ?? null, source }]),
      ),
      device_token: { state: token, file },
    },
    lines: [
      ...toTable(
        ['SETTING', 'VALUE', 'FROM'],
        settings.map(({ name, value, source }) => [name, toText(value), source]),
      ),
      '',
      `Device token: ${token} (${file})`,
    ],
  };
}

function toSettings(config: Config, sources: LoadedConfig['sources']) {
  const names = [
    { name: 'root', key: 'root' } as const,
    { name: 'host', key: 'host' } as const,
    ...listSettings(),
  ];
  return names.map(({ name, key }) => ({ name: key, value: config[name], source: sources[name] }));
}

function toText(value: Config[keyof Config]): string {
  if (value === undefined) return '---';
  return typeof value === 'string' || typeof value === 'number' ? String(value) : value.join(' ');
}

async function findToken(world: ConfigWorld, path: string): Promise<TokenState> {
  let text: string | undefined;
  try {
    text = await world.readFile(path);
  } catch {
    // That it cannot be read is the answer; the file holds a secret, so nothing more is said of it.
    return 'unreadable';
  }
  if (text === undefined) return 'missing';
  try {
    return credentials.Check(JSON.parse(text)) ? 'present' : 'invalid';
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return 'invalid';
  }
}
