import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runHost } from './booted-root.ts';

/** Builds both packages for this machine below `out`. `more` contains further options for `npm run package`. */
export async function buildPackages(out: string, ...more: readonly string[]): Promise<void> {
  const main = join(import.meta.dirname, '..', '..', 'scripts', 'package', 'main.ts');
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const options = ['--fast', '--arch', architecture, '--out', out, ...more];
  await runHost(process.execPath, '--conditions=development', main, ...options);
}

/** Returns the path of the package `name` below `folder`. */
export function findPackage(folder: string, name: string): string {
  const file = readdirSync(folder).find((other) => other.startsWith(`${name}_`));
  if (file === undefined) throw new Error(`${folder} has no package ${name}`);
  return join(folder, file);
}

/** Writes a copy of a package under another version number, and returns its path. */
export async function copyWithVersion(deb: string, version: string, folder: string): Promise<string> {
  const unpacked = mkdtempSync(join(tmpdir(), 'd3kos-version-'));
  try {
    await runHost('dpkg-deb', '--raw-extract', deb, unpacked);
    const control = join(unpacked, 'DEBIAN', 'control');
    writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${version}`));
    // If the target is a folder, dpkg-deb names the file after its package, version and architecture.
    const output = await runHost(
      'dpkg-deb',
      '--root-owner-group',
      '-Zzstd',
      '-z1',
      '--build',
      unpacked,
      folder,
    );
    const path = /'([^']+\.deb)'/.exec(output)?.[1];
    if (path === undefined) throw new Error(`dpkg-deb named no file: ${output}`);
    return path;
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
  }
}
