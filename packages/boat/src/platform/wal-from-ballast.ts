import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { NO_SECOND_NAME } from './disk.ts';
import { createDiskFull, toDiskError } from './disk-error.ts';
import { systemCode } from './disk-file-system.ts';

/** The WAL begins with a header of this size (SQLite file format §4.1). */
const WAL_HEADER_BYTES = 32;

/**
 * Makes the file `ballast` the WAL of the ledger as well, durably and in its existing space. The name `ballast` remains, so the file
 * outlives the WAL, which SQLite removes when the ledger is closed. Its header is erased first: the file may be the WAL of an
 * earlier run, and SQLite would write those commits over later ones. Has no effect if a crash left a WAL that is at least as large.
 * `checkpoint` moves the commits of a smaller WAL to the ledger and closes it. Throws DISK_FULL if there is neither a WAL nor the file.
 */
export function useAsWal(ballast: string, ledger: string, checkpoint: () => void): void {
  const op = `use ${ballast} as the WAL`;
  const wal = `${ledger}-wal`;
  try {
    const reserved = statSync(ballast, { throwIfNoEntry: false });
    const left = () => statSync(wal, { throwIfNoEntry: false });
    const hasWal = (sizeBytes: number): boolean => (left()?.size ?? 0) >= sizeBytes;
    // The commits in a small WAL are moved to the database, because there would be no space for further ones.
    if (hasWal(1) && !hasWal(reserved?.size ?? 1)) checkpoint();
    if (hasWal(1)) return;
    if (reserved === undefined) throw createDiskFull(op, undefined);
    eraseWalHeader(ballast);
    if (left() !== undefined) unlinkSync(wal);
    linkOrRename(ballast, wal);
    syncFolder(dirname(wal));
  } catch (error) {
    throw toDiskError(error, op);
  }
}

/** SQLite generates a new salt for a WAL without a valid header, so it does not accept a frame that was written before. */
function eraseWalHeader(path: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    writeSync(file, new Uint8Array(WAL_HEADER_BYTES), 0, WAL_HEADER_BYTES, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function linkOrRename(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!NO_SECOND_NAME.has(systemCode(error) ?? '')) throw error;
    renameSync(from, to);
  }
}
