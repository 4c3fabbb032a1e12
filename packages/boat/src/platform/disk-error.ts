import { systemCode } from './disk-file-system.ts';
import { ExportError, isExportError } from './errors.ts';

/**
 * Converts an operating system error to an ExportError: DISK_FULL, DISK_READ_ONLY, FILES_EXHAUSTED or DISK_FAILED. Returns any
 * other error unchanged.
 */
export function toDiskError(error: unknown, op: string): unknown {
  const code = systemCode(error);
  if (code === undefined || error instanceof ExportError || !(error instanceof Error)) return error;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return createDiskFull(op, error);
    case 'EMFILE':
    case 'ENFILE':
      return new ExportError('FILES_EXHAUSTED', `The limit on open files is reached: ${op}`, {
        op,
        hint: 'Look for a program that keeps too many files open (lsof) and restart it. If it needs all of them, raise LimitNOFILE= in its unit or fs.file-max.',
        cause: error,
      });
    case 'ELOOP':
      return new ExportError(
        'DISK_FAILED',
        `The path is a symbolic link, which is not allowed here, or a circular link: ${op}`,
        {
          op,
          hint: 'The export manager reads only regular files in its own folders. Remove the link.',
          cause: error,
        },
      );
    case 'EROFS':
      return createDiskReadOnly(op, error);
    case 'EACCES':
    case 'EPERM':
      return new ExportError('DISK_FAILED', `Not permitted: ${op}`, {
        op,
        hint: "Give the export manager's user permission for this path.",
        cause: error,
      });
    case 'EIO':
      return new ExportError('DISK_FAILED', `The storage device failed: ${op}`, {
        op,
        hint: 'Check the SD card or SSD and the kernel log. Replace the device if the errors repeat.',
        cause: error,
      });
    default:
      return new ExportError('DISK_FAILED', `${error.message}: ${op}`, {
        op,
        hint: `The system reports ${code}. Check this path and the kernel log.`,
        cause: error,
      });
  }
}

/** Returns DISK_FULL for `op`. */
export function createDiskFull(op: string, cause: unknown): ExportError {
  return new ExportError('DISK_FULL', `No space left: ${op}`, {
    op,
    hint: 'Free space on this file system. Waiting exports are kept.',
    cause,
  });
}

/** Returns DISK_NO_INODES for `op`. Each file takes one inode, and their number is fixed when the file system is created. */
export function createNoInodes(op: string, cause: unknown): ExportError {
  return new ExportError('DISK_NO_INODES', `No inode left for a new file: ${op}`, {
    op,
    hint: 'Remove files from this file system. Freeing space does not help. `df -i` shows its inodes. Waiting exports are kept.',
    cause,
  });
}

/** Returns true if the file system has no room for a new file: no space or no inode. */
export function isDiskFull(error: unknown): error is ExportError {
  return isExportError(error, 'DISK_FULL') || isExportError(error, 'DISK_NO_INODES');
}

/** Returns DISK_READ_ONLY for `op`. A file system whose journal was aborted stays read-only until it is remounted. */
export function createDiskReadOnly(op: string, cause: unknown): ExportError {
  return new ExportError('DISK_READ_ONLY', `The file system is read-only: ${op}`, {
    op,
    hint: "Linux makes a file system read-only after a storage error. Check the SD card or SSD and the kernel log, then restart the boat's computer. Waiting exports are kept.",
    cause,
  });
}

/** Creates DISK_FAILED for a folder, pipe or device at `path`, where a file is expected. */
export function createNotAFile(path: string, kind: 'directory' | 'other', op: string): ExportError {
  return new ExportError('DISK_FAILED', `${path} is not a file`, {
    op,
    hint: 'The export manager expects a regular file at this path. Move the existing item elsewhere.',
    cause: Object.assign(new Error('not a file'), { code: kind === 'directory' ? 'EISDIR' : 'ESPIPE' }),
  });
}

/** Descriptions of system errors that the owner may be able to resolve, by error code. */
const SYSTEM_MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'cannot be read: the export manager has no permission',
  EPERM: 'cannot be read: the export manager has no permission',
  EIO: 'cannot be read: the storage device failed',
  EISDIR: 'is a folder',
  ELOOP: 'is a circular link',
  ESPIPE: 'is not a regular file',
  ENXIO: 'is not a regular file',
  ETIMEDOUT: 'cannot be read: its file system does not answer',
  EAGAIN: "was not read, because other sources' file systems do not answer",
  ESTALE: 'cannot be read: its network folder is gone',
  EMFILE: 'cannot be read: the process has too many open files',
  ENFILE: 'cannot be read: the system has too many open files',
};

/**
 * Describes the reason for a disk failure as the end of a sentence about the file, for example "is a folder (EISDIR)". It
 * contains no path.
 */
export function toDiskReason(error: ExportError): string {
  const code = systemCode(error.cause);
  if (code === undefined) return `cannot be read (${error.code})`;
  return `${SYSTEM_MEANINGS[code] ?? 'cannot be read'} (${code})`;
}
