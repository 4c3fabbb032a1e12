import { readFile, realpath } from 'node:fs/promises';
import { systemCode } from './disk-file-system.ts';
import { findStorageMedium, type StorageMedium } from './policy/storage-medium.ts';

/** The mounts of this process, as proc_pid_mountinfo(5) describes them. */
const MOUNT_INFO = '/proc/self/mountinfo';

/**
 * Creates a function that returns the medium that holds an existing path, or undefined if the system does not report it. Each
 * path is resolved only once, at its first query, and the mounts are read from the kernel's list, so later queries do not wait
 * for a medium that has stopped answering.
 */
export function createStorageMediumQuery(): (path: string) => Promise<StorageMedium | undefined> {
  const resolved = new Map<string, Promise<string>>();
  return async (path) => {
    let real = resolved.get(path);
    if (real === undefined) resolved.set(path, (real = realpath(path)));
    try {
      return findStorageMedium(await readFile(MOUNT_INFO, 'utf8'), await real);
    } catch (error) {
      resolved.delete(path);
      if (systemCode(error) === undefined) throw error;
      return undefined;
    }
  };
}
