import type { CentralErrorCode } from '@d3kos/protocol';

/**
 * The limits of one kind of work on a node. Only admission refuses an authenticated boat because of load. This file has the
 * limits, the rules, and the code and message of each refusal. `REFUSALS` in `api/contract.ts` has its HTTP status, and `admission.ts` does the counting. Three amounts are counted separately
 * (decision 0026), so that a boat on a slow link uses memory but no permit.
 */
export interface AdmissionLimits {
  /** Permits: requests that are decoded and stored, or answered, at once. */
  readonly permitsMax: number;
  /** Requests of one installation, from the first byte to the answer. */
  readonly installationRequestsMax: number;
  /** Bytes of request bodies held in memory, over all requests. */
  readonly heldSizeMaxBytes: number;
}

/** The settings of the operator for imports. `bodySizeMaxBytes` limits a body as received and as decoded. */
export interface ImportLimits {
  readonly bodySizeMaxBytes: number;
  readonly importsMax: number;
  readonly installationImportsMax: number;
}

/**
 * The default limits. `bodySizeMaxBytes` is 32 parts of the usual size, because an older boat sends its whole log of about 10 MB
 * at once. `importsMax` bodies of the largest size fit a node with 1 GB of memory, and a node has more database connections than
 * that. `installationImportsMax` is 2: a boat sends one part at a time, and the second request allows for a lost answer.
 */
export const DEFAULT_IMPORT_LIMITS: ImportLimits = {
  bodySizeMaxBytes: 32 * 1_048_576,
  importsMax: 8,
  installationImportsMax: 2,
};

/**
 * Most concurrent queries of boats. A query over a million records occupies a database connection for seconds. Imports and
 * queries together need no more connections than a node has.
 */
const QUERIES_MAX = 2;

/**
 * Requests that may wait for each permit. An ordinary import takes some tenths of a second, and a large one seconds. The last
 * request in the queue therefore gets its answer before a boat drops the connection after 30 s of silence.
 */
const WAITING_PER_PERMIT_MAX = 4;

/** Returns the limits for `POST /api/v1/data/import`. The bytes in memory may be as many as one largest body for each permit. */
export function toImportAdmissionLimits(limits: ImportLimits): AdmissionLimits {
  return {
    permitsMax: limits.importsMax,
    installationRequestsMax: limits.installationImportsMax,
    heldSizeMaxBytes: limits.importsMax * limits.bodySizeMaxBytes,
  };
}

/** The limits for queries of boats about their stored exports. A query has no body. */
export function toQueryAdmissionLimits(limits: ImportLimits): AdmissionLimits {
  return {
    permitsMax: QUERIES_MAX,
    installationRequestsMax: limits.installationImportsMax,
    heldSizeMaxBytes: 0,
  };
}

/** The decision whether one more request may begin, or the limit that it exceeds. */
export type AdmissionVerdict = 'admitted' | AdmissionRefusal;
export type AdmissionRefusal = 'installation_busy' | 'node_busy';

/** The code and message of each refusal. `REFUSALS` in `api/contract.ts` has the HTTP status. A refused boat keeps its export and sends it again after `Retry-After`. */
export const ADMISSION_REFUSALS = {
  // R47: "Central MUST answer 429 `TOO_MANY_REQUESTS` when one installation has too many requests in progress."
  installation_busy: {
    code: 'TOO_MANY_REQUESTS',
    message: 'other requests of this installation are still in progress',
  },
  // R48: "Central MUST answer 503 `UNAVAILABLE` when the node is at its limits or the database does not answer."
  node_busy: { code: 'UNAVAILABLE', message: 'this node is at its limit of concurrent requests' },
} as const satisfies Readonly<
  Record<AdmissionRefusal, { readonly code: CentralErrorCode; readonly message: string }>
>;

/** `Retry-After` for a refused boat: the time of a few imports. */
export const RETRY_AFTER_S = 10;

/** Decides whether to admit a request before its body is read. */
export function judgeAdmission(
  inProgress: { readonly waiting: number; readonly installationRequests: number },
  limits: AdmissionLimits,
): AdmissionVerdict {
  if (inProgress.installationRequests >= limits.installationRequestsMax) return 'installation_busy';
  return mayWait(inProgress.waiting, limits) ? 'admitted' : 'node_busy';
}

/** True if one more request may wait for a permit. */
export function mayWait(waiting: number, limits: AdmissionLimits): boolean {
  return waiting < limits.permitsMax * WAITING_PER_PERMIT_MAX;
}

/** True if `sizeBytes` more bytes of a body may be held in memory. */
export function mayHold(heldBytes: number, sizeBytes: number, limits: AdmissionLimits): boolean {
  return heldBytes + sizeBytes <= limits.heldSizeMaxBytes;
}
