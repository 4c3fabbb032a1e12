import { RECORD_SIZE_MAX_BYTES, RECORD_VALUES_MAX } from '@d3kos/protocol';
import { countJsonValues } from '../platform/lenient-json.ts';

/**
 * Limits for the fields kept from a record that is too large: their length, in characters of JSON, and the number of their
 * values.
 */
const KEPT_LENGTH_MAX = 256 * 1024;
const KEPT_VALUES_MAX = 5_000;

/** Maximum number of fields listed in `too_large`, and maximum length of each name in characters. */
const NAMED_MAX = 20;
const NAME_LENGTH_MAX = 64;

/** Maximum number of UTF-8 bytes per UTF-16 code unit. */
const CHARACTER_SIZE_MAX_BYTES = 3;

/** A record and its fields. */
export type BoundedRecord = { readonly record_id: string } & Readonly<Record<string, unknown>>;

/**
 * Returns true for a record line that central would reject (docs/spec/protocol.md R68). A line larger than a request would even
 * prevent delivery of the other records in its export.
 */
export function isTooLarge(line: string): boolean {
  if (
    line.length * CHARACTER_SIZE_MAX_BYTES > RECORD_SIZE_MAX_BYTES &&
    Buffer.byteLength(line) > RECORD_SIZE_MAX_BYTES
  )
    return true;
  // Every value except the first takes at least two characters.
  return line.length > 2 * RECORD_VALUES_MAX && countJsonValues(line) > RECORD_VALUES_MAX;
}

/**
 * Returns the record with the fields that fit, in their order, and with the others listed in `too_large` (docs/spec/sources.md,
 * "Common rules").
 */
export function withoutLargeFields(record: BoundedRecord): BoundedRecord {
  const kept: Record<string, unknown> = {};
  const left: string[] = [];
  let length = 0;
  let values = 0;
  for (const [key, value] of Object.entries(record)) {
    const json = JSON.stringify(value) ?? '';
    const newLength = length + key.length + json.length;
    const newValues = values + 1 + countJsonValues(json);
    if (newLength > KEPT_LENGTH_MAX || newValues > KEPT_VALUES_MAX) left.push(key);
    else {
      kept[key] = value;
      length = newLength;
      values = newValues;
    }
  }
  const tooLarge = left.slice(0, NAMED_MAX).map((key) => key.slice(0, NAME_LENGTH_MAX));
  return { ...kept, record_id: record.record_id, too_large: tooLarge };
}
