import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/**
 * Largest a log file grows. A healthy PostgreSQL writes two lines a checkpoint, at most some 200 KB a day: weeks of it stay
 * readable. One that fails at every statement fills it in minutes, and must not fill the disk its database is on.
 */
export const LOG_FILE_SIZE_MAX_BYTES = 8 * 1_048_576;

/** A log file of bounded size. */
export interface BoundedLogFile {
  /** Appends; what the disk does not take is dropped. Never throws. */
  write(bytes: Uint8Array): void;
  close(): void;
}

/**
 * Opens the log file at `path` to append to it. Before it grows past LOG_FILE_SIZE_MAX_BYTES it is copied to `<path>.1`, over
 * the one that is there, and begins anew: two files of that size are the most there ever is.
 */
export function openBoundedLogFile(path: string): BoundedLogFile {
  const file = openSync(path, 'a', 0o600);
  let sizeBytes = fstatSync(file).size;
  const beginAnew = () => {
    // Copied and emptied, not renamed: the open file stays the one at `path`, whatever fails here.
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

/** A full or failing disk costs lines of the log, and never what is logged about: it may be why there is so much to log. */
function orDropped(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
  }
}
