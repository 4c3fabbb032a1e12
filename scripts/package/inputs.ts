import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

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
export function fetchNpmPackage(name: string): string {
  const { version, integrity } = readLock(name);
  const folder = join(CACHE, `${name.replace('/', '+')}-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const output = runTool('npm', ['pack', '--json', '--loglevel=error', `${name}@${version}`], { cwd: CACHE });
  // `npm pack --json` prints one object for each package.
  const [{ filename }] = JSON.parse(output) as [{ readonly filename: string }];
  const archive = join(CACHE, filename);
  const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (digest !== integrity)
    throw new Error(`${name}@${version} has the digest ${digest}, but the lock file has ${integrity}`);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  runTool('tar', [
    '--extract',
    '--gzip',
    '--no-same-owner',
    '--strip-components=1',
    '-f',
    archive,
    '-C',
    partial,
  ]);
  rmSync(archive);
  renameSync(partial, folder);
  return folder;
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
export function fetchNode({ npm, triplet }: Architecture): {
  readonly program: string;
  readonly licence: string;
} {
  const folder = fetchNpmPackage(`node-linux-${npm}`);
  const program = join(folder, 'bin', 'node.stripped');
  if (!existsSync(program)) {
    runTool(`${triplet}-strip`, [
      '--strip-unneeded',
      '-o',
      `${program}.partial`,
      join(folder, 'bin', 'node'),
    ]);
    renameSync(`${program}.partial`, program);
  }
  return { program, licence: readFileSync(join(folder, 'LICENSE'), 'utf8') };
}
