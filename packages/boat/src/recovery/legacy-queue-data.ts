import { CATEGORIES, type Category, isCategory, isDocumentCategory } from '@d3kos/protocol';
import { parseLegacyJson } from './legacy-json.ts';
import { isPlainObject, type PlainObject, toSectionRecords } from './legacy-document.ts';

/** Export data that the legacy exporter stored inside its queue, in the shape of a legacy document. */
export interface LegacyDocument {
  /** The unvalidated value. Undefined if the data has none. */
  readonly installationId: unknown;
  readonly exportTimestamp: string | undefined;
  /** Sections by category, unchanged. */
  readonly data: Readonly<Partial<Record<Category, unknown>>>;
  /** True for loose records without a document. Several of them may be combined into one export. */
  readonly isLoose: boolean;
  /** False if part of the data has an unknown shape. The source file must then be kept. */
  readonly isWhole: boolean;
}

/**
 * Reads a legacy queue item's inline `data`: a document, its sections, one section, a list of records, or one record. `type`
 * specifies the category of the last two. Also parses JSON that is stored as a string. Returns undefined for other shapes,
 * because their category cannot be determined.
 */
export function toLegacyDocument(type: unknown, data: unknown): LegacyDocument | undefined {
  if (typeof data === 'string') {
    const parsed = parseLegacyJson(data);
    return parsed === undefined || typeof parsed.value === 'string'
      ? undefined
      : toLegacyDocument(type, parsed.value);
  }
  if (isPlainObject(data)) {
    const inner = data['data'];
    if (isPlainObject(inner) && (data['installation_id'] !== undefined || hasCategories(inner)))
      return {
        installationId: data['installation_id'],
        exportTimestamp: toText(data['export_timestamp']),
        data: pickCategories(inner),
        isLoose: false,
        isWhole: areSections(inner),
      };
    if (hasCategories(data)) return toLoose(pickCategories(data), areSections(data));
  }
  const named = isPlainObject(data) ? toCategory(data['category']) : undefined;
  if (named !== undefined && isPlainObject(data) && isSection(data)) return toLoose({ [named]: data });
  const category = toCategory(type);
  if (category === undefined || typeof data !== 'object' || data === null) return undefined;
  if (Array.isArray(data)) return toLoose({ [category]: { entries: data } });
  if (isPlainObject(data) && isSection(data)) return toLoose({ [category]: data });
  return toLoose({ [category]: isDocumentCategory(category) ? { data } : { entries: [data] } });
}

function toLoose(data: LegacyDocument['data'], isWhole = areSections(data)): LegacyDocument {
  return { installationId: undefined, exportTimestamp: undefined, data, isLoose: true, isWhole };
}

/** Returns true if every key is a category and every section contains only records. */
function areSections(data: PlainObject): boolean {
  return Object.entries(data).every(([name, section]) => isCategory(name) && isUnderstood(name, section));
}

function isUnderstood(category: Category, section: unknown): boolean {
  if (section === null || section === undefined) return true;
  if (isPlainObject(section) && isDocumentCategory(category)) return isPlainObject(section['data']);
  const list = isPlainObject(section) ? (section['entries'] ?? section['data']) : section;
  return (
    Array.isArray(list) && list.every(isPlainObject) && (!isDocumentCategory(category) || list.length <= 1)
  );
}

/** Returns the number of records in a document. */
export function countRecords(document: LegacyDocument): number {
  return CATEGORIES.reduce(
    (sum, category) => sum + toSectionRecords(category, document.data[category]).length,
    0,
  );
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function toCategory(value: unknown): Category | undefined {
  const name = typeof value === 'string' ? value.toLowerCase().replaceAll(/[- ]/g, '_') : '';
  return isCategory(name) ? name : undefined;
}

function isSection(value: PlainObject): boolean {
  return Array.isArray(value['entries']) || isPlainObject(value['data']) || Array.isArray(value['data']);
}

function hasCategories(value: PlainObject): boolean {
  return CATEGORIES.some((category) => typeof value[category] === 'object' && value[category] !== null);
}

function pickCategories(value: PlainObject): LegacyDocument['data'] {
  return Object.fromEntries(
    CATEGORIES.filter((category) => Object.hasOwn(value, category)).map((category) => [
      category,
      value[category],
    ]),
  );
}

/**
 * Maximum number of loose items combined into one export. Without combining, a queue of single records would become one file per
 * record.
 */
export const LOOSE_ITEMS_PER_EXPORT_MAX = 1_000;

/**
 * Combines loose data, in order, into as few documents as possible. Lists are appended. A document category allows only one
 * record per export, so the next one starts a new document. The result depends only on the items.
 */
export function gatherLoose(
  items: readonly LegacyDocument[],
): readonly { readonly document: LegacyDocument; readonly first: number }[] {
  const gathered: { readonly document: LegacyDocument; readonly first: number }[] = [];
  let entries = new Map<Category, PlainObject[]>();
  let first = 0;
  const flush = (next: number): void => {
    if (entries.size > 0) gathered.push({ document: toLoose(toSections(entries)), first });
    entries = new Map();
    first = next;
  };
  for (const [index, { data }] of items.entries()) {
    const records = CATEGORIES.map(
      (category) => [category, toSectionRecords(category, data[category])] as const,
    );
    const isTaken = records.some(
      ([category, own]) => own.length > 0 && isDocumentCategory(category) && entries.has(category),
    );
    if (isTaken || index - first >= LOOSE_ITEMS_PER_EXPORT_MAX) flush(index);
    for (const [category, own] of records) {
      if (own.length === 0) continue;
      const held = entries.get(category) ?? [];
      for (const record of own) held.push(record);
      entries.set(category, held);
    }
  }
  flush(items.length);
  return gathered;
}

function toSections(entries: ReadonlyMap<Category, readonly PlainObject[]>): LegacyDocument['data'] {
  return Object.fromEntries(
    [...entries].map(([category, records]) => [
      category,
      isDocumentCategory(category) ? { data: records[0] } : { entries: records },
    ]),
  );
}
