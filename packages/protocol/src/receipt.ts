import { type Static, Type } from 'typebox';
import { PartSchema } from './document.ts';

/** One record central could not take, and why. The rest of its document was stored. */
export const RejectedRecordSchema = Type.Object({
  category: Type.String(),
  record_id: Type.String(),
  reason: Type.String(),
});
export type RejectedRecord = Static<typeof RejectedRecordSchema>;

/**
 * Central's proof that it holds a part: `sha256` is the hex digest of the decoded body it stored.
 * The same bytes under the same key get the same receipt again, with `duplicate: true`.
 * docs/spec/protocol.md R33: "A receipt MUST be a 2xx answer in JSON with the fields shown above, where `sha256` is
 * the digest of the decoded body."
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

/** Why central refuses. An answer with another shape is not central's. */
export const CENTRAL_ERROR_CODES = [
  'INVALID_FORMAT',
  'INVALID_DIGEST',
  'INVALID_TOKEN',
  'INSTALLATION_MISMATCH',
  'INSTALLATION_DISABLED',
  'FLEET_CLOSED',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'IDEMPOTENCY_CONFLICT',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'TOO_MANY_REQUESTS',
  'INTERNAL',
  'UNAVAILABLE',
] as const;
export type CentralErrorCode = (typeof CENTRAL_ERROR_CODES)[number];

/** Any refusal of central. `error_code` is open: another central may have codes of its own, and the HTTP status decides. */
export const CentralErrorSchema = Type.Object({
  status: Type.Literal('error'),
  error_code: Type.String({ minLength: 1, maxLength: 80 }),
  message: Type.String(),
  required_version: Type.Optional(Type.String()),
});
export type CentralError = Static<typeof CentralErrorSchema>;

/** `GET /api/v1/health`: names itself, so that a captive portal cannot be mistaken for it. `time` tells a boat how wrong its clock is. */
export const HealthSchema = Type.Object({
  service: Type.Literal('d3kos-central'),
  status: Type.String(),
  time: Type.String(),
});
export type Health = Static<typeof HealthSchema>;

/**
 * `GET /api/v1/data/import/{export_id}`: the receipts of the parts that central holds of one export of the asking
 * installation, by part index. `next`: ask again with `?after=` that index for the rest; null at the end.
 */
export const HeldPartsSchema = Type.Object({
  status: Type.Literal('success'),
  export_id: Type.String(),
  parts: Type.Array(ReceiptSchema),
  next: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
});
export type HeldParts = Static<typeof HeldPartsSchema>;
