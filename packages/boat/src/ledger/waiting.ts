/** The properties of a waiting entry that determine when it is sent. */
export interface Waiting {
  readonly entryNo: number;
  readonly fileSizeBytes: number;
  /** Number of attempts used. */
  readonly retryCount: number;
  /** Number of consecutive refusals by an intermediary. */
  readonly refusalCount: number;
  /** The end of its retry delay by the wall clock, in milliseconds since 1970. */
  readonly nextRetryAtMs: number;
}

/** Entries whose file is larger than `overBytes` but not larger than `upToBytes`. */
export interface SizeRange {
  readonly overBytes: number;
  readonly upToBytes: number;
}
