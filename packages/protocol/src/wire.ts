/** Where documents go, relative to the central's URL (docs/spec/protocol.md R11). */
export const IMPORT_PATH = '/api/v1/data/import';
/** Where a boat learns whether central is there at all. */
export const HEALTH_PATH = '/api/v1/health';

/** Content codings of the wire; `identity` is sent as no header. Central names what it takes in `Accept-Encoding` of its answers. */
export const CONTENT_CODINGS = ['identity', 'gzip', 'br', 'zstd'] as const;
export type ContentCoding = (typeof CONTENT_CODINGS)[number];

/** An export up to this size is one part: the file itself. Larger ones are cut at line ends into parts of about this size. */
export const PART_SIZE_BYTES = 1_048_576;

/** `<export_id>/<part index>`: one part, whatever the number of times it is sent. */
export function toIdempotencyKey(exportId: string, partIndex: number): string {
  return `${exportId}/${partIndex}`;
}

/** The export and part an idempotency key names, or undefined where it has another form. */
export function parseIdempotencyKey(
  key: string,
): { readonly exportId: string; readonly partIndex: number } | undefined {
  const match = /^([A-Za-z0-9_.-]{1,80})\/([1-9][0-9]{0,6})$/.exec(key);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { exportId: match[1], partIndex: Number(match[2]) };
}

/** RFC 9530 `Content-Digest` of a SHA-256 given in base64: the digest of the bytes sent, after compression. */
export function toContentDigest(sha256Base64: string): string {
  return `sha-256=:${sha256Base64}:`;
}

/** The base64 SHA-256 of a `Content-Digest` header (RFC 9530 dictionary; other algorithms are passed over), or undefined. */
export function parseContentDigest(header: string): string | undefined {
  return /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(header)?.[1];
}
