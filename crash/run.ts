/** One round of crash tests. */
export interface CrashRun {
  /** Number of kills or power cuts. */
  readonly times: number;
  /** Determines the moments of the kills, as far as real processes are repeatable. */
  readonly seed: number;
  /** Called with a summary of the round. */
  report(line: string): void;
}

/** The result of a round that lost, repeated and blocked nothing. Other rounds throw. */
export interface CrashCounts {
  /** Exports that the boat acknowledged. */
  readonly acknowledged: number;
  /** Exports that central proved to hold, including those whose acknowledgement was lost in a kill. */
  readonly delivered: number;
}
