/** What one round of torture is asked to do. */
export interface TortureRun {
  /** How often something is killed, or its power cut. */
  readonly times: number;
  /** Fixes the moments, as far as real processes can repeat anything. */
  readonly seed: number;
  /** Is given a line about how it went. */
  tell(line: string): void;
}

/** What one round came to; a round that lost, repeated or stuck anything has thrown instead. */
export interface TortureCounts {
  /** Exports of which the boat said that they are queued. */
  readonly acknowledged: number;
  /** Exports that central proved it holds, with those whose answer the kill took. */
  readonly delivered: number;
}
