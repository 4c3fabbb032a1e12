import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/**
 * Runs the mutation testing tool on the pure policies that `mutation-tool/stryker.config.json` lists, or on `files`. Installs the
 * tool first if necessary. The tool is not a dependency of the repository, because only this command uses it. Returns the exit
 * code, which is 1 if the score is below the threshold.
 */
export function runTool(root: string, files: readonly string[]): number {
  const folder = join(root, 'mutation-tool');
  if (!isInstalled(folder) && !install(folder)) return 1;
  const args = ['run', join(folder, 'stryker.config.json')];
  if (files.length > 0) args.push('--mutate', files.join(','));
  const { status } = spawnSync(
    process.execPath,
    [join(folder, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js'), ...args],
    {
      cwd: root,
      stdio: 'inherit',
      // The tool starts tests with `node` from PATH. The system's own Node may be too old for the tests.
      env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` },
    },
  );
  return status ?? 1;
}

/** A copy of the lock file used for the current installation. */
function stampOf(folder: string): string {
  return join(folder, 'node_modules', '.installed-lock.json');
}

function readLock(folder: string): string {
  return readFileSync(join(folder, 'package-lock.json'), 'utf8');
}

function isInstalled(folder: string): boolean {
  const stamp = stampOf(folder);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === readLock(folder);
}

function install(folder: string): boolean {
  console.error('mutation: installing the tool from its lock file');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) return false;
  writeFileSync(stampOf(folder), readLock(folder));
  return true;
}
