import type { DatabaseSync } from 'node:sqlite';

/** Milliseconds since 1970 as the boat believes: a label, wrong after boot, never a basis for waiting. */
export type WallMs = number & { readonly __wall: unique symbol };
/** Milliseconds since some fixed moment of this run: what waits and deadlines are made of. */
export type MonotonicMs = number & { readonly __monotonic: unique symbol };

/** Time. Waiting belongs to it, so that the simulator can move it. */
export interface Clock {
  wall(): WallMs;
  monotonic(): MonotonicMs;
  /** Resolves after `delayMs` of monotonic time; rejects with the signal's reason when aborted, at once if it already is. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Lets timers, sockets and other callers run: a macrotask, where `await` alone is only a microtask. */
  yield(): Promise<void>;
  /** Whether the machine says that a time service has set the wall clock; undefined: nobody says. */
  isSynchronized?(signal: AbortSignal): Promise<boolean | undefined>;
}

/** Chance. */
export interface Random {
  /** A number in [0, 1). */
  fraction(): number;
  /** `length` random bytes as lowercase hex (2 × length characters). */
  hex(length: number): string;
}

export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  readonly modifiedMs: WallMs;
  /** Which file it is: two names with one number are one file. */
  readonly fileNo: number;
}

export interface DirectoryEntry extends FileFacts {
  readonly name: string;
}

/** A file being written under a temporary name beside its final one. Nothing of it is sure to survive a power cut before `commit`. */
export interface StagedFile {
  /** Appends; resolves when the bytes are handed to the operating system. Throws ExportError DISK_FULL or DISK_FAILED. */
  write(bytes: Uint8Array): Promise<void>;
  /** fsync, rename to the final path, fsync the directory: after it resolves the whole file survives a power cut. */
  commit(): Promise<void>;
  /**
   * fsync and rename alone: the whole file has its name. A power cut may bring back what was there before, whole, until
   * the directory is synced by a commit in it.
   */
  place(): Promise<void>;
  /** Removes the temporary file. Harmless after `commit` and when repeated. */
  discard(): Promise<void>;
}

/**
 * Files. Paths are absolute. "Not there" is a value; every other failure throws ExportError
 * (DISK_FULL, DISK_READ_ONLY, DISK_FAILED with the path in `op`): unreadable is not empty.
 */
export interface Disk {
  /** The file's bytes, or undefined where no file is. Throws FILE_TOO_LARGE above `sizeMaxBytes`, before reading it. */
  read(path: string, sizeMaxBytes: number): Promise<Uint8Array | undefined>;
  /** Exactly the bytes [offset, offset + length), shorter only at the end of the file; undefined where no file is. */
  readRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  stat(path: string): Promise<FileFacts | undefined>;
  /** Entries sorted by name, or undefined where no directory is. */
  list(path: string): Promise<readonly DirectoryEntry[] | undefined>;
  /** Creates the directory and its parents, durably. */
  makeDirectory(path: string): Promise<void>;
  /** Starts a file that appears at `path` only by `commit`. An existing file there is replaced. The temporary name ends in `.tmp`. */
  stage(path: string): Promise<StagedFile>;
  /** Replaces a small file's content atomically and durably. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Renames durably, across directories of one file system. Throws DISK_FAILED where `from` is not there. */
  move(from: string, to: string): Promise<void>;
  /** Removes durably; nothing happens where no file is. */
  remove(path: string): Promise<void>;
  /** Space of the file system that holds `path`, as an unprivileged writer sees it. */
  space(path: string): Promise<{ readonly freeBytes: number; readonly totalBytes: number }>;
}

/** SQLite databases. The simulator gives real SQLite as well, on files whose unsynced part it can take away. */
export interface Databases {
  /** The ledger: created if missing, WAL, `synchronous=FULL` (read back; throws LEDGER_NOT_DURABLE otherwise). */
  openLedger(path: string): LedgerDatabase;
  /** A source of another service: read-only, short busy timeout, never a lock held. Undefined where no file is. Throws the SQLite error where it cannot be opened. */
  openSource(path: string): DatabaseSync | undefined;
}

/** The ledger's connection. Every change goes through `transaction`, which is where durability is. */
export interface LedgerDatabase {
  readonly db: DatabaseSync;
  /**
   * BEGIN IMMEDIATE, `work`, COMMIT. When it returns, what `work` wrote survives a power cut; when it throws, nothing of it happened.
   * `work` is synchronous and may be run twice: on a full disk it is tried again once the WAL's space is free. Throws ExportError DISK_FULL, DISK_READ_ONLY or LEDGER_FAILED for what SQLite reports.
   */
  transaction<T>(work: () => T): T;
  close(): void;
}

/** How far a request got before it failed: before or after bytes of it could have reached a server. */
export type TransportPhase = 'connect' | 'tls' | 'exchange' | 'aborted';

/**
 * One HTTP exchange. Redirects are never followed (3xx comes back as it is), certificates are verified, silence
 * is bounded. Throws TransportError; rejects promptly when the signal is aborted.
 */
export type Transport = (request: Request, signal: AbortSignal) => Promise<Response>;

/** Why an exchange has no complete answer. `code` is the system's (`ECONNREFUSED`, `CERT_NOT_YET_VALID`, …). */
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

/** The machine's network interfaces, without sending anything. */
export interface Network {
  /** Resolves at the next change of interfaces or addresses; rejects when aborted. */
  changed(signal: AbortSignal): Promise<void>;
  /** Whether the connection in use costs by the byte, as the system's network manager sees it; undefined: nobody knows. */
  isMetered?(signal: AbortSignal): Promise<boolean | undefined>;
}

/** Compression off the event loop. */
export interface Compressor {
  compress(bytes: Uint8Array, coding: 'gzip' | 'br' | 'zstd'): Promise<Uint8Array>;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where lines for a person go. Facts must not hold secrets; tokens are never given to it. */
export interface Log {
  write(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** The supervisor of services (systemd): told when the API answers. */
export interface ServiceNotifier {
  ready(): Promise<void>;
  stopping(): Promise<void>;
}

/** Everything the export manager needs of the world it runs in. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly databases: Databases;
  readonly transport: Transport;
  readonly network: Network;
  readonly compressor: Compressor;
  readonly log: Log;
  /** Gives the process's unused memory back at once; where it is missing, that is left to the JavaScript engine. */
  readonly collectGarbage?: () => void;
}
