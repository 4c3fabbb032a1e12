import { type ExportDocument, type Part, parseIdempotencyKey, toIdempotencyKey } from '@d3kos/protocol';

/** Which part of which export a request carries. */
export interface PartIdentity {
  readonly exportId: string;
  readonly part: Part;
  readonly idempotencyKey: string;
}

/** The identity of a part, or why the request contradicts itself. */
export type IdentityVerdict =
  | { readonly kind: 'identified'; readonly identity: PartIdentity }
  | { readonly kind: 'contradiction'; readonly reason: string };

/**
 * Tells which part a request carries (docs/spec/protocol.md R18, R19). An older boat sends no key: its export's id stands
 * in, and without that the digest of its body, so that the same body sent twice is one import.
 */
export function identifyPart(
  document: ExportDocument,
  keyHeader: string | undefined,
  sha256: string,
): IdentityVerdict {
  const part = document.part ?? { index: 1, count: 1 };
  if (part.index > part.count)
    return contradiction(`part ${part.index} of ${part.count}: the index is above the count`);
  if (document.sequence !== undefined && !Number.isSafeInteger(document.sequence))
    return contradiction('sequence is too large');
  if (keyHeader === undefined) return identified(document.export_id ?? `sha256-${sha256}`, part);
  const key = parseIdempotencyKey(keyHeader);
  if (key === undefined) return contradiction('Idempotency-Key is not <export_id>/<part index>');
  if (document.export_id !== undefined && document.export_id !== key.exportId)
    return contradiction('Idempotency-Key names another export than the document');
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

/** What to do with a part, given the digest stored under its key, if any. */
export type RepeatVerdict = 'store' | 'repeat' | 'conflict';

/** The same key with the same digest repeats, with another it conflicts (docs/spec/protocol.md R28, R29). */
export function judgeRepeat(storedSha256: string | undefined, sha256: string): RepeatVerdict {
  if (storedSha256 === undefined) return 'store';
  return storedSha256 === sha256 ? 'repeat' : 'conflict';
}

/** How much one node works on at once. A body that is still arriving takes room, not a turn: a slow link keeps nobody out. */
export interface AdmissionLimits {
  /** Imports that are unpacked and stored at once. */
  readonly importsMax: number;
  /** Requests of one boat, from their first byte to their answer. */
  readonly installationImportsMax: number;
  /** Largest body; as many of it as are stored at once may be held in all. */
  readonly bodySizeMaxBytes: number;
}

/**
 * Whole bodies that may wait for each that is being stored. One takes some tenths of a second, a large one seconds: whoever is
 * last in this line still has its answer before the 30 s of silence after which a boat gives up.
 */
const WAITING_PER_TURN_MAX = 4;

/** Whether one more request may begin. `busy_installation`: this boat has enough under way; `busy_node`: the line is full. */
export type AdmissionVerdict = 'admit' | 'busy_node' | 'busy_installation';

/** Refuses early, before the body is read: the boats are the buffer (docs/spec/protocol.md R47, R48). */
export function judgeAdmission(
  underWay: { readonly waiting: number; readonly installationImports: number },
  limits: AdmissionLimits,
): AdmissionVerdict {
  if (underWay.installationImports >= limits.installationImportsMax) return 'busy_installation';
  return mayWait(underWay.waiting, limits) ? 'admit' : 'busy_node';
}

/** Whether one more whole body may wait for its turn. */
export function mayWait(waiting: number, limits: AdmissionLimits): boolean {
  return waiting < limits.importsMax * WAITING_PER_TURN_MAX;
}

/** Whether that much more of a body may be held in memory. */
export function mayHold(heldBytes: number, sizeBytes: number, limits: AdmissionLimits): boolean {
  return heldBytes + sizeBytes <= limits.importsMax * limits.bodySizeMaxBytes;
}

const zonedTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/** The time a record claims, as ISO 8601 in UTC, or null where it names no zone or no real moment: a guess would be worse than none. */
export function toClaimedTime(value: unknown): string | null {
  if (typeof value !== 'string' || !zonedTime.test(value)) return null;
  const ms = Date.parse(value.replace(' ', 'T'));
  if (Number.isNaN(ms)) return null;
  const text = new Date(ms).toISOString();
  return /^\d{4}-/.test(text) && !text.startsWith('0000') ? text : null;
}
