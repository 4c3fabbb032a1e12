/** What one round of crash tests is asked to do. */
export interface CrashRun {
  /** How often something is killed, or its power cut. */
  readonly times: number;
  /** Fixes the moments, as far as real processes can repeat anything. */
  readonly seed: number;
  /** Is given a line about how it went. */
  tell(line: string): void;
}

/** What one round came to; a round that lost, repeated or stuck anything has thrown instead. */
export interface CrashCounts {
  /** Exports of which the boat said that they are queued. */
  readonly acknowledged: number;
  /** Exports that central proved it holds, with those whose answer the kill took. */
  readonly delivered: number;
}
