import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system for one test, or the reason why this machine cannot provide one. */
export type MountedFolder =
  | { readonly kind: 'mounted'; readonly path: string; unmount(): void }
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Mounts a tmpfs of `sizeBytes`. Needs root. */
export function mountSmallFileSystem(sizeBytes: number): MountedFolder {
  return mountAt(['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs']);
}

/** Mounts `folder` a second time, read-only. Needs root. */
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
    const message = error instanceof Error ? error.message : String(error);
    return {
      kind: 'unavailable',
      reason: `mounting a file system needs root: ${message.split('\n').join(' ')}`,
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
