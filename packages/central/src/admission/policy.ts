/**
 * A node's limits for one kind of work. An authenticated boat is refused because of load only here, at admission. The status,
 * code and message of each refusal are in `ADMISSION_REFUSALS` in `api/refusals.ts`. Several quantities are counted separately
 * (decision 0026), so that a boat on a slow link uses memory but no permit.
 */
export interface AdmissionLimits {
  /** Maximum number of requests with a small body, or of queries, processed at the same time. */
  readonly permitsMax: number;
  /** Permits for requests with a large body. They are separate, so that small bodies never wait for large ones. */
  readonly heavyPermitsMax: number;
  /**
   * Maximum number of concurrent requests from one installation. A request counts until the last byte of its answer is sent.
   */
  readonly installationRequestsMax: number;
  /** Maximum total size of the request bodies in memory. */
  readonly heldSizeMaxBytes: number;
  /** Maximum total size of the request bodies in memory for one installation. */
  readonly installationHeldMaxBytes: number;
  readonly budget: WorkBudget;
}

/** How much of a node's CPU time one installation may use. */
export interface WorkBudget {
  /** CPU time that may be used in a burst. */
  readonly burstMs: number;
  /** Share of one CPU core that may be used continuously, above 0 and at most 1. */
  readonly share: number;
}

/** A body is light if the node's main thread decodes and prepares it (`import/thread-policy.ts`). */
export type Lane = 'light' | 'heavy';

/** The operator's import limits. `bodySizeMaxBytes` limits both the received and the decoded body. */
export interface ImportLimits {
  readonly bodySizeMaxBytes: number;
  readonly importsMax: number;
  readonly installationImportsMax: number;
  readonly installationCpuPercent: number;
}

/**
 * The default limits. `bodySizeMaxBytes` is 32 times the usual part size, because an older boat sends its complete log of about
 * 10 MB at once. A node with 1 GB of memory can hold `importsMax` bodies of maximum size, and has more database connections than
 * `importsMax`. `installationImportsMax` is 2: a boat sends one part at a time, and the second request allows for a lost answer.
 * A boat that sends ordinary parts as fast as a node stores them uses less than `installationCpuPercent` of a core.
 */
export const DEFAULT_IMPORT_LIMITS: ImportLimits = {
  bodySizeMaxBytes: 32 * 1_048_576,
  importsMax: 8,
  installationImportsMax: 2,
  installationCpuPercent: 25,
};

/**
 * CPU time that an installation may use in a burst: about 20 bodies of maximum size. A boat that was away for a season sends
 * fewer.
 */
const WORK_BURST_MS = 30_000;

/**
 * Maximum number of concurrent queries from boats. A query over a million records occupies a database connection for seconds.
 * Together, imports and queries never need more connections than a node has.
 */
const QUERIES_MAX = 2;

/**
 * Number of requests that may wait for each permit. An ordinary import takes a few tenths of a second, and a large one takes
 * seconds. The last request in the queue is therefore answered before the boat drops the connection after 30 s of silence.
 */
const WAITING_PER_PERMIT_MAX = 4;

/**
 * Longest wait for a permit. The queue moves slowly only if the database is slow. A request that has waited longer is refused
 * when its turn comes, because a boat drops the connection after 30 s of silence and would not get its receipt.
 */
const WAIT_MAX_MS = 10_000;

/** True if a request that has waited `waitedMs` for a permit would be answered too late to be useful. */
export function hasWaitedTooLong(waitedMs: number): boolean {
  return waitedMs > WAIT_MAX_MS;
}

/** Above this number of installations, the meter drops those whose CPU time has decayed to zero. Each takes about 150 bytes. */
export const METERED_INSTALLATIONS_MAX = 10_000;

/**
 * Returns the limits for `POST /api/v1/data/import`. The bytes in memory are limited to one body of maximum size per permit, and
 * to one such body per installation. Half of the permits are for large bodies.
 */
export function toImportAdmissionLimits(limits: ImportLimits): AdmissionLimits {
  const heavyPermitsMax = Math.max(1, Math.floor(limits.importsMax / 2));
  return {
    permitsMax: Math.max(1, limits.importsMax - heavyPermitsMax),
    heavyPermitsMax,
    installationRequestsMax: limits.installationImportsMax,
    heldSizeMaxBytes: limits.importsMax * limits.bodySizeMaxBytes,
    installationHeldMaxBytes: limits.bodySizeMaxBytes,
    budget: toWorkBudget(limits),
  };
}

/** Limits for queries from boats about their stored exports. A query has no body. */
export function toQueryAdmissionLimits(limits: ImportLimits): AdmissionLimits {
  return {
    permitsMax: QUERIES_MAX,
    heavyPermitsMax: 1,
    installationRequestsMax: limits.installationImportsMax,
    heldSizeMaxBytes: 0,
    installationHeldMaxBytes: 0,
    budget: toWorkBudget(limits),
  };
}

/** Each installation's budget on a node. */
export function toWorkBudget({ installationCpuPercent }: ImportLimits): WorkBudget {
  return { burstMs: WORK_BURST_MS, share: installationCpuPercent / 100 };
}

/** Permission to begin one more request, or the limit that it would exceed. */
export type AdmissionVerdict = 'admitted' | AdmissionRefusal;
export type AdmissionRefusal = 'installation_busy' | 'installation_over_budget' | 'node_busy';

/** `Retry-After` for a refused boat: about as long as a few imports take. */
export const RETRY_AFTER_S = 10;

/** Decides whether to admit a request before its body is read. */
export function judgeAdmission(
  facts: {
    readonly isQueueFull: boolean;
    readonly installationRequests: number;
    /** The installation's recent CPU time (see `toDecayedMs`). */
    readonly spentMs: number;
  },
  limits: AdmissionLimits,
): AdmissionVerdict {
  if (facts.installationRequests >= limits.installationRequestsMax) return 'installation_busy';
  if (facts.spentMs >= limits.budget.burstMs) return 'installation_over_budget';
  return facts.isQueueFull ? 'node_busy' : 'admitted';
}

/** True if one more request may wait for one of `permitsMax` permits. */
export function mayWait(waiting: number, permitsMax: number): boolean {
  return waiting < permitsMax * WAITING_PER_PERMIT_MAX;
}

/** Returns the limit that `sizeBytes` more bytes in memory would exceed, or undefined. */
export function judgeHold(
  held: { readonly total: number; readonly installation: number },
  sizeBytes: number,
  limits: AdmissionLimits,
): AdmissionRefusal | undefined {
  if (held.installation + sizeBytes > limits.installationHeldMaxBytes) return 'installation_busy';
  return held.total + sizeBytes > limits.heldSizeMaxBytes ? 'node_busy' : undefined;
}

/** Returns what remains of `spentMs` of CPU time after `elapsedMs`. The budget's share of the elapsed time is subtracted. */
export function toDecayedMs(spentMs: number, elapsedMs: number, { share }: WorkBudget): number {
  return Math.max(0, spentMs - elapsedMs * share);
}

/** One upload's progress in the current time window. */
export interface UploadWindow {
  readonly startMs: number;
  readonly sizeBytes: number;
  /** Whether the previous window was slow. */
  readonly wasSlow: boolean;
}

/** Length of the window in which upload speed is measured: longer than the pauses of a mobile link. */
const WINDOW_MS = 15_000;

/**
 * Speed below which an upload counts as slow while memory is short. A satellite link of 64 kbit/s is twice as fast. The boat
 * repeats an evicted upload later.
 */
const SPEED_MIN_BYTES_PER_S = 4_096;

/** Adds bytes to an upload's window, or begins a new one. */
export function toNextWindow(window: UploadWindow, sizeBytes: number, nowMs: number): UploadWindow {
  if (nowMs - window.startMs < WINDOW_MS) return { ...window, sizeBytes: window.sizeBytes + sizeBytes };
  return { startMs: nowMs, sizeBytes, wasSlow: isSlow(window, nowMs) };
}

/** True if an upload is slower than SPEED_MIN_BYTES_PER_S. */
export function isSlow({ startMs, sizeBytes, wasSlow }: UploadWindow, nowMs: number): boolean {
  const elapsedMs = nowMs - startMs;
  return elapsedMs < WINDOW_MS ? wasSlow : sizeBytes < (SPEED_MIN_BYTES_PER_S * elapsedMs) / 1_000;
}

/** Returns the slow upload that holds the most bytes, or undefined if none is slow. */
export function chooseEviction<U extends { readonly heldBytes: number; readonly window: UploadWindow }>(
  uploads: readonly U[],
  nowMs: number,
): U | undefined {
  return uploads
    .filter(({ heldBytes, window }) => heldBytes > 0 && isSlow(window, nowMs))
    .reduce<U | undefined>(
      (most, one) => (most === undefined || one.heldBytes > most.heldBytes ? one : most),
      undefined,
    );
}
