import { type Static, Type } from 'typebox';
import { PartSchema } from './document.ts';

/** A rejected record, with the reason. The document's other records are stored (docs/spec/protocol.md R31). */
export const RejectedRecordSchema = Type.Object({
  category: Type.String(),
  record_id: Type.String(),
  reason: Type.String(),
});
export type RejectedRecord = Static<typeof RejectedRecordSchema>;

/**
 * Central's proof that it holds a part. docs/spec/protocol.md R33: "A receipt MUST be a 2xx answer in JSON with the fields
 * shown above, where `sha256` is the digest of the decoded body." The same bytes under the same key get the same receipt, with
 * `duplicate: true` (R28).
 */
export const ReceiptSchema = Type.Object({
  status: Type.Literal('success'),
  import_id: Type.String({ minLength: 1, maxLength: 100 }),
  export_id: Type.String(),
  part: PartSchema,
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  records_imported: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
  rejected_records: Type.Array(RejectedRecordSchema),
  duplicate: Type.Boolean(),
  timestamp: Type.String(),
});
export type Receipt = Static<typeof ReceiptSchema>;

/**
 * Maximum number of sequences in `missing_sequences` (R87). It covers two years of daily exports and adds at most 8 KB to an
 * answer. The answer to the next export continues a truncated list.
 */
export const MISSING_SEQUENCES_MAX = 1_000;

/**
 * The answer to a part that central holds: its receipt, and the lower sequences of the same ledger that central is missing at
 * that moment (docs/spec/protocol.md R87). The list is not part of the proof, so it is neither stored nor repeated with the
 * receipt.
 */
export const ImportAnswerSchema = Type.Object({
  ...ReceiptSchema.properties,
  missing_sequences: Type.Optional(
    Type.Array(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), {
      maxItems: MISSING_SEQUENCES_MAX,
    }),
  ),
});
export type ImportAnswer = Static<typeof ImportAnswerSchema>;

/**
 * The error codes that central may return. An error answer in any other form did not come from central (docs/spec/protocol.md
 * R36).
 */
export const CENTRAL_ERROR_CODES = [
  'INVALID_FORMAT',
  'INVALID_DIGEST',
  'INVALID_TOKEN',
  'INSTALLATION_MISMATCH',
  'INSTALLATION_DISABLED',
  'INVALID_LOGIN',
  'FORBIDDEN',
  'ORIGIN_REFUSED',
  'ACCOUNT_EXISTS',
  'INVALID_CODE',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'IDEMPOTENCY_CONFLICT',
  'LEDGER_DIVERGED',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'TOO_MANY_REQUESTS',
  'QUOTA_EXCEEDED',
  'INTERNAL',
  'UNAVAILABLE',
] as const;
export type CentralErrorCode = (typeof CENTRAL_ERROR_CODES)[number];

/** A refusal of central. R39: "A boat MUST base its decision on the status of a refusal, except for
 * `LEDGER_DIVERGED`, and MUST accept unknown error codes." */
export const CentralErrorSchema = Type.Object({
  status: Type.Literal('error'),
  error_code: Type.String({ minLength: 1, maxLength: 80 }),
  message: Type.String(),
  required_version: Type.Optional(Type.String()),
});
export type CentralError = Static<typeof CentralErrorSchema>;

/**
 * The health answer (R49). `service` prevents a boat from mistaking a captive portal for central. `time` reveals how wrong the
 * boat's clock is.
 */
export const HealthSchema = Type.Object({
  service: Type.Literal('d3kos-central'),
  status: Type.String(),
  time: Type.String(),
});
export type Health = Static<typeof HealthSchema>;

/**
 * The receipts for the parts of one export that central holds, ordered by part index. R52: "… and with `next`, which is the value
 * of `after` for the next page, or null."
 */
export const HeldPartsSchema = Type.Object({
  status: Type.Literal('success'),
  export_id: Type.String(),
  parts: Type.Array(ReceiptSchema),
  next: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
});
export type HeldParts = Static<typeof HeldPartsSchema>;
