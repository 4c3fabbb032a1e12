import type { CentralErrorCode } from '@d3kos/protocol';

/**
 * How much of one kind of work a node accepts at a time. Admission is the one decision that turns an authenticated boat away
 * because of load: the limits, the rules and the answers of all refusals are in this file, the counting is in `admission.ts`.
 * Three amounts are counted separately (decision 0026), so that a boat on a slow link takes memory but no permit.
 */
export interface AdmissionLimits {
  /** Permits: requests that are decoded and stored, or answered, at once. */
  readonly permitsMax: number;
  /** Requests of one installation, from the first byte to the answer. */
  readonly installationRequestsMax: number;
  /** Bytes of request bodies held in memory, over all requests. */
  readonly heldSizeMaxBytes: number;
}

/** What an operator sets about imports; `bodySizeMaxBytes` limits a body as received and as decoded. */
export interface ImportLimits {
  readonly bodySizeMaxBytes: number;
  readonly importsMax: number;
  readonly installationImportsMax: number;
}

/**
 * `bodySizeMaxBytes`: 32 parts of the usual size; an older boat sends its whole log at once, about 10 MB. `importsMax`: a node
 * with 1 GB of memory survives this many bodies of the largest size, and it is below the node's database connections.
 * `installationImportsMax`: a boat sends one part after the other; the second request allows for a lost answer.
 */
export const DEFAULT_IMPORT_LIMITS: ImportLimits = {
  bodySizeMaxBytes: 32 * 1_048_576,
  importsMax: 8,
  installationImportsMax: 2,
};

/**
 * Boats' queries answered at once. A query over a million records occupies a database connection for seconds; together with the
 * imports, queries need no more connections than a node has.
 */
const QUERIES_MAX = 2;

/**
 * Requests that may wait for each permit. An import takes some tenths of a second, a large one seconds: the last request in
 * the queue still gets its answer within the 30 s of silence after which a boat gives up on a connection.
 */
const WAITING_PER_PERMIT_MAX = 4;

/** The limits for `POST /api/v1/data/import`. The held bytes are those of as many of the largest bodies as there are permits. */
export function toImportAdmissionLimits(limits: ImportLimits): AdmissionLimits {
  return {
    permitsMax: limits.importsMax,
    installationRequestsMax: limits.installationImportsMax,
    heldSizeMaxBytes: limits.importsMax * limits.bodySizeMaxBytes,
  };
}

/** The limits for boats' queries about what central holds. A query has no body. */
export function toQueryAdmissionLimits(limits: ImportLimits): AdmissionLimits {
  return {
    permitsMax: QUERIES_MAX,
    installationRequestsMax: limits.installationImportsMax,
    heldSizeMaxBytes: 0,
  };
}

/** Whether one more request may begin, or which limit it meets. */
export type AdmissionVerdict = 'admitted' | AdmissionRefusal;
export type AdmissionRefusal = 'installation_busy' | 'node_busy';

/** The answer to each refusal. The boats are the buffer: they keep the export and come back after `Retry-After`. */
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

/** Seconds after which a refused boat may come back: the time of a few imports. */
export const RETRY_AFTER_S = 10;

/** Decides about a request before its body is read. */
export function judgeAdmission(
  inProgress: { readonly waiting: number; readonly installationRequests: number },
  limits: AdmissionLimits,
): AdmissionVerdict {
  if (inProgress.installationRequests >= limits.installationRequestsMax) return 'installation_busy';
  return mayWait(inProgress.waiting, limits) ? 'admitted' : 'node_busy';
}

/** Whether one more request may wait for a permit. */
export function mayWait(waiting: number, limits: AdmissionLimits): boolean {
  return waiting < limits.permitsMax * WAITING_PER_PERMIT_MAX;
}

/** Whether `sizeBytes` more of a body may be held in memory. */
export function mayHold(heldBytes: number, sizeBytes: number, limits: AdmissionLimits): boolean {
  return heldBytes + sizeBytes <= limits.heldSizeMaxBytes;
}
