/** One round of crash tests. */
export interface CrashRun {
  /** Number of kills or power cuts. */
  readonly times: number;
  /** Determines when the kills happen, as far as real processes are reproducible. */
  readonly seed: number;
  /** Called with the round's summary. */
  report(line: string): void;
}

/** The result of a round in which nothing was lost, stored twice or stuck. Other rounds throw. */
export interface CrashCounts {
  /** Number of exports that the boat acknowledged. */
  readonly acknowledged: number;
  /** Number of exports proven to have been delivered, including exports whose acknowledgement was lost in a kill. */
  readonly delivered: number;
}
