import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Our own packages under node_modules: links to the workspaces, which must lead into the copy. */
const WORKSPACE_SCOPE = '@d3kos';

/** A copy of the checkout in which tests run and files may be broken. */
export interface WorkingCopy {
  readonly root: string;
  /** Where its tests make their temporary files; goes with the copy. */
  readonly temporary: string;
  read(file: string): string;
  write(file: string, text: string): void;
  remove(): void;
}

/**
 * Copies what git tracks or does not ignore, as it is on the disk now, into a folder of its own. Installed packages are
 * linked one by one, ours to the copy: a link to the whole of node_modules would lead tests back to the original.
 */
export function createWorkingCopy(original: string): WorkingCopy {
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-mutant-'));
  // The database of some tests runs as another account, which has to be able to reach its folder.
  chmodSync(folder, 0o755);
  const root = join(folder, 'copy');
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  for (const file of listFiles(original)) {
    const target = join(root, file);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(original, file), target);
  }
  linkPackages(join(original, 'node_modules'), root);
  return {
    root,
    temporary,
    read: (file) => readFileSync(join(root, file), 'utf8'),
    write: (file, text) => writeFileSync(join(root, file), text),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function listFiles(original: string): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: original,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  // A file that was removed and not yet committed is still listed.
  return [...new Set(listed.split('\0'))].filter((file) => file !== '' && existsSync(join(original, file)));
}

function linkPackages(installed: string, root: string): void {
  const target = join(root, 'node_modules');
  mkdirSync(join(target, WORKSPACE_SCOPE), { recursive: true });
  for (const name of readdirSync(installed))
    if (name !== WORKSPACE_SCOPE) symlinkSync(join(installed, name), join(target, name));
  for (const name of readdirSync(join(root, 'packages')))
    symlinkSync(join(root, 'packages', name), join(target, WORKSPACE_SCOPE, name));
}
