import { readFile, realpath } from 'node:fs/promises';
import { systemCode } from './disk-file-system.ts';
import { findStorageMedium, type StorageMedium } from './policy/storage-medium.ts';

/** This process's mounts (proc_pid_mountinfo(5)). */
const MOUNT_INFO = '/proc/self/mountinfo';

/**
 * Creates a function that returns the medium on which an existing path is stored, or undefined if the system does not report it.
 * Each path is resolved only once, on the first query, and the mounts are read from the kernel's list, so later queries do not
 * wait for a medium that has stopped answering.
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
