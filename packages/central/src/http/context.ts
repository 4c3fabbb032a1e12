import type { Admission } from '../admission/admission.ts';
import type { ImportLimits } from '../admission/policy.ts';
import type { Preparer } from '../import/preparer.ts';
import type { Log, MonotonicClock, RandomHex, Store, WallClock } from '../platform/ports.ts';
import type { CredentialGuard } from './credential-guard.ts';
import type { NodeCounters } from './metrics.ts';

/** Everything the app needs from outside. */
export interface AppDeps {
  readonly store: Store;
  readonly wall: WallClock;
  /** Measures durations. */
  readonly monotonic: MonotonicClock;
  /** Decodes and prepares large bodies, so that they do not occupy the thread that answers requests. */
  readonly preparer: Preparer;
  readonly randomHex: RandomHex;
  readonly log: Log;
  /** Opens the fleet page and the status of every boat. Undefined: both stay closed. */
  readonly operatorToken?: string | undefined;
  readonly limits?: Partial<ImportLimits>;
  /** Addresses of the operator's proxies, whose `X-Forwarded-For` counts. Undefined: none. */
  readonly trustedProxies?: readonly string[];
}

/** State and ports that the handlers share. */
export interface AppContext extends AppDeps {
  readonly limits: ImportLimits;
  /** Decodes and prepares small bodies at once. */
  readonly inlinePreparer: Preparer;
  readonly admission: { readonly imports: Admission; readonly queries: Admission };
  readonly counters: NodeCounters;
  readonly guard: CredentialGuard;
}
