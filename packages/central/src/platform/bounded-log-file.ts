import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/**
 * Maximum size of a log file. A healthy PostgreSQL writes two lines per checkpoint, at most about 200 KB a day, so the file
 * covers weeks. A PostgreSQL server that fails on every statement reaches the limit in minutes, and must not fill the database's
 * disk.
 */
export const LOG_FILE_SIZE_MAX_BYTES = 8 * 1_048_576;

/** A log file of bounded size. */
export interface BoundedLogFile {
  /** Appends bytes, or drops them if they cannot be written. A disk failure never makes it throw. */
  write(bytes: Uint8Array): void;
  close(): void;
}

/**
 * Opens the log file at `path` for appending. Before the file exceeds LOG_FILE_SIZE_MAX_BYTES, it is copied over `<path>.1` and
 * emptied. The two files together therefore never exceed twice that size.
 */
export function openBoundedLogFile(path: string): BoundedLogFile {
  const file = openSync(path, 'a', 0o600);
  let sizeBytes = fstatSync(file).size;
  const beginAnew = () => {
    // The file is copied and emptied rather than renamed, so if a step fails, the open file is still the one at `path`.
    orDropped(() => copyFileSync(path, `${path}.1`));
    ftruncateSync(file);
    sizeBytes = 0;
  };
  return {
    write: (bytes) =>
      orDropped(() => {
        if (sizeBytes > 0 && sizeBytes + bytes.byteLength > LOG_FILE_SIZE_MAX_BYTES) beginAnew();
        sizeBytes += writeSync(file, bytes);
      }),
    close: () => closeSync(file),
  };
}

/** Ignores disk failures. A full disk may cost log lines, but must not stop the program that writes them. */
function orDropped(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
  }
}
