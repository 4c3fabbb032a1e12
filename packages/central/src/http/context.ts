import type { Registry } from 'prom-client';
import type { Admission } from '../admission/admission.ts';
import type { ImportLimits } from '../admission/policy.ts';
import type { WorkMeter } from '../admission/work-meter.ts';
import type { Use } from '../import/policy.ts';
import type { Preparer } from '../import/preparer.ts';
import type { ReadPageFile } from '../platform/page-files.ts';
import type { ConnectionUse } from '../platform/pg-store.ts';
import type { Log, MonotonicClock, RandomHex, Store, WallClock } from '../platform/ports.ts';
import type { PasswordHasher } from '../operators/passwords.ts';
import type { CredentialGuard } from './credential-guard.ts';
import type { DatabaseWatch } from './database-watch.ts';
import type { NodeMetrics } from './metrics.ts';
import type { QuotaGuard } from './quota-guard.ts';

/** Everything the app needs from outside. */
export interface AppDeps {
  readonly store: Store;
  readonly wall: WallClock;
  /** Measures durations. */
  readonly monotonic: MonotonicClock;
  /** Decodes and prepares large bodies, so that they do not occupy the thread that answers requests. */
  readonly preparer: Preparer;
  readonly randomHex: RandomHex;
  /** Hashes the passwords of operators. */
  readonly passwords: PasswordHasher;
  readonly readPageFile: ReadPageFile;
  readonly log: Log;
  /** Opens the fleet page and the status of every boat. Undefined: both stay closed. */
  readonly operatorToken?: string | undefined;
  readonly limits?: Partial<ImportLimits>;
  /** What an installation may use on one day, unless it has limits of its own. */
  readonly quota?: Partial<Use>;
  /** Free bytes of the disk of the database, below which imports are refused, and how to learn the present value. Undefined: unknown. */
  readonly storage?: { readonly reserveBytes: number; readonly freeBytes: () => Promise<number> };
  /** The connections to the database at this moment. Undefined for a store without a pool. */
  readonly connections?: () => ConnectionUse;
  /** Adds the metrics of this process, such as memory and the delay of the event loop. Undefined: none. */
  readonly registerProcessMetrics?: (registry: Registry) => void;
  /** Addresses of the operator's proxies, whose `X-Forwarded-For` counts. Undefined: none. */
  readonly trustedProxies?: readonly string[];
}

/** State and ports that the handlers share. */
export interface AppContext extends AppDeps {
  readonly limits: ImportLimits;
  readonly quota: Use;
  readonly meter: WorkMeter;
  readonly quotaGuard: QuotaGuard;
  /** True while the disk of the database has less free space than its reserve. */
  readonly isStorageShort: () => Promise<boolean>;
  /** Decodes and prepares small bodies at once. */
  readonly inlinePreparer: Preparer;
  readonly admission: { readonly imports: Admission; readonly queries: Admission };
  readonly metrics: NodeMetrics;
  /** Whether the database can serve this node. */
  readonly database: DatabaseWatch;
  readonly guard: CredentialGuard;
}
