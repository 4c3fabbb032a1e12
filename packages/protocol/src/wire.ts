/** The import route, relative to central's URL (docs/spec/protocol.md R11). */
export const IMPORT_PATH = '/api/v1/data/import';
/** The health route (docs/spec/protocol.md R49). */
export const HEALTH_PATH = '/api/v1/health';

/**
 * The request header with the ID of the boat's current ledger. It differs from the document's `ledger_id` if the export belongs
 * to a lost ledger (docs/spec/protocol.md R75).
 */
export const LEDGER_ID_HEADER = 'Ledger-Id';

/** The request header with the public half of the boat's bundle key (docs/spec/protocol.md R81). */
export const BUNDLE_KEY_HEADER = 'Bundle-Key';

/**
 * Content codings. `identity` is sent without a header. Central lists the codings it accepts in the `Accept-Encoding` header of
 * its answers (R22, R23).
 */
export const CONTENT_CODINGS = ['identity', 'gzip', 'br', 'zstd'] as const;
export type ContentCoding = (typeof CONTENT_CODINGS)[number];

/** An export file up to this size is sent as one part. A larger one is split at line breaks into parts of about this size. */
export const PART_SIZE_BYTES = 1_048_576;

/** Returns `<export_id>/<part index>` (R16). A part keeps its key when it is sent again. */
export function toIdempotencyKey(exportId: string, partIndex: number): string {
  return `${exportId}/${partIndex}`;
}

/** Returns the export ID and part index in an idempotency key, or undefined if the text is not a key. */
export function parseIdempotencyKey(
  key: string,
): { readonly exportId: string; readonly partIndex: number } | undefined {
  const match = /^([A-Za-z0-9_.-]{1,80})\/([1-9][0-9]{0,6})$/.exec(key);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { exportId: match[1], partIndex: Number(match[2]) };
}

/** Returns the RFC 9530 `Content-Digest` header for a SHA-256 in base64, of the bytes as sent after compression (R20). */
export function toContentDigest(sha256Base64: string): string {
  return `sha-256=:${sha256Base64}:`;
}

/**
 * Returns the base64 SHA-256 of a `Content-Digest` header, or undefined. Other algorithms of the RFC 9530 dictionary are
 * ignored.
 */
export function parseContentDigest(header: string): string | undefined {
  return /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(header)?.[1];
}
