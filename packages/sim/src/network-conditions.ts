import type { FaultProbabilities } from './network-faults.ts';

/** A TLS certificate's validity, on the true clock. */
export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The limits of every exchange with the internet. A scenario may change them at any time, also during an exchange. */
export interface NetworkConditions {
  /** Probabilities of faults, from the next exchange on. */
  faults: FaultProbabilities;
  /** Whether the connection in use is metered. */
  isMetered: boolean;
  /** Speed of the link in both directions. 8,000 is 64 kbit/s, the slowest link that has to work. */
  bytesPerSecond: number;
  /** A request with a larger body is cut off after this many bytes. */
  carriedBytesMax: number;
  /** Longest latency of one direction, without the time of the bytes themselves. */
  latencyMaxMs: number;
  /** Validity of the servers' certificates. A boat whose clock is outside of it rejects them. */
  certificates: Validity;
}
