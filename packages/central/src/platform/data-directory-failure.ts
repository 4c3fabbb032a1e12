import { statfs } from 'node:fs/promises';
import { CentralFailure, isCentralFailure } from './errors.ts';

/** The messages of the operating system and of PostgreSQL when no space or no inodes are left. */
const NO_SPACE = /ENOSPC|EDQUOT|No space left on device|Disk quota exceeded/;

/** The messages of the operating system and of PostgreSQL when no file descriptors are left. */
const NO_FILE = /EMFILE|ENFILE|Too many open files/;

/**
 * With less free space than this, the disk counts as full. If a write fails with more free space than this, the inodes must have
 * run out. A segment of PostgreSQL's write-ahead log has at least this size.
 */
const SPACE_MIN_BYTES = 16 * 1024 * 1024;

/**
 * Converts a failure in the data directory to the CentralFailure that names its cause: DATA_DIR_FULL for missing space or missing
 * inodes, FILES_EXHAUSTED, or EMBEDDED_FAILED. Returns any other CentralFailure, and any error that is not a system error,
 * unchanged.
 */
export async function toDataDirFailure(error: unknown, dataDir: string): Promise<unknown> {
  const message = error instanceof Error ? error.message : String(error);
  const facts = { op: `use ${dataDir}`, cause: error };
  if (isCentralFailure(error) && error.code !== 'EMBEDDED_FAILED') return error;
  if (NO_SPACE.test(message)) return toFullFailure(message, dataDir, facts);
  if (NO_FILE.test(message))
    return new CentralFailure('FILES_EXHAUSTED', `the limit of open files is reached: ${message}`, {
      ...facts,
      hint: 'raise the limit of open files (LimitNOFILE= in the unit, `ulimit -n`, or fs.file-max)',
    });
  if (isCentralFailure(error) || !(error instanceof Error && 'code' in error)) return error;
  return new CentralFailure('EMBEDDED_FAILED', `cannot use the folder ${dataDir}: ${message}`, {
    ...facts,
    hint: 'choose a folder that this account owns with CENTRAL_DATA_DIR or --data-dir',
  });
}

async function toFullFailure(
  message: string,
  dataDir: string,
  facts: { readonly op: string; readonly cause: unknown },
): Promise<CentralFailure> {
  const space = await statfs(dataDir).catch(() => undefined);
  // Some file systems (btrfs, some network mounts) have no fixed number of inodes and report 0 of 0.
  const lacksInodes =
    space !== undefined &&
    space.files > 0 &&
    (space.ffree === 0 || space.bavail * space.bsize > SPACE_MIN_BYTES);
  return new CentralFailure(
    'DATA_DIR_FULL',
    lacksInodes
      ? `no inode is left on the file system of ${dataDir}: ${message}`
      : `the file system of ${dataDir} is full: ${message}`,
    {
      ...facts,
      hint: lacksInodes
        ? 'remove files there, or create a file system with more inodes (`df -i` shows them); freeing space does not help'
        : 'free space there, or choose a folder on a larger disk with CENTRAL_DATA_DIR',
    },
  );
}
