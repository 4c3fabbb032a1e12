import { join } from 'node:path';
import { parseBundleKey, toBundleKeyPath } from '../bundle/bundle-key.ts';
import { type Config, type LoadedConfig, parseConfig, toRoot } from '../config.ts';
import { toCredentials, toCredentialsPaths } from '../deliver/credentials.ts';
import { ExportError } from '../platform/errors.ts';
import { parseForeignJson } from '../platform/lenient-json.ts';
import { listSettings } from '../settings.ts';
import { toTable } from './tables.ts';

/** Where the configuration comes from. */
export interface ConfigWorld {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads a file's text. Resolves with undefined if the file does not exist, and rejects if it cannot be read. */
  readonly readFile: (path: string) => Promise<string | undefined>;
}

/**
 * State of the device token or the bundle key. `unreadable` is normal for users other than d3kos, because the file has mode 0600.
 */
type TokenState = 'present' | 'missing' | 'invalid' | 'unreadable';

/** Reads the configuration that the export manager would use if it started now. Throws CONFIG_INVALID, CONFIG_UNREADABLE. */
export async function readConfig(world: ConfigWorld): Promise<LoadedConfig> {
  const path = join(toRoot(world.environment), 'config', 'export.json');
  let text: string | undefined;
  try {
    text = await world.readFile(path);
  } catch (cause) {
    throw new ExportError('CONFIG_UNREADABLE', `${path} cannot be read`, {
      op: `read ${path}`,
      hint: `Check its permissions (ls -l ${path}), or run the command as the user d3kos.`,
      cause,
    });
  }
  return parseConfig(world.environment, text);
}

/**
 * Describes every setting with its value and source, the device token's state, and the public half of the bundle key. The result
 * never contains the token or the private key.
 */
export async function describeConfig(
  world: ConfigWorld,
): Promise<{ readonly raw: unknown; readonly lines: readonly string[] }> {
  const { config, sources } = await readConfig(world);
  const { file, state: token } = await findToken(world, toCredentialsPaths(config.root));
  const keyFile = toBundleKeyPath(config.root);
  const bundleKey = await findBundleKey(world, keyFile);
  const settings = toSettings(config, sources);
  return {
    raw: {
      success: true,
      settings: Object.fromEntries(
        settings.map(({ name, value, source }) => [name, { value: value ?? null, source }]),
      ),
      device_token: { state: token, file },
      bundle_key: { ...bundleKey, file: keyFile },
    },
    lines: [
      ...toTable(
        ['SETTING', 'VALUE', 'FROM'],
        settings.map(({ name, value, source }) => [name, toText(value), source]),
      ),
      '',
      `Device token: ${token} (${file})`,
      `Bundle key: ${bundleKey.public_key ?? bundleKey.state} (${keyFile})`,
    ],
  };
}

function toSettings(config: Config, sources: LoadedConfig['sources']) {
  const names = [
    { name: 'root', key: 'root' } as const,
    { name: 'host', key: 'host' } as const,
    ...listSettings(),
  ];
  return names.map((setting) => {
    const { name, key } = setting;
    const value = config[name];
    const isShownInPart = 'toShown' in setting && setting.toShown !== undefined && typeof value === 'string';
    return { name: key, value: isShownInPart ? setting.toShown(value) : value, source: sources[name] };
  });
}

function toText(value: Config[keyof Config]): string {
  if (value === undefined) return '---';
  return typeof value === 'string' || typeof value === 'number' ? String(value) : value.join(' ');
}

/** Returns the first existing file and the state of its token, or the last file if none exists. */
async function findToken(
  world: ConfigWorld,
  paths: readonly string[],
): Promise<{ readonly file: string; readonly state: TokenState }> {
  let found: { readonly file: string; readonly state: TokenState } = { file: '', state: 'missing' };
  for (const file of paths) {
    found = { file, state: await findTokenIn(world, file) };
    if (found.state !== 'missing') break;
  }
  return found;
}

async function findTokenIn(world: ConfigWorld, path: string): Promise<TokenState> {
  let text: string | undefined;
  try {
    text = await world.readFile(path);
  } catch {
    // The file contains a secret, so the error is not shown.
    return 'unreadable';
  }
  if (text === undefined) return 'missing';
  const parsed = parseForeignJson(text);
  return parsed.kind === 'value' && toCredentials(parsed.value) !== undefined ? 'present' : 'invalid';
}

async function findBundleKey(
  world: ConfigWorld,
  path: string,
): Promise<{ readonly state: TokenState; readonly public_key: string | null }> {
  let text: string | undefined;
  try {
    text = await world.readFile(path);
  } catch {
    // The file contains a secret, so the error is not shown.
    return { state: 'unreadable', public_key: null };
  }
  if (text === undefined) return { state: 'missing', public_key: null };
  const key = parseBundleKey(text);
  return key === undefined
    ? { state: 'invalid', public_key: null }
    : { state: 'present', public_key: key.publicKey };
}
