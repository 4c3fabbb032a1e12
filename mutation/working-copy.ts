import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
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

/** The built pages, which the setup creates and git ignores. Some tests read them from the programs that serve them. */
const BUILT_PAGES = [join('packages', 'boat', 'dist', 'page'), join('packages', 'central', 'dist', 'page')];
/** The scope of our own packages in node_modules, which are links to workspaces and must point into the copy. */
const WORKSPACE_SCOPE = '@d3kos';

/** A copy of the checkout in which files can be changed and tests can run. */
export interface WorkingCopy {
  readonly root: string;
  /** Folder for the tests' temporary files, removed with the copy. */
  readonly temporary: string;
  read(file: string): string;
  write(file: string, text: string): void;
  remove(): void;
}

/**
 * Copies all files that git does not ignore, including uncommitted changes, and the built pages to a new folder. Each installed
 * package is linked separately, and our own packages are linked to the copy. A single link to node_modules would make the tests use
 * the original packages.
 */
export function createWorkingCopy(original: string): WorkingCopy {
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-mutant-'));
  // Some tests run a database as another user, who needs access to this folder.
  chmodSync(folder, 0o755);
  const root = join(folder, 'copy');
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  for (const file of listFiles(original)) {
    const target = join(root, file);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(original, file), target);
  }
  for (const page of BUILT_PAGES) cpSync(join(original, page), join(root, page), { recursive: true });
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
  // Git lists a removed file until the removal is committed.
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
