import { createHash } from 'node:crypto';
import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CentralFailure } from './errors.ts';
import type { NewFile, OpenNewDirectory } from './ports.ts';

/** Creates a folder on this machine and opens it for new files. Only this program's user account may enter it. */
export const openNewDirectory: OpenNewDirectory = async (given) => {
  const path = resolve(given);
  const made = await report(path, () => mkdir(path, { recursive: true, mode: 0o700 }));
  // `mkdir` returns the first folder that it created. The new folders must survive a power cut, just like the files in them.
  if (made !== undefined) await report(path, () => syncFolders(dirname(made), path));
  const names = await report(path, () => readdir(path));
  if (names.length > 0) throw outputFailed(path, 'is not empty');
  return { createFile: (name) => createFile(path, name) };
};

async function createFile(directory: string, name: string): Promise<NewFile> {
  const path = join(directory, name);
  // `wx` does not follow a link placed there by another user.
  const file = await report(path, () => open(path, 'wx', 0o600));
  const hash = createHash('sha256');
  let bytes = 0;
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  };
  return {
    append: (piece) =>
      report(path, async () => {
        await file.writeFile(piece);
        hash.update(piece);
        bytes += piece.byteLength;
      }),
    commit: () =>
      report(path, async () => {
        await file.sync();
        await close();
        await syncDirectory(directory);
        return { bytes, sha256: hash.digest('hex') };
      }),
    abandon: () => report(path, close),
  };
}

/** Syncs every folder from `top` down to `bottom`. */
async function syncFolders(top: string, bottom: string): Promise<void> {
  for (let path = bottom; ; path = dirname(path)) {
    await syncDirectory(path);
    if (path === top || path === dirname(path)) return;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function report<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw outputFailed(path, `cannot be written (${String(error.code)})`, error);
  }
}

function outputFailed(path: string, what: string, cause?: unknown): CentralFailure {
  return new CentralFailure('OUTPUT_FAILED', `${path} ${what}`, {
    op: `write ${path}`,
    hint: 'use a new or empty folder on a disk with enough space',
    cause,
  });
}
