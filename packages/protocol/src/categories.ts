/**
 * The nine categories in export order. Their names are the nine keys under `data` (docs/spec/sources.md, "Common
 * rules").
 */
export const CATEGORIES = [
  'engine_benchmark',
  'boatlog',
  'marine_vision_captures',
  'marine_vision_snapshots',
  'qr_codes',
  'settings',
  'system_alerts',
  'onboarding',
  'telemetry',
] as const;

/** One of the nine kinds of records a boat exports. */
export type Category = (typeof CATEGORIES)[number];

/**
 * Categories whose section holds one document under `data` (the legacy form) instead of a list under `entries`. The document is
 * one record and has a `record_id`.
 */
export const DOCUMENT_CATEGORIES = [
  'settings',
  'onboarding',
  'telemetry',
] as const satisfies readonly Category[];

/** The result of collecting a category, reported in the export and by the status API. */
export const CATEGORY_STATES = ['ok', 'empty', 'source_missing', 'schema_unknown', 'error'] as const;
export type CategoryState = (typeof CATEGORY_STATES)[number];

/** Returns true for the nine category names. */
export function isCategory(name: string): name is Category {
  return (CATEGORIES as readonly string[]).includes(name);
}

/** Returns true for a category whose section is one document under `data`. */
export function isDocumentCategory(category: Category): category is (typeof DOCUMENT_CATEGORIES)[number] {
  return (DOCUMENT_CATEGORIES as readonly Category[]).includes(category);
}
