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
import { toClaimedMs } from './claimed-time.ts';
import { toMapPosition } from './map-position.ts';
import { toStoredBytes } from './stored-size.ts';
import { type RecordBatch, type StorableRecord, toBatches } from './record-batches.ts';

/**
 * Maximum number of nesting levels of a record. It bounds recursion. The deepest known record, a model's answer in a capture, has
 * six.
 */
const RECORD_LEVELS_MAX = 64;

/** Maximum number of digits of a number: far more than any measurement or ID has, and far fewer than the database's limit. */
const NUMBER_LENGTH_MAX = 1_000;

/**
 * Maximum number of characters of a rejected record that are stored for the operator: enough to recognise the record. A document
 * may consist of nothing but rejected records.
 */
const REJECTED_TEXT_LENGTH_MAX = 65_536;

/**
 * Maximum total number of characters stored for one document's rejected records. Beyond it, rejected records are stored without
 * their text.
 */
const REJECTED_TEXT_TOTAL_MAX = 1_048_576;

/** Maximum number of rejected records that are stored and listed in a receipt. A final entry states how many others there are. */
const REJECTED_LISTED_MAX = 1_000;

/** Maximum number of characters of a category or record ID in a rejection. */
const NAME_LENGTH_MAX = 80;

/** A rejected record, with the beginning of its text. */
export interface RejectedEntry extends RejectedRecord {
  readonly text: string | null;
}

/** A document's records, ready to be stored. Each ID occurs once per category. */
export interface SortedRecords {
  readonly batches: readonly RecordBatch[];
  /** The document's number of records in each category. */
  readonly counts: ReadonlyMap<Category, number>;
  /** Total bytes of all records with their IDs and columns. */
  readonly sizeBytes: number;
  readonly rejected: readonly RejectedEntry[];
  /** Number of characters stored from all rejected records. */
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
  { isPlain, describeOversized }: RecordChecks,
): SortedRecords {
  const batches: RecordBatch[] = [];
  const counts = new Map<Category, number>();
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
      const read = readRecord(category, value, document.export_timestamp, { isPlain, describeOversized });
      // docs/spec/protocol.md R31: "If central rejects a record, it MUST store the other records of the document and list the
      // rejected record in `rejected_records`."
      if (read.kind === 'rejected') reject({ category, ...read.entry });
      else byId.set(read.record.recordId, read.record);
    }
    // Sorted, so that two transactions lock common rows in the same order.
    const sorted = [...byId.values()].sort((a, b) => (a.recordId < b.recordId ? -1 : 1));
    counts.set(category, sorted.length);
    batches.push(...toBatches(category, sorted));
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
    sizeBytes: batches.reduce(
      (sum, { columns }) => columns.reduce((inner, { byteLength }) => inner + byteLength, sum),
      0,
    ),
    rejected,
    rejectedLength: Math.min(rejectedLength, REJECTED_TEXT_TOTAL_MAX),
    rejectedCount,
  };
}

/** Returns the rejections listed in a receipt; a final entry counts the others. */
export function toListedRejections({ rejected, rejectedCount }: SortedRecords): readonly RejectedRecord[] {
  const listed = rejected.map(({ category, record_id, reason }) => ({ category, record_id, reason }));
  const further = rejectedCount - listed.length;
  return further === 0
    ? listed
    : [...listed, { category: '*', record_id: '', reason: `and ${further} further records` }];
}

/** Returns the list under `entries`, or the one document under `data`. An empty document means that nothing is new. */
function recordsOf({ entries = [], data = {} }: Section): readonly unknown[] {
  return Object.keys(data).length === 0 ? entries : [...entries, data];
}

/** An oversized record that was cut out of its document (see `cutOversized`). */
export interface OversizedFacts {
  readonly recordId: string;
  readonly reason: string;
}

/** What the scan of a document has shown about its records. */
export interface RecordChecks {
  /** As in `DocumentScan`. If true, the records need no further check for levels, long numbers or characters. */
  readonly isPlain: boolean;
  readonly describeOversized: (record: Readonly<Record<string, unknown>>) => OversizedFacts | undefined;
}

type ReadRecord =
  | { readonly kind: 'record'; readonly record: StorableRecord }
  | { readonly kind: 'rejected'; readonly entry: Omit<RejectedEntry, 'category'> };

function readRecord(
  category: Category,
  value: unknown,
  exportTimestamp: string,
  { isPlain, describeOversized }: RecordChecks,
): ReadRecord {
  const oversized = isJsonObject(value) ? describeOversized(value) : undefined;
  if (oversized !== undefined) return rejection(toStorableText(oversized.recordId), oversized.reason, null);
  const id = isJsonObject(value) ? value['record_id'] : undefined;
  if (!isPlain) {
    const unstorable = findUnstorable(value);
    if (unstorable !== undefined) return rejection(toShownId(id), unstorable, null);
  }
  // Most records have an ID, and their keys keep their order. An ID that central derives must not depend on the order of keys.
  const json = isPlain && id !== undefined ? JSON.stringify(value) : toCanonicalJson(value);
  if (!isJsonObject(value)) return rejection('', 'not an object', shorten(json));
  if (id !== undefined && !isRecordId(id))
    return rejection(
      toShownId(id),
      `record_id is not text of 1 to ${RECORD_ID_LENGTH_MAX} characters without NUL`,
      shorten(json),
    );
  // The record's text is stored unchanged, because parsing it again would round its large integers.
  const record = {
    recordId: id ?? deriveRecordId(category, json, exportTimestamp),
    recordedMs: claimedMsOf(category, value, exportTimestamp),
    json,
    storedBytes: isPlain ? toStoredBytes(value, json) : undefined,
    own: columnsOf(category, value),
  };
  return { kind: 'record', record };
}

/** Returns why a record cannot be converted to text that the database stores, or undefined. */
function findUnstorable(value: unknown): string | undefined {
  if (isNestedDeeper(value, RECORD_LEVELS_MAX)) return `nested deeper than ${RECORD_LEVELS_MAX} levels`;
  if (hasLongerNumber(value, NUMBER_LENGTH_MAX)) return `a number of more than ${NUMBER_LENGTH_MAX} digits`;
  return undefined;
}

function toShownId(id: unknown): string {
  return typeof id === 'string' ? toStorableText(id.slice(0, RECORD_ID_LENGTH_MAX)) : '';
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
 * Derives an ID for a record that has none. Settings and onboarding are single documents, each replaced by the next one. A
 * telemetry sample is identified by the time of its export, and every other record by its content.
 */
function deriveRecordId(category: Category, canonicalJson: string, exportTimestamp: string): string {
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
      return `sha256:${hash('sha256', canonicalJson)}`;
  }
}

/** Keys that may contain the time of a record: a normalised time first, then the names that legacy exporters used. */
const TIME_KEYS = ['timestamp_utc', 'recorded_at', 'timestamp', 'time', 'generated_at', 'ts'] as const;

function claimedMsOf(
  category: Category,
  record: Readonly<Record<string, unknown>>,
  exportTimestamp: string,
): number | null {
  for (const key of TIME_KEYS) {
    const time = toClaimedMs(record[key]);
    if (time !== null) return time;
  }
  return category === 'telemetry' ? toClaimedMs(exportTimestamp) : null;
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
 * values are null if the receiver had no fix. The record itself keeps the values that the boat sent.
 */
function positionOf(record: Readonly<Record<string, unknown>>) {
  return toMapPosition(...positionIn(record));
}

/** Latitude and longitude as stated in the record. They need not form a valid position. */
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
