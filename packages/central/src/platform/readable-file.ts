import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CentralFailure } from './errors.ts';
import type { OpenFile } from './ports.ts';

/** Opens a file on this machine. Throws BUNDLE_UNREADABLE. */
export const openReadableFile: OpenFile = async (path) => {
  const file = await reportUnreadable(path, () => openFile(path));
  return {
    read: (offset, length) => reportUnreadable(path, () => readAt(file, offset, length)),
    close: () => file.close(),
  };
};

async function openFile(path: string): Promise<FileHandle> {
  // Without O_NONBLOCK, opening a pipe without a writer would wait forever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw unreadable(path, 'is not a file');
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) return bytes.subarray(0, filled);
    filled += bytesRead;
  }
  return bytes;
}

async function reportUnreadable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error instanceof CentralFailure) throw error;
    throw unreadable(path, `cannot be read (${String(error.code)})`, error);
  }
}

function unreadable(path: string, what: string, cause?: unknown): CentralFailure {
  return new CentralFailure('BUNDLE_UNREADABLE', `${path} ${what}`, {
    op: `read ${path}`,
    hint: 'use a file written by `d3kos-export bundle`; if the USB drive cannot be read, try another machine',
    cause,
  });
}
