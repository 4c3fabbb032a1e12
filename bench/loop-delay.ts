/** Sampling interval. Measured delays include it, so an event loop without delay has this value. */
export const LOOP_RESOLUTION_MS = 10;

/** The event loop delay of a measured daemon, including the sampling interval. */
export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}
