import { isTier, type Tier } from '@d3kos/protocol';
import { createTimestampReader } from '../collect/policy/timestamps.ts';
import { type LegacyDocument, toLegacyDocument } from './legacy-queue-data.ts';
import { findWholeObjects, parseLegacyJson } from './legacy-json.ts';
import { isPlainObject, type PlainObject } from './legacy-document.ts';

/** What an old queue says about an export, where it is well-formed. */
export interface LegacyFacts {
  /** `q_YYYYMMDD_HHMMSS`, with `_2`, `_3` …: other forms are no names for files and addresses. */
  readonly queueId: string | undefined;
  readonly createdAtMs: number | undefined;
  readonly tier: Tier | undefined;
}

/** One export in an old queue: a file, or the data itself. Its status is not kept: "completed" was said of a captive portal's page too. */
export type LegacyItem =
  | { readonly kind: 'file'; readonly path: string; readonly facts: LegacyFacts }
  | { readonly kind: 'data'; readonly document: LegacyDocument; readonly facts: LegacyFacts };

/** What was found in an old queue or history file. `unusable` counts items that name neither a file nor data we understand. */
export type LegacyQueue =
  | { readonly kind: 'queue'; readonly items: readonly LegacyItem[]; readonly unusable: number }
  /** Not JSON: what is whole in it was salvaged. */
  | { readonly kind: 'torn'; readonly items: readonly LegacyItem[]; readonly unusable: number }
  /** JSON, but no queue. */
  | { readonly kind: 'foreign' }
  /** No text at all: made and never written, or cut off by a power loss. */
  | { readonly kind: 'blank' };

/**
 * The lists that old queue and history files keep their items in (docs/spec/delivery.md, "The ledger"): the seed's four, the
 * field's `pending_exports`, and `exports` of the seed's history.
 */
const LISTS = ['pending', 'uploading', 'failed', 'pending_exports', 'completed', 'exports'] as const;

/** The names an item's facts have had, by format. */
const PATH_KEYS = ['export_file', 'file_path', 'file', 'path'] as const;
const DATA_KEYS = ['data', 'payload'] as const;
const ID_KEYS = ['queue_id', 'id', 'export_id'] as const;
const CREATED_KEYS = ['created_at', 'created', 'timestamp'] as const;

/** Longest path that is taken for one (Linux: PATH_MAX). */
const PATH_LENGTH_MAX = 4_096;

const QUEUE_ID = /^q_[0-9]{8}_[0-9]{6}(?:_[0-9]{1,6})?$/;

/**
 * Reads an old queue or history file in any of the formats of the field: the seed's object of lists, a bare list,
 * `{pending_exports}`, `{pending, failed}`, `{exports}`. Never throws, whatever the text is.
 */
export function parseLegacyQueue(text: string): LegacyQueue {
  if (isBlank(text)) return { kind: 'blank' };
  const parsed = parseLegacyJson(text);
  if (parsed === undefined) return salvage(text);
  const candidates = toCandidates(parsed.value);
  return candidates === undefined ? { kind: 'foreign' } : { kind: 'queue', ...sortOut(candidates) };
}

/** The items of a torn file that are whole. */
export function salvage(text: string): Extract<LegacyQueue, { kind: 'torn' }> {
  const candidates = findWholeObjects(text).flatMap(({ start, end }) => {
    const parsed = parseLegacyJson(text.slice(start, end));
    if (parsed === undefined) return [];
    // A whole object may be a queue with the rest of an older, longer one behind it.
    return toCandidates(parsed.value) ?? [parsed.value];
  });
  return { kind: 'torn', ...sortOut(candidates.filter(isLikeAnItem)) };
}

/** After a power loss a file may have its length and none of its bytes: ext4 gives zeros. */
function isBlank(text: string): boolean {
  return /^[\s\0]*$/.test(text);
}

/** Undefined where the value holds none of the lists. An item that is not in a list is a list of one. */
function toCandidates(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (!isPlainObject(value)) return undefined;
  const lists = LISTS.map((name) => value[name]).filter((list) => Array.isArray(list));
  if (lists.length > 0) return lists.flat(1);
  return toLegacyItem(value) === undefined ? undefined : [value];
}

/** Whole objects of a torn file are also parts of torn items, such as a record's position: those are no items. */
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
  // The document itself may stand where an item is expected.
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
      // `find` does not pass on what its condition says.
      string | undefined,
    createdAtMs: CREATED_KEYS.map((key) => toWallMs(value[key])).find((ms) => ms !== undefined),
    tier: isTier(tier) ? tier : undefined,
  };
}

const readTime = createTimestampReader('UTC');

/** The moment a timestamp of an older exporter names; undefined for one that is no time. */
export function toWallMs(value: unknown): number | undefined {
  const { utc } = readTime(value);
  return utc === null ? undefined : Date.parse(utc);
}
