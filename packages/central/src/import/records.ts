import { hash } from 'node:crypto';
import {
  CATEGORIES,
  type Category,
  type ExportDocument,
  isCategory,
  isExactNumber,
  RECORD_ID_LENGTH_MAX,
  type RejectedRecord,
  type Section,
} from '@d3kos/protocol';
import {
  hasLongerNumber,
  isJsonObject,
  isNestedDeeper,
  toCanonicalJson,
  toStorableText,
} from './json-value.ts';
import { toClaimedTime } from './claimed-time.ts';
import { toMapPosition } from './map-position.ts';

/**
 * Maximum number of nesting levels of a record. It bounds recursion. The deepest known record, a model's answer in a capture, has
 * six.
 */
const RECORD_LEVELS_MAX = 64;

/** Maximum number of digits of a number: far more than any measurement or ID has, and far fewer than the database's limit. */
const NUMBER_LENGTH_MAX = 1_000;

/**
 * Maximum number of characters of a rejected record that are stored for the operator: enough to recognize the record. A document
 * may consist entirely of rejected records.
 */
const REJECTED_TEXT_LENGTH_MAX = 65_536;

/**
 * Maximum number of characters of rejected records that are stored for one document. Beyond it, rejected records are stored
 * without their text.
 */
const REJECTED_TEXT_TOTAL_MAX = 1_048_576;

/** Maximum number of rejected records that are stored and named in a receipt. A last entry counts the others. */
const REJECTED_LISTED_MAX = 1_000;

/** Maximum number of characters of a category or record ID in a rejection. */
const NAME_LENGTH_MAX = 80;

/**
 * Maximum number of records in one statement. Above a few thousand the time per record no longer falls, while the statement needs more
 * memory.
 */
const BATCH_RECORDS_MAX = 5_000;

/**
 * Size in characters at which a statement ends. One statement for a complete document of 32 MiB would occupy the node's thread
 * for more than 20 ms and the database for seconds.
 */
const BATCH_LENGTH = 2 * 1_048_576;

/** Records of one category for one statement. */
export interface RecordBatch {
  readonly category: Category;
  /**
   * The JSON array that `upsertRecordsSql` expects, as UTF-8. Within a category, the rows of all batches are in ascending order
   * of record ID.
   */
  readonly rows: Uint8Array;
}

/** One record: its ID, and its row for `upsertRecordsSql` as JSON text. */
interface StorableRecord {
  readonly recordId: string;
  readonly row: string;
}

/** A record that was not stored, with the beginning of its text. */
export interface RejectedEntry extends RejectedRecord {
  readonly text: string | null;
}

/** The records of one document, ready to be stored. Each ID occurs once per category. */
export interface SortedRecords {
  readonly batches: readonly RecordBatch[];
  /** The number of records in each category of the document. */
  readonly counts: ReadonlyMap<Category, number>;
  /** Number of characters of all rows. */
  readonly rowsLength: number;
  readonly rejected: readonly RejectedEntry[];
  /** Number of characters of the stored texts of rejected records. */
  readonly rejectedLength: number;
  /** The number of all rejected records, listed or not. */
  readonly rejectedCount: number;
}

/**
 * Splits a document into its records. A record that cannot be stored is rejected with a reason and does not affect the others. If
 * two records have the same ID, the later one is used. A record without an ID, from an older boat, gets an ID derived from its
 * content.
 */
export function toStorableRecords(
  document: ExportDocument,
  describeOversized: (record: Readonly<Record<string, unknown>>) => OversizedFacts | undefined,
): SortedRecords {
  const batches: RecordBatch[] = [];
  const counts = new Map<Category, number>();
  let rowsLength = 0;
  const rejected: RejectedEntry[] = [];
  let rejectedCount = 0;
  let rejectedLength = 0;
  const reject = (entry: RejectedEntry) => {
    rejectedCount += 1;
    if (rejected.length >= REJECTED_LISTED_MAX) return;
    rejectedLength += entry.text?.length ?? 0;
    rejected.push(rejectedLength > REJECTED_TEXT_TOTAL_MAX ? { ...entry, text: null } : entry);
  };
  for (const category of CATEGORIES) {
    const section = document.data[category];
    if (section === undefined) continue;
    const byId = new Map<string, StorableRecord>();
    for (const value of recordsOf(section)) {
      const read = readRecord(category, value, document.export_timestamp, describeOversized);
      // docs/spec/protocol.md R31: "Central MUST store the other records of a document when it rejects one, and name
      // the rejected record in `rejected_records`."
      if (read.kind === 'rejected') reject({ category, ...read.entry });
      else byId.set(read.record.recordId, read.record);
    }
    // Sorted, so that two transactions lock common rows in the same order.
    const sorted = [...byId.values()].sort((a, b) => (a.recordId < b.recordId ? -1 : 1));
    counts.set(category, sorted.length);
    rowsLength += sorted.reduce((sum, { row }) => sum + row.length, 0);
    for (const rows of toBatches(sorted)) batches.push({ category, rows });
  }
  for (const name of Object.keys(document.data).filter((key) => !isCategory(key)))
    reject({
      category: toStorableText(name.slice(0, NAME_LENGTH_MAX)),
      record_id: '',
      reason: 'there is no such category',
      text: null,
    });
  return {
    batches,
    counts,
    rowsLength,
    rejected,
    rejectedLength: Math.min(rejectedLength, REJECTED_TEXT_TOTAL_MAX),
    rejectedCount,
  };
}

/** Splits rows into JSON arrays of bounded size. */
function* toBatches(records: readonly StorableRecord[]): Generator<Uint8Array, void, void> {
  const encoder = new TextEncoder();
  let rows: string[] = [];
  let length = 0;
  for (const { row } of records) {
    rows.push(row);
    length += row.length;
    if (rows.length < BATCH_RECORDS_MAX && length < BATCH_LENGTH) continue;
    yield encoder.encode(`[${rows.join(',')}]`);
    rows = [];
    length = 0;
  }
  if (rows.length > 0) yield encoder.encode(`[${rows.join(',')}]`);
}

/** Returns the rejections that a receipt lists; a last entry counts the others. */
export function toListedRejections({ rejected, rejectedCount }: SortedRecords): readonly RejectedRecord[] {
  const listed = rejected.map(({ category, record_id, reason }) => ({ category, record_id, reason }));
  const further = rejectedCount - listed.length;
  return further === 0
    ? listed
    : [...listed, { category: '*', record_id: '', reason: `and ${further} further records` }];
}

/** Returns a list under `entries`, or the one document under `data`. An empty document means that nothing is new. */
function recordsOf({ entries = [], data = {} }: Section): readonly unknown[] {
  return Object.keys(data).length === 0 ? entries : [...entries, data];
}

/** An oversized record that was cut out of its document (see `cutOversized`). */
export interface OversizedFacts {
  readonly recordId: string;
  readonly reason: string;
}

type ReadRecord =
  | { readonly kind: 'record'; readonly record: StorableRecord }
  | { readonly kind: 'rejected'; readonly entry: Omit<RejectedEntry, 'category'> };

function readRecord(
  category: Category,
  value: unknown,
  exportTimestamp: string,
  describeOversized: (record: Readonly<Record<string, unknown>>) => OversizedFacts | undefined,
): ReadRecord {
  const oversized = isJsonObject(value) ? describeOversized(value) : undefined;
  if (oversized !== undefined) return rejection(toStorableText(oversized.recordId), oversized.reason, null);
  const id = isJsonObject(value) ? value['record_id'] : undefined;
  const shownId = typeof id === 'string' ? toStorableText(id.slice(0, RECORD_ID_LENGTH_MAX)) : '';
  if (isNestedDeeper(value, RECORD_LEVELS_MAX))
    return rejection(shownId, `nested deeper than ${RECORD_LEVELS_MAX} levels`, null);
  if (hasLongerNumber(value, NUMBER_LENGTH_MAX))
    return rejection(shownId, `a number of more than ${NUMBER_LENGTH_MAX} digits`, null);
  const json = toCanonicalJson(value);
  if (!isJsonObject(value)) return rejection('', 'not an object', shorten(json));
  if (id !== undefined && !isRecordId(id))
    return rejection(
      shownId,
      `record_id is not text of 1 to ${RECORD_ID_LENGTH_MAX} characters without NUL`,
      shorten(json),
    );
  const sha256 = hash('sha256', json);
  const recordId = id ?? deriveRecordId(category, sha256, exportTimestamp);
  const facts = JSON.stringify({
    record_id: recordId,
    recorded_at: claimedTimeOf(category, value, exportTimestamp),
    sha256,
    ...columnsOf(category, value),
  });
  // The record's text is inserted unchanged, because parsing it again would round its large integers.
  return { kind: 'record', record: { recordId, row: `${facts.slice(0, -1)},"record":${json}}` } };
}

function rejection(recordId: string, reason: string, text: string | null): ReadRecord {
  return { kind: 'rejected', entry: { record_id: recordId, reason, text } };
}

function shorten(json: string): string {
  return toStorableText(json.slice(0, REJECTED_TEXT_LENGTH_MAX));
}

function isRecordId(id: unknown): id is string {
  return (
    typeof id === 'string' && id.length > 0 && id.length <= RECORD_ID_LENGTH_MAX && id === toStorableText(id)
  );
}

/**
 * Derives the ID of a record that has none. Settings and onboarding are single documents, each replaced by the next one. A
 * telemetry sample is identified by the time of its export, and every other record by its content.
 */
function deriveRecordId(category: Category, sha256: string, exportTimestamp: string): string {
  switch (category) {
    case 'settings':
    case 'onboarding':
      return category;
    case 'telemetry':
      return `telemetry@${toStorableText(exportTimestamp)}`;
    case 'engine_benchmark':
    case 'boatlog':
    case 'marine_vision_captures':
    case 'marine_vision_snapshots':
    case 'qr_codes':
    case 'system_alerts':
      return `sha256:${sha256}`;
  }
}

/** Keys that may hold the time of a record: a normalized time first, then the names that legacy exporters used. */
const TIME_KEYS = ['timestamp_utc', 'recorded_at', 'timestamp', 'time', 'generated_at', 'ts'] as const;

function claimedTimeOf(
  category: Category,
  record: Readonly<Record<string, unknown>>,
  exportTimestamp: string,
): string | null {
  for (const key of TIME_KEYS) {
    const time = toClaimedTime(record[key]);
    if (time !== null) return time;
  }
  return category === 'telemetry' ? toClaimedTime(exportTimestamp) : null;
}

function columnsOf(
  category: Category,
  record: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string | number | null>> {
  switch (category) {
    case 'boatlog':
      return { entry_type: textIn(record, 'entry_type') ?? textIn(record, 'type'), ...positionOf(record) };
    case 'marine_vision_captures':
      return { species: textIn(record, 'species'), ...positionOf(record) };
    case 'marine_vision_snapshots':
      return { slot: textIn(record, 'slot') };
    case 'system_alerts':
      return { severity: textIn(record, 'severity'), status: textIn(record, 'status') };
    case 'engine_benchmark':
    case 'qr_codes':
    case 'settings':
    case 'onboarding':
    case 'telemetry':
      return {};
  }
}

/**
 * Returns the position that a map may show, either nested in `gps` as the legacy exporter writes it, or at the top level. Both
 * values are null if the receiver had no fix. The record keeps the values that the boat sent.
 */
function positionOf(record: Readonly<Record<string, unknown>>) {
  return toMapPosition(...positionIn(record));
}

/** Latitude and longitude as they are in the record, which may not be a valid position. */
export function positionIn(
  record: Readonly<Record<string, unknown>>,
): readonly [latitude: number | null, longitude: number | null] {
  const gps = isJsonObject(record['gps']) ? record['gps'] : record;
  return [numberIn(gps, 'latitude'), numberIn(gps, 'longitude')];
}

function textIn(record: Readonly<Record<string, unknown>>, key: string): string | null {
  const value = record[key];
  return typeof value === 'string' ? toStorableText(value) : null;
}

function numberIn(record: Readonly<Record<string, unknown>>, key: string): number | null {
  const stated = record[key];
  const value = isExactNumber(stated) ? Number(stated.rawJSON) : stated;
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
