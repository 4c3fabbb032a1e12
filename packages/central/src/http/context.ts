import type { Registry } from 'prom-client';
import type { Admission } from '../admission/admission.ts';
import type { ImportLimits } from '../admission/policy.ts';
import type { WorkMeter } from '../admission/work-meter.ts';
import type { Use } from '../import/quota-policy.ts';
import type { Preparer } from '../import/preparer.ts';
import type { ReadPageFile } from '../platform/page-files.ts';
import type { ConnectionUse } from '../platform/pg-store.ts';
import type { Log, MonotonicClock, RandomHex, Store, WallClock } from '../platform/ports.ts';
import type { PasswordHasher } from '../operators/passwords.ts';
import type { ArchiveSlots } from './archive-slots.ts';
import type { CredentialGuard } from './credential-guard.ts';
import type { DatabaseWatch } from './database-watch.ts';
import type { NodeMetrics } from './metrics.ts';
import type { QuotaGuard } from './quota-guard.ts';

/** The app's dependencies. */
export interface AppDeps {
  readonly store: Store;
  readonly wall: WallClock;
  /** Measures durations. */
  readonly monotonic: MonotonicClock;
  /** Decodes and prepares large bodies off the thread that answers requests. */
  readonly preparer: Preparer;
  readonly randomHex: RandomHex;
  /** Hashes operators' passwords. */
  readonly passwords: PasswordHasher;
  readonly readPageFile: ReadPageFile;
  readonly log: Log;
  /** Gives access to the Fleet page and to the status of every boat. Undefined if no token is set. */
  readonly operatorToken?: string | undefined;
  readonly limits?: Partial<ImportLimits>;
  /** The daily quota of an installation that has no individual limits. */
  readonly quota?: Partial<Use>;
  /**
   * Imports are refused while the database's disk has fewer free bytes than `reserveBytes`; `freeBytes` returns the current
   * value. Undefined if the free space cannot be determined.
   */
  readonly storage?: { readonly reserveBytes: number; readonly freeBytes: () => Promise<number> };
  /** The node's current database connections. Undefined for a store without a pool. */
  readonly connections?: () => ConnectionUse;
  /** Adds metrics about this process, such as memory and event loop delay. */
  readonly registerProcessMetrics?: (registry: Registry) => void;
  /** Addresses of the operator's proxies, whose `X-Forwarded-For` is trusted. No proxy is trusted by default. */
  readonly trustedProxies?: readonly string[];
}

/** The state and ports that the handlers share. */
export interface AppContext extends AppDeps {
  readonly limits: ImportLimits;
  readonly quota: Use;
  readonly meter: WorkMeter;
  readonly quotaGuard: QuotaGuard;
  /** True while the database's disk has less free space than its reserve. */
  readonly isStorageShort: () => Promise<boolean>;
  /** Decodes and prepares small bodies on the calling thread. */
  readonly inlinePreparer: Preparer;
  readonly admission: { readonly imports: Admission; readonly queries: Admission };
  readonly archives: ArchiveSlots;
  readonly metrics: NodeMetrics;
  /** Whether the database can serve this node. */
  readonly database: DatabaseWatch;
  readonly guard: CredentialGuard;
}
