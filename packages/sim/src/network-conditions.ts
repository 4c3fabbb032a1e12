import type { FaultProbabilities } from './network-faults.ts';
import type { RefusingProxy } from './network-proxy.ts';

/** A TLS certificate's validity period, in true time. */
export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Conditions for every exchange with the internet. A scenario may change them at any time, even during an exchange. */
export interface NetworkConditions {
  /** Probabilities of faults. A change takes effect with the next exchange. */
  faults: FaultProbabilities;
  /** Whether the connection in use is metered. */
  isMetered: boolean;
  /** Speed of the link in both directions. 8,000 is 64 kbit/s, the slowest link on which the boat has to work. */
  bytesPerSecond: number;
  /** The connection breaks after this many bytes of a request body. */
  carriedBytesMax: number;
  /** A proxy that refuses certain bodies, or undefined if there is none. */
  proxy: RefusingProxy | undefined;
  /** Maximum latency in one direction, not counting the transfer of the bytes. */
  latencyMaxMs: number;
  /** Validity period of the servers' certificates. A boat rejects them if its clock is outside this period. */
  certificates: Validity;
}
