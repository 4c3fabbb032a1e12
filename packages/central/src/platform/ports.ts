/** One row of an answer, by column name. SQL casts what drivers disagree on (bigint, timestamps) to text, int4 or float8. */
export type Row = Readonly<Record<string, unknown>>;

/** What runs SQL: the store itself, or one transaction of it. */
export interface Queryable {
  /** One statement with `$1…` parameters. Throws CentralFailure STORE_UNAVAILABLE (worth trying again) or STORE_FAILED. */
  query(text: string, params?: readonly unknown[]): Promise<readonly Row[]>;
  /** Several statements without parameters. Throws as `query` does. */
  script(text: string): Promise<void>;
}

/** A PostgreSQL, wherever it runs. The same SQL holds on every implementation. */
export interface Store extends Queryable {
  /**
   * BEGIN, `work`, COMMIT (read committed). When it resolves, what `work` wrote is on the server's disk (`synchronous_commit`
   * on; only a server without `fsync` breaks that); when it rejects, nothing of it happened — except for an answer lost during COMMIT, which may have happened.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /** Waits for what runs, then lets go of every connection. */
  close(): Promise<void>;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where lines for a person go. Facts must not hold secrets; tokens are never given to it. */
export interface Log {
  write(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Central's own clock, in milliseconds since 1970: the label beside what boats claim, never a basis for waiting. */
export type WallClock = () => number;

/** `length` random bytes as lowercase hex (2 × length characters). */
export type RandomHex = (length: number) => string;

/** A file that is read in pieces. */
export interface ReadableFile {
  /** Bytes [offset, offset + length), shorter only at the end. Throws CentralFailure BUNDLE_UNREADABLE. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a file of the operator's. Throws CentralFailure BUNDLE_UNREADABLE where there is none, or it is none that can be read. */
export type OpenFile = (path: string) => Promise<ReadableFile>;
