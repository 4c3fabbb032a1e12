import type { Admission } from '../admission/admission.ts';
import type { ImportLimits } from '../admission/policy.ts';
import type { Log, RandomHex, Store, WallClock } from '../platform/ports.ts';
import type { NodeCounters } from './metrics.ts';

/** Everything the app needs from outside. */
export interface AppDeps {
  readonly store: Store;
  readonly wall: WallClock;
  readonly randomHex: RandomHex;
  readonly log: Log;
  /** Opens the fleet page and the status of every boat. Undefined: both stay closed. */
  readonly operatorToken?: string | undefined;
  readonly limits?: Partial<ImportLimits>;
}

/** State and ports that the handlers share. */
export interface AppContext extends AppDeps {
  readonly limits: ImportLimits;
  readonly admission: { readonly imports: Admission; readonly queries: Admission };
  readonly counters: NodeCounters;
}
