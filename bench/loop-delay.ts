/** How often the loop's lateness is sampled. Delays include it: a loop that is never late shows this. */
export const LOOP_RESOLUTION_MS = 10;

/** How late a measured daemon's event loop was, with the sampling interval in it. */
export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}
