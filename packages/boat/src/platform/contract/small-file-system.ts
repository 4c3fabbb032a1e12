import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own for one test, or why this machine gives none. */
export type MountedFolder =
  | { readonly kind: 'mounted'; readonly path: string; unmount(): void }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Mounts a tmpfs of `sizeBytes`; needs root. */
export function mountSmallFileSystem(sizeBytes: number): MountedFolder {
  return mountAt(['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs']);
}

/** Shows `folder` a second time, without permission to write; needs root. */
export function mountReadOnlyView(folder: string): MountedFolder {
  const mounted = mountAt(['--bind', folder]);
  if (mounted.kind === 'mounted')
    execFileSync('mount', ['-o', 'remount,bind,ro', mounted.path], { stdio: 'pipe' });
  return mounted;
}

function mountAt(options: readonly string[]): MountedFolder {
  const path = mkdtempSync(join(tmpdir(), 'd3kos-mount-'));
  try {
    execFileSync('mount', [...options, path], { stdio: 'pipe' });
  } catch (error) {
    rmdirSync(path);
    const told = error instanceof Error ? error.message : String(error);
    return {
      kind: 'unavailable',
      reason: `mounting a file system needs root: ${told.split('\n').join(' ')}`,
    };
  }
  return {
    kind: 'mounted',
    path,
    unmount: () => {
      execFileSync('umount', ['-l', path], { stdio: 'pipe' });
      rmdirSync(path);
    },
  };
}
