/** The facts about a waiting entry that determine when it is sent. */
export interface Waiting {
  readonly entryNo: number;
  readonly fileSizeBytes: number;
  /** Attempts spent. */
  readonly retryCount: number;
  /** Number of times in a row that an intermediary refused it. */
  readonly refusalCount: number;
  /** The end of its wait by the wall clock, in milliseconds since 1970. */
  readonly nextRetryAtMs: number;
}

/** Entries whose file is larger than `overBytes` and not larger than `upToBytes`. */
export interface SizeRange {
  readonly overBytes: number;
  readonly upToBytes: number;
}
