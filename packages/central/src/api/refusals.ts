import type { CentralErrorCode } from '@d3kos/protocol';

/** Every refusal, with its status and the `error_code` of its body. */
export const REFUSALS = {
  INVALID_FORMAT: { status: 400, code: 'INVALID_FORMAT' },
  INVALID_DIGEST: { status: 400, code: 'INVALID_DIGEST' },
  INVALID_TOKEN: { status: 401, code: 'INVALID_TOKEN' },
  INSTALLATION_MISMATCH: { status: 403, code: 'INSTALLATION_MISMATCH' },
  INSTALLATION_DISABLED: { status: 403, code: 'INSTALLATION_DISABLED' },
  INVALID_LOGIN: { status: 401, code: 'INVALID_LOGIN' },
  FORBIDDEN: { status: 403, code: 'FORBIDDEN' },
  ORIGIN_REFUSED: { status: 403, code: 'ORIGIN_REFUSED' },
  ACCOUNT_EXISTS: { status: 409, code: 'ACCOUNT_EXISTS' },
  INVALID_CODE: { status: 403, code: 'INVALID_CODE' },
  NOT_FOUND: { status: 404, code: 'NOT_FOUND' },
  METHOD_NOT_ALLOWED: { status: 405, code: 'METHOD_NOT_ALLOWED' },
  /** The body ended early. A boat tries again after 408; 400 would fail the export permanently. */
  BODY_INCOMPLETE: { status: 408, code: 'UNAVAILABLE' },
  IDEMPOTENCY_CONFLICT: { status: 409, code: 'IDEMPOTENCY_CONFLICT' },
  LEDGER_DIVERGED: { status: 409, code: 'LEDGER_DIVERGED' },
  BODY_TOO_LARGE: { status: 413, code: 'BODY_TOO_LARGE' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
  TOO_MANY_REQUESTS: { status: 429, code: 'TOO_MANY_REQUESTS' },
  QUOTA_EXCEEDED: { status: 429, code: 'QUOTA_EXCEEDED' },
  INTERNAL: { status: 500, code: 'INTERNAL' },
  UNAVAILABLE: { status: 503, code: 'UNAVAILABLE' },
} as const satisfies Readonly<
  Record<CentralErrorCode | 'BODY_INCOMPLETE', { readonly status: number; readonly code: CentralErrorCode }>
>;
export type Refusal = keyof typeof REFUSALS;

/**
 * Admission's refusals, by the limit that a request exceeds (`admission/policy.ts`). A refused boat keeps its export and sends it
 * again after `Retry-After`.
 */
export const ADMISSION_REFUSALS = {
  // R47: "Central MUST answer 429 `TOO_MANY_REQUESTS` when one installation has too many requests in progress."
  installation_busy: {
    refusal: 'TOO_MANY_REQUESTS',
    message: 'other requests of this installation are still in progress',
  },
  // R70: "Central MUST answer 429 `TOO_MANY_REQUESTS` when one installation takes more than its share of a node."
  installation_over_budget: {
    refusal: 'TOO_MANY_REQUESTS',
    message: 'the requests of this installation use too much CPU time',
  },
  // R48: "Central MUST answer 503 `UNAVAILABLE` when the node is at its limits or the database does not answer."
  node_busy: { refusal: 'UNAVAILABLE', message: 'this node is at its limit of concurrent requests' },
} as const satisfies Readonly<
  Record<string, { readonly refusal: 'TOO_MANY_REQUESTS' | 'UNAVAILABLE'; readonly message: string }>
>;
