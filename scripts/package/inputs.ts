import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildOnce } from '../build-once.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Downloads of earlier runs. `npm ci` removes them. */
const CACHE = join(ROOT, 'node_modules', '.cache', 'package');

/** A Debian architecture, with its names in npm and in GNU triplets. */
export interface Architecture {
  readonly debian: 'amd64' | 'arm64';
  readonly npm: 'x64' | 'arm64';
  readonly triplet: string;
}

export const ARCHITECTURES: readonly Architecture[] = [
  { debian: 'amd64', npm: 'x64', triplet: 'x86_64-linux-gnu' },
  { debian: 'arm64', npm: 'arm64', triplet: 'aarch64-linux-gnu' },
];

/** Runs a program until it exits and returns its output. Throws with its error output if it fails. */
export function runTool(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    ...options,
  });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
}

/**
 * Returns the unpacked npm package in the lock file's version, for any architecture. npm downloads it once, and its digest
 * must match the lock file. Its scripts are not run.
 */
export function fetchNpmPackage(name: string): Promise<string> {
  const { version, integrity } = readLock(name);
  return buildOnce(join(CACHE, `${name.replace('/', '+')}-${version}`), async (folder) => {
    const output = runTool('npm', ['pack', '--json', '--loglevel=error', `${name}@${version}`], {
      cwd: folder,
    });
    // `npm pack --json` prints one object for each package.
    const [{ filename }] = JSON.parse(output) as [{ readonly filename: string }];
    const archive = join(folder, filename);
    const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (digest !== integrity)
      throw new Error(`${name}@${version} has the digest ${digest}, but the lock file has ${integrity}`);
    const options = ['--extract', '--gzip', '--no-same-owner', '--strip-components=1'];
    runTool('tar', [...options, '-f', archive, '-C', folder]);
    rmSync(archive);
  });
}

function readLock(name: string): { readonly version: string; readonly integrity: string } {
  // The lock file has these fields for every package that npm downloads.
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
  };
  const entry = packages[`node_modules/${name}`];
  if (entry === undefined) throw new Error(`package-lock.json does not list ${name}`);
  return entry;
}

/** The lock file's Node version without its symbols, which saves 18 MB, and its licence. */
export async function fetchNode({ npm, triplet }: Architecture): Promise<{
  readonly program: string;
  readonly licence: string;
}> {
  const folder = await fetchNpmPackage(`node-linux-${npm}`);
  const stripped = await buildOnce(`${folder}-stripped`, async (partial) => {
    const options = ['--strip-unneeded', '-o', join(partial, 'node')];
    runTool(`${triplet}-strip`, [...options, join(folder, 'bin', 'node')]);
  });
  return { program: join(stripped, 'node'), licence: readFileSync(join(folder, 'LICENSE'), 'utf8') };
}
