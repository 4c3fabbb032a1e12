import { isTier, type Tier } from '@d3kos/protocol';
import { createTimestampReader } from '../collect/policy/timestamps.ts';
import { type LegacyDocument, toLegacyDocument } from './legacy-queue-data.ts';
import { findWholeObjects, parseLegacyJson } from './legacy-json.ts';
import { isPlainObject, type PlainObject } from './legacy-document.ts';

/** Validated attributes of an export in a legacy queue. */
export interface LegacyFacts {
  /** `q_YYYYMMDD_HHMMSS`, optionally followed by `_2`, `_3` and so on. Other forms are not safe in file names and URLs. */
  readonly queueId: string | undefined;
  readonly createdAtMs: number | undefined;
  readonly tier: Tier | undefined;
}

/**
 * An export in a legacy queue, stored as a file or as inline data. The status is ignored, because the legacy exporter set
 * "completed" even after an answer from a captive portal.
 */
export type LegacyItem =
  | { readonly kind: 'file'; readonly path: string; readonly facts: LegacyFacts }
  | { readonly kind: 'data'; readonly document: LegacyDocument; readonly facts: LegacyFacts };

/**
 * The content of a legacy queue or history file. `unusable` is the number of items with neither a file nor data in a known shape.
 */
export type LegacyQueue =
  | { readonly kind: 'queue'; readonly items: readonly LegacyItem[]; readonly unusable: number }
  /** The text is not valid JSON. Its complete items were recovered. */
  | { readonly kind: 'torn'; readonly items: readonly LegacyItem[]; readonly unusable: number }
  /** The text is JSON, but it is not a queue. */
  | { readonly kind: 'foreign' }
  /** The file is empty, or a power cut left only zero bytes. */
  | { readonly kind: 'blank' };

/**
 * The lists that contain the items in legacy queue and history files (docs/spec/delivery.md, "The ledger"): the four lists of the
 * queue, `pending_exports` in files found on boats, and `exports` in the history.
 */
const LISTS = ['pending', 'uploading', 'failed', 'pending_exports', 'completed', 'exports'] as const;

/** The keys used for each attribute in the different formats. */
const PATH_KEYS = ['export_file', 'file_path', 'file', 'path'] as const;
const DATA_KEYS = ['data', 'payload'] as const;
const ID_KEYS = ['queue_id', 'id', 'export_id'] as const;
const CREATED_KEYS = ['created_at', 'created', 'timestamp'] as const;

/** Maximum accepted length of a path (PATH_MAX on Linux). */
const PATH_LENGTH_MAX = 4_096;

const QUEUE_ID = /^q_[0-9]{8}_[0-9]{6}(?:_[0-9]{1,6})?$/;

/**
 * Parses a legacy queue or history file in any of its formats: an object of lists, a bare list, `{pending_exports}`,
 * `{pending, failed}` or `{exports}`. Never throws.
 */
export function parseLegacyQueue(text: string): LegacyQueue {
  if (isBlank(text)) return { kind: 'blank' };
  const parsed = parseLegacyJson(text);
  if (parsed === undefined) return salvage(text);
  const candidates = toCandidates(parsed.value);
  return candidates === undefined ? { kind: 'foreign' } : { kind: 'queue', ...sortOut(candidates) };
}

/** Returns the complete items from a damaged file. */
export function salvage(text: string): Extract<LegacyQueue, { kind: 'torn' }> {
  const candidates = findWholeObjects(text).flatMap(({ start, end }) => {
    const parsed = parseLegacyJson(text.slice(start, end));
    if (parsed === undefined) return [];
    // A complete object may itself be a queue, followed by the end of an older, longer one.
    return (toCandidates(parsed.value) ?? [parsed.value]).filter(isLikeAnItem);
  });
  return { kind: 'torn', ...sortOut(candidates) };
}

/** Returns true for a file that contains only zeros, which ext4 can leave after a power cut. */
function isBlank(text: string): boolean {
  return /^[\s\0]*$/.test(text);
}

/** Returns undefined if the value contains none of the lists. A single item counts as a list with one element. */
function toCandidates(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (!isPlainObject(value)) return undefined;
  const lists = LISTS.map((name) => value[name]).filter((list) => Array.isArray(list));
  if (lists.length > 0) return lists.flat(1);
  return toLegacyItem(value) === undefined ? undefined : [value];
}

/** Returns false for an object that is only part of a damaged item, such as a record's position. */
function isLikeAnItem(value: unknown): boolean {
  return (
    isPlainObject(value) &&
    (toLegacyItem(value) !== undefined || ID_KEYS.some((key) => key in value && 'status' in value))
  );
}

function sortOut(candidates: readonly unknown[]): {
  readonly items: readonly LegacyItem[];
  readonly unusable: number;
} {
  const items = candidates.flatMap((candidate) => toLegacyItem(candidate) ?? []);
  return { items, unusable: candidates.length - items.length };
}

function toLegacyItem(value: unknown): LegacyItem | undefined {
  if (typeof value === 'string') return toFileItem(value, {});
  if (!isPlainObject(value)) return undefined;
  const data = DATA_KEYS.map((key) => value[key]).find(
    (candidate) => candidate !== undefined && candidate !== null,
  );
  // The list may also contain documents directly.
  const isDocument = value['installation_id'] !== undefined && isPlainObject(value['data']);
  const document =
    toLegacyDocument(value['type'], isDocument ? value : data) ?? toLegacyDocument(undefined, value);
  if (document !== undefined) return { kind: 'data', document, facts: toFacts(value) };
  const path = [...PATH_KEYS.map((key) => value[key]), data].find(isPath);
  return path === undefined ? undefined : toFileItem(path, value);
}

function toFileItem(path: string, value: PlainObject): LegacyItem | undefined {
  return isPath(path) ? { kind: 'file', path, facts: toFacts(value) } : undefined;
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.length <= PATH_LENGTH_MAX && value.endsWith('.json');
}

function toFacts(value: PlainObject): LegacyFacts {
  const tier = value['tier'];
  return {
    queueId: ID_KEYS.map((key) => value[key]).find((id) => typeof id === 'string' && QUEUE_ID.test(id)) as
      // `find` does not narrow the type based on its condition.
      string | undefined,
    createdAtMs: CREATED_KEYS.map((key) => toWallMs(value[key])).find((ms) => ms !== undefined),
    tier: isTier(tier) ? tier : undefined,
  };
}

const readTime = createTimestampReader('UTC');

/** Parses a timestamp from the legacy exporter. Returns undefined if it is not a valid time. */
export function toWallMs(value: unknown): number | undefined {
  const { utc } = readTime(value);
  return utc === null ? undefined : Date.parse(utc);
}
