import type { DatabaseSync } from 'node:sqlite';
import type { StorageMedium } from './policy/storage-medium.ts';

/**
 * Milliseconds since 1970 by the boat's wall clock, used only as a label. The clock is often wrong after boot, so waits are never
 * based on it.
 */
export type WallMs = number & { readonly __wall: unique symbol };
/** Milliseconds since a fixed point in this run. Waits and deadlines are based on it. */
export type MonotonicMs = number & { readonly __monotonic: unique symbol };

/** Clock and timers. The simulator can advance both. */
export interface Clock {
  wall(): WallMs;
  monotonic(): MonotonicMs;
  /**
   * Resolves after `delayMs` of monotonic time. Rejects with the signal's reason when aborted, and immediately if the signal is
   * already aborted.
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Lets timers, sockets and other callers run by scheduling a macrotask. `await` alone would not. */
  yield(): Promise<void>;
  /** Returns whether a time service reports that the wall clock is set, or undefined if none reports anything. */
  isSynchronized?(signal: AbortSignal): Promise<boolean | undefined>;
}

/** A source of random numbers. */
export interface Random {
  /** A number in [0, 1). */
  fraction(): number;
  /** `length` random bytes as 2 × `length` lowercase hex digits. */
  hex(length: number): string;
}

export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  readonly modifiedMs: WallMs;
  /** Identifies the file. Two names with the same number refer to the same file. */
  readonly fileNo: number;
  /** Permission bits, such as 0o600. Undefined on a simulated disk. */
  readonly permissions?: number;
}

/**
 * Whether a path may be a symbolic link. Links are refused in the export manager's own folders, because otherwise a program that
 * may write there could make the daemon read and send any file on the boat. Sources may be links, because owners move them to
 * other drives.
 */
export type Links = 'refuse' | 'follow';

/** Who may read a new file or enter a new folder. */
export type Readers = 'owner' | 'everyone';

/** Space on a file system. `freeInodes` is undefined if the number of inodes is not fixed. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes?: number;
}

export interface DirectoryEntry extends FileFacts {
  readonly name: string;
}

/** A file that is written under a temporary name in its final folder. Until `commit`, it may not survive a power cut. */
export interface StagedFile {
  /** Appends bytes. Resolves when the operating system has accepted the bytes. Throws ExportError DISK_FULL or DISK_FAILED. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Syncs the file, renames it to the final path and syncs the directory. Once this has resolved, the complete file survives a
   * power cut.
   */
  commit(): Promise<void>;
  /**
   * Syncs and renames the file without syncing the directory. Until a later commit syncs the directory, a power cut may bring
   * back the previous file. Either file is complete.
   */
  place(): Promise<void>;
  /** Removes the temporary file. Has no effect after `commit` or when repeated. */
  discard(): Promise<void>;
}

/**
 * Access to files. Paths are absolute. A missing file is returned as undefined. Any other failure throws ExportError DISK_FULL,
 * DISK_NO_INODES, DISK_READ_ONLY, FILES_EXHAUSTED or DISK_FAILED with the path in `op`, so an unreadable file never counts as
 * empty. Only regular files are read. Unless `links` is `follow`, a symbolic link counts as `other` and is not read.
 */
export interface Disk {
  /**
   * Returns the file's bytes, or undefined if it does not exist. Throws FILE_TOO_LARGE for a file of more than `sizeMaxBytes`,
   * without reading all of it.
   */
  read(path: string, sizeMaxBytes: number, links?: Links): Promise<Uint8Array | undefined>;
  /** Returns the bytes [offset, offset + length), or fewer only at the end of the file. Undefined if the file does not exist. */
  readRange(path: string, offset: number, length: number, links?: Links): Promise<Uint8Array | undefined>;
  stat(path: string, links?: Links): Promise<FileFacts | undefined>;
  /**
   * Returns the entries sorted by name, or undefined if the directory does not exist. The directory itself may be a link. An
   * entry that cannot be examined is returned as `other`, so that one bad entry never makes the listing fail.
   */
  list(path: string, links?: Links): Promise<readonly DirectoryEntry[] | undefined>;
  /**
   * Creates the directory and its parents durably. Only this program's user account can enter the new ones, unless `readers` is
   * `everyone`.
   */
  makeDirectory(path: string, readers?: Readers): Promise<void>;
  /** Removes other users' permissions on a file or directory. Has no effect if it does not exist or is a symbolic link. */
  restrict(path: string): Promise<void>;
  /**
   * Starts a file that `commit` or `place` moves to `path`, where it replaces an existing file. The temporary name ends in
   * `.tmp`. Only this program's user account can read the file, unless `readers` is `everyone`.
   */
  stage(path: string, readers?: Readers): Promise<StagedFile>;
  /** Replaces a small file's content atomically and durably. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Durably renames a file, even across directories of one file system. Throws DISK_FAILED if `from` does not exist. */
  move(from: string, to: string): Promise<void>;
  /** Durably removes a file. Has no effect if the file does not exist. */
  remove(path: string): Promise<void>;
  /** Returns the space available to an unprivileged writer on the file system that contains `path`. */
  space(path: string): Promise<DiskSpace>;
}

/** SQLite databases. The simulator also uses real SQLite, but on files whose unsynced data it can discard. */
export interface Databases {
  /**
   * Opens the ledger with WAL and `synchronous=FULL`, and creates it if missing. Throws LEDGER_NOT_DURABLE if SQLite does not
   * accept these settings. With `ballast`, the path of a file that may be overwritten, opening needs no free space: the file becomes
   * the WAL, unless there is a WAL of at least its size. It remains after the ledger is closed, except on file systems without hard
   * links. While the ledger is open, no other connection can be opened. Throws DISK_FULL if there is neither a WAL nor this file.
   */
  openLedger(path: string, ballast?: string): LedgerDatabase;
  /**
   * Opens another service's database read-only, with a short busy timeout and without holding a lock. Returns undefined if the
   * file does not exist. Throws the SQLite error if the database cannot be opened, and DISK_FAILED if the system refuses the
   * file. SQLite does not read values larger than 32 MiB from it.
   */
  openSource(path: string): DatabaseSync | undefined;
}

/** The ledger's connection. Every change goes through `transaction`, which makes it durable. */
export interface LedgerDatabase {
  readonly db: DatabaseSync;
  /**
   * Runs BEGIN IMMEDIATE, `work` and COMMIT. Once it returns, the changes made by `work` survive a power cut. If it throws, none
   * of them has taken effect. `work` is synchronous and may run twice: on a full disk it runs again after a checkpoint has freed
   * space in the WAL. Throws ExportError DISK_FULL, DISK_READ_ONLY or LEDGER_FAILED for SQLite errors.
   */
  transaction<T>(work: () => T): T;
  close(): void;
}

/** The phase in which a request failed. The server can have received bytes of the request only in `exchange` and `aborted`. */
export type TransportPhase = 'connect' | 'tls' | 'exchange' | 'aborted';

/**
 * Performs one HTTP exchange. Verifies certificates and applies the silence timeout. Never follows redirects: the caller receives
 * the 3xx. Throws TransportError. Rejects promptly when the signal is aborted.
 */
export type Transport = (request: Request, signal: AbortSignal) => Promise<Response>;

/**
 * The reason why an exchange has no complete answer. `code` is the system's error code, such as `ECONNREFUSED` or
 * `CERT_NOT_YET_VALID`.
 */
export class TransportError extends Error {
  readonly phase: TransportPhase;
  readonly code: string;
  constructor(phase: TransportPhase, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransportError';
    this.phase = phase;
    this.code = code;
  }
}

/** The machine's network interfaces. Sends no packets. */
export interface Network {
  /** Resolves when an interface or an address changes. Rejects when aborted. */
  changed(signal: AbortSignal): Promise<void>;
  /** Returns whether the active connection is metered, according to the system's network manager, or undefined if unknown. */
  isMetered?(signal: AbortSignal): Promise<boolean | undefined>;
}

/** Compression off the event loop. */
export interface Compressor {
  compress(bytes: Uint8Array, coding: 'gzip' | 'br' | 'zstd'): Promise<Uint8Array>;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Writes human-readable log lines. Callers must not pass secrets in the message or the facts. */
export interface Log {
  write(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Notifies the service supervisor (systemd) when the API is ready, while the daemon works, and when it stops. */
export interface ServiceNotifier {
  ready(): Promise<void>;
  /**
   * Reports that the delivery worker has made progress. Returns immediately. Without these reports, systemd's watchdog restarts
   * the daemon.
   */
  progressed(): void;
  stopping(): Promise<void>;
}

/** All ports: everything that the export manager needs from outside the program. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly databases: Databases;
  readonly transport: Transport;
  readonly network: Network;
  readonly compressor: Compressor;
  readonly log: Log;
  /**
   * Returns the medium on which an existing path is stored, or undefined if the system does not report it. Never waits for the
   * medium.
   */
  readonly storageMedium?: (path: string) => Promise<StorageMedium | undefined>;
  /** Returns unused memory to the system. If absent, the JavaScript engine decides when to do so. */
  readonly collectGarbage?: () => void;
}
