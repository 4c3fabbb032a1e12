import type { Answer } from '@d3kos/boat/api';

/** Maximum size of an export file that the page shows. A larger one would make the page slow on the boat's computer. */
export const SHOWN_FILE_MAX_BYTES = 4_000_000;
/** Number of records shown for each category of a file. */
const RECORDS_SHOWN_MAX = 20;

/** A record's field and its value as text. */
export type ShownField = readonly [name: string, value: string];

/** A category of a preview or file: the number of records, and the fields of the first records. */
export interface CategoryContents {
  readonly category: string;
  readonly state: string;
  readonly count: number;
  readonly sizeBytes: number | undefined;
  readonly records: readonly (readonly ShownField[])[];
  /** The fields from which content was removed before the export. */
  readonly redacted: readonly string[];
  /** The export manager's details about the category, for example the keys that are never exported. */
  readonly detail: string;
}

/** Returns the contents of a preview. */
export function toPreviewContents(preview: Answer<'preview'>): readonly CategoryContents[] {
  return Object.entries(preview.categories).map(
    ([category, { state, count, samples, size_bytes, redacted = [], detail = '' }]) => ({
      category,
      state: toShownState(state, count),
      count,
      sizeBytes: size_bytes,
      records: samples.map(toFields),
      redacted: redacted.map(({ field }) => field),
      detail,
    }),
  );
}

/**
 * Returns the contents of an export file. Its `data` has one section per category, which holds either a list under `entries` or
 * one document under `data`. A file of any other form has no contents to show.
 */
export function toFileContents(file: unknown): readonly CategoryContents[] {
  const sections = read(file, 'data');
  if (typeof sections !== 'object' || sections === null) return [];
  return Object.entries(sections).map(([category, section]: [string, unknown]) => {
    const entries = read(section, 'entries');
    const document = read(section, 'data');
    const records = Array.isArray(entries) ? entries : document == null ? [] : [document];
    return {
      category,
      state: toShownState(String(read(section, 'state') ?? 'ok'), records.length),
      count: records.length,
      sizeBytes: undefined,
      records: records.slice(0, RECORDS_SHOWN_MAX).map(toFields),
      redacted: [],
      detail: String(read(section, 'detail') ?? ''),
    };
  });
}

/** Returns the state to show. A source that was read but has no new records gets its own state. */
function toShownState(state: string, count: number): string {
  return state === 'ok' && count === 0 ? 'none' : state;
}

/** Returns a record's fields as they leave the boat. A value that is neither text nor a number is shown as JSON. */
function toFields(record: unknown): readonly ShownField[] {
  const isObject = typeof record === 'object' && record !== null && !Array.isArray(record);
  const fields: readonly [string, unknown][] = isObject ? Object.entries(record) : [['', record]];
  return fields.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
}

function read(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
