/**
 * A row's values by column name. The SQL casts types that drivers convert differently (bigint, timestamps) to text, int4 or
 * float8.
 */
export type Row = Readonly<Record<string, unknown>>;

/** Runs SQL. Either the store itself or one of its transactions. */
export interface Queryable {
  /**
   * Runs one statement with `$1…` parameters. Bytes are passed in PostgreSQL's binary format, which for text is UTF-8. Throws
   * CentralFailure STORE_UNAVAILABLE (worth trying again) or STORE_FAILED.
   */
  query(text: string, params?: readonly unknown[]): Promise<readonly Row[]>;
  /** Runs several statements without parameters. Throws like `query`. */
  script(text: string): Promise<void>;
}

/** A PostgreSQL database. Every implementation runs the same SQL. */
export interface Store extends Queryable {
  /**
   * Runs `work` between BEGIN and COMMIT (read committed). When it resolves, the writes of `work` are on the server's disk
   * (`synchronous_commit` is on, so this holds unless the server runs without `fsync`). When it rejects, nothing was written,
   * unless the answer to COMMIT was lost; then the writes may be stored.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /** Waits for running statements, then closes every connection. */
  close(): Promise<void>;
}

/** Reads the pieces of a request body in order, like the reader of a web stream. */
export interface BodySource {
  /** Returns the next bytes, or `done` at the end and after `cancel`. Rejects if the sender disconnected. */
  read(): Promise<
    | { readonly done: false; readonly value: Uint8Array }
    | { readonly done: true; readonly value?: Uint8Array | undefined }
  >;
  /** Ends a waiting `read`. Ends the reading; the rest of the body is not read. */
  cancel(): Promise<void>;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Writes log lines. Facts must not contain secrets. */
export interface Log {
  write(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/**
 * Central's clock, in milliseconds since 1970. It is stored in addition to the times that boats claim. No timeout depends on
 * it.
 */
export type WallClock = () => number;

/** Milliseconds since an arbitrary point in time. It never goes backwards, so differences are durations. */
export type MonotonicClock = () => number;

/** Resolves after `delayMs`, or as soon as `signal` aborts. Never rejects. */
export type Pause = (delayMs: number, signal: AbortSignal | undefined) => Promise<void>;

/** Returns `length` random bytes as lowercase hex (2 × length characters). */
export type RandomHex = (length: number) => string;

/** A file opened for reading at offsets. */
export interface ReadableFile {
  /**
   * Reads the bytes [offset, offset + length). The result is shorter only at the end of the file. Throws CentralFailure
   * BUNDLE_UNREADABLE.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a file. Throws CentralFailure BUNDLE_UNREADABLE if it does not exist or cannot be read. */
export type OpenFile = (path: string) => Promise<ReadableFile>;

/** A file that is written sequentially. */
export interface NewFile {
  /** Appends bytes. Throws CentralFailure OUTPUT_FAILED. */
  append(bytes: Uint8Array): Promise<void>;
  /**
   * Syncs the file. When it resolves, the file survives a power cut. Returns its size and its SHA-256 in hex. Throws
   * OUTPUT_FAILED.
   */
  commit(): Promise<{ readonly bytes: number; readonly sha256: string }>;
  /** Closes the file without syncing it. Has no effect after `commit`. */
  abandon(): Promise<void>;
}

/** A folder that was new or empty when it was opened. */
export interface NewDirectory {
  /** Creates a file that only this program's user account may read. Throws OUTPUT_FAILED. */
  createFile(name: string): Promise<NewFile>;
}

/** A ZIP archive that can be read while it is being written. */
export interface Archive {
  readonly directory: NewDirectory;
  /** The archive's bytes. Cancelling them makes every write fail with OUTPUT_FAILED. */
  readonly bytes: ReadableStream<Uint8Array>;
  /** Ends the archive. Without it, a reader cannot open the file. */
  end(): void;
  /** Cuts the archive short, so that its reader detects a failure. */
  fail(error: Error): void;
}

/** Creates the folder if it does not exist. Throws OUTPUT_FAILED if it is not empty or not writable. */
export type OpenNewDirectory = (path: string) => Promise<NewDirectory>;
