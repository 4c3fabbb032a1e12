import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { takeFolderLock } from './folder-lock.mjs';

/**
 * Returns `folder`, which `build` fills unless it exists. If several processes call this at the same time, one builds and the others
 * wait. `build` gets an empty folder with another name, so an interrupted build leaves nothing under the final one.
 */
export async function buildOnce(folder: string, build: (partial: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const release = await takeFolderLock(folder, () =>
    console.error(`waiting until another process has built ${folder}`),
  );
  try {
    // Another process may have built it in the meantime.
    if (existsSync(folder)) return folder;
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial);
    await build(partial);
    renameSync(partial, folder);
    return folder;
  } finally {
    release();
  }
}
