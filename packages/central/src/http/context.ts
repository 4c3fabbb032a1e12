import type { AdmissionLimits } from '../import/policy.ts';
import type { Log, RandomHex, Store, WallClock } from '../platform/ports.ts';
import type { Admission } from './admission.ts';
import type { NodeCounters } from './metrics.ts';

/** What one node accepts; a body's size is that received and that decoded. */
export type AppLimits = AdmissionLimits;

/**
 * `bodySizeMaxBytes`: 32 parts of the usual size; older boats send a whole log at once, about 10 MB. `importsMax`: what a node
 * of 1 GB survives if all are that large, and below its database connections. `installationImportsMax`: one boat sends one part
 * after the other; two allow for one whose answer was lost.
 */
export const DEFAULT_LIMITS: AppLimits = {
  bodySizeMaxBytes: 32 * 1_048_576,
  importsMax: 8,
  installationImportsMax: 2,
};

/**
 * Questions of boats about all they have that are answered at once: a boat of a million records takes seconds of one connection
 * each. With the imports they are no more than the connections of a node.
 */
export const QUESTIONS_MAX = 2;

/** Everything the app needs of the world. */
export interface AppDeps {
  readonly store: Store;
  readonly wall: WallClock;
  readonly randomHex: RandomHex;
  readonly log: Log;
  /** Opens the fleet page and every boat's status. Undefined: they stay closed. */
  readonly operatorToken?: string | undefined;
  readonly limits?: Partial<AppLimits>;
}

/** What the routes share. */
export interface AppContext extends AppDeps {
  readonly limits: AppLimits;
  readonly admission: Admission;
  /** Boats' questions under way, which take connections of the database from imports. */
  readonly questions: Admission;
  readonly counters: NodeCounters;
}
