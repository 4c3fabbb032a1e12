import { type ExportDocument, type Part, parseIdempotencyKey, toIdempotencyKey } from '@d3kos/protocol';

/** Identifies the part, and its export, that a request carries. */
export interface PartIdentity {
  readonly exportId: string;
  readonly part: Part;
  readonly idempotencyKey: string;
}

/** A part's identity, or why the request contradicts itself. */
export type IdentityVerdict =
  | { readonly kind: 'identified'; readonly identity: PartIdentity }
  | { readonly kind: 'contradiction'; readonly reason: string };

/**
 * Returns which part a request carries. An older boat sends no key. Its document is identified by its export ID or, if it has
 * none, by the digest of the body, so that the same body sent twice is one import.
 */
export function identifyPart(
  document: Omit<ExportDocument, 'data'>,
  keyHeader: string | undefined,
  sha256: string,
): IdentityVerdict {
  // docs/spec/protocol.md R14: "Central MUST treat a document without `part` as part 1 of 1."
  const part = document.part ?? { index: 1, count: 1 };
  if (part.index > part.count)
    return contradiction(`part ${part.index} of ${part.count}: the index is above the count`);
  if (document.sequence !== undefined && !Number.isSafeInteger(document.sequence))
    return contradiction('sequence is too large');
  // docs/spec/protocol.md R19: "Central MUST identify a document without an `Idempotency-Key` by its `export_id`, or by the
  // digest of its body if it has no `export_id`."
  if (keyHeader === undefined) return identified(document.export_id ?? `sha256-${sha256}`, part);
  const key = parseIdempotencyKey(keyHeader);
  if (key === undefined) return contradiction('Idempotency-Key is not <export_id>/<part index>');
  // docs/spec/protocol.md R18: "Central MUST refuse with 400 `INVALID_FORMAT` an `Idempotency-Key` that contradicts the
  // document."
  if (document.export_id !== undefined && document.export_id !== key.exportId)
    return contradiction('Idempotency-Key names a different export than the document');
  if (key.partIndex !== part.index)
    return contradiction(`Idempotency-Key names part ${key.partIndex}, the document is part ${part.index}`);
  return identified(key.exportId, part);
}

function identified(exportId: string, part: Part): IdentityVerdict {
  return {
    kind: 'identified',
    identity: { exportId, part, idempotencyKey: toIdempotencyKey(exportId, part.index) },
  };
}

function contradiction(reason: string): IdentityVerdict {
  return { kind: 'contradiction', reason };
}

/** How to treat a part, given the digest stored under its key. */
export type RepeatVerdict = 'store' | 'repeat' | 'conflict';

/** Compares a part with the digest already stored under its key, or undefined if there is none. */
export function judgeRepeat(storedSha256: string | undefined, sha256: string): RepeatVerdict {
  if (storedSha256 === undefined) return 'store';
  return storedSha256 === sha256 ? 'repeat' : 'conflict';
}
