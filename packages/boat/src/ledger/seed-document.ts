import { createHash } from 'node:crypto';
import { type Category, isDocumentCategory } from '@d3kos/protocol';

type PlainObject = Readonly<Record<string, unknown>>;

/** True for a JSON object (not an array, not null). */
export function isPlainObject(value: unknown): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Which field of an older exporter's record names it, where there is one. */
const IDENTITY_FIELDS: Readonly<Partial<Record<Category, string>>> = {
  boatlog: 'entry_id',
  marine_vision_captures: 'capture_id',
};

/**
 * The records of one section of an older exporter's document, each with the `record_id` that the collectors give the same
 * row, so that central stores it once. A record without an identity of its own is named by its content.
 */
export function toSeedRecords(
  category: Category,
  section: unknown,
  exportTimestamp: string,
): readonly PlainObject[] {
  if (!isPlainObject(section)) return [];
  if (isDocumentCategory(category)) {
    const data = section['data'];
    if (!isPlainObject(data) || Object.keys(data).length === 0) return [];
    return [{ record_id: category === 'telemetry' ? `telemetry@${exportTimestamp}` : category, ...data }];
  }
  const entries = section['entries'];
  if (!Array.isArray(entries)) return [];
  return entries
    .filter(isPlainObject)
    .map((entry) => ({ record_id: toSeedIdentity(category, entry), ...entry }));
}

function toSeedIdentity(category: Category, entry: PlainObject): string {
  if (typeof entry['record_id'] === 'string') return entry['record_id'];
  const field = IDENTITY_FIELDS[category];
  const id = field === undefined ? undefined : entry[field];
  if (typeof id === 'string' || typeof id === 'number') return `${id}@${String(entry['timestamp'] ?? '')}`;
  return `~${createHash('sha256').update(JSON.stringify(entry)).digest('hex').slice(0, 32)}`;
}
