import { hash } from 'node:crypto';
import {
  CATEGORIES,
  type Category,
  type ExportDocument,
  isCategory,
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

/** Most nesting levels of a record; it bounds recursion. The deepest known record, a model's answer in a capture, has six. */
const RECORD_LEVELS_MAX = 64;

/** Most digits of a number: far more than any measurement or id has, and far fewer than the database's limit. */
const NUMBER_LENGTH_MAX = 1_000;

/**
 * Most records in one document. The largest body holds fewer ordinary records, because each has 150 bytes or more, so even an
 * older boat can send its whole log. Without this limit, a body of a few hundred KB could decode to three million records and
 * occupy the node for a minute.
 */
export const RECORDS_MAX = 250_000;

/**
 * Most JSON values in one document: ten for each of RECORDS_MAX records, as many as the longest ordinary records have. A value
 * takes two bytes as text, less than one byte compressed, and about a hundred bytes in memory. Without this limit, a body of
 * 30 KB took 1 GB of memory or blocked a node for a minute.
 */
export const VALUES_MAX = 10 * RECORDS_MAX;

/** Returns the number of records in a document. */
export function countDocumentRecords({ data }: ExportDocument): number {
  return CATEGORIES.reduce((sum, category) => sum + (data[category]?.entries?.length ?? 0), 0);
}

/**
 * Most characters of a rejected record that are stored for the operator: enough to recognize the record. A document may consist
 * of rejected records only.
 */
const REJECTED_TEXT_LENGTH_MAX = 65_536;

/** Most rejected records that are stored and named in a receipt. A last entry counts the others. */
const REJECTED_LISTED_MAX = 1_000;

/** Most characters of a category or record id in a rejection. */
const NAME_LENGTH_MAX = 80;

/** One record as its table holds it. `json` is canonical; `columns` are the columns that only this category has. */
export interface StorableRecord {
  readonly recordId: string;
  readonly recordedAt: string | null;
  readonly sha256: string;
  readonly columns: Readonly<Record<string, string | number | null>>;
  readonly json: string;
}

/** A record that was not stored, with the beginning of its text. */
export interface RejectedEntry extends RejectedRecord {
  readonly text: string | null;
}

/** The records of one document. Those of a category are sorted by record id, and each id occurs once. */
export interface SortedRecords {
  readonly records: ReadonlyMap<Category, readonly StorableRecord[]>;
  readonly rejected: readonly RejectedEntry[];
  /** The number of all rejected records, listed or not. */
  readonly rejectedCount: number;
}

/**
 * Splits a document into its records. A record that cannot be stored is rejected with a reason and does not affect the others. If
 * two records have the same id, the later one is used. A record without an id, from an older boat, gets one from its content.
 */
export function toStorableRecords(document: ExportDocument): SortedRecords {
  const records = new Map<Category, readonly StorableRecord[]>();
  const rejected: RejectedEntry[] = [];
  let rejectedCount = 0;
  const reject = (entry: RejectedEntry) => {
    rejectedCount += 1;
    if (rejected.length < REJECTED_LISTED_MAX) rejected.push(entry);
  };
  for (const category of CATEGORIES) {
    const section = document.data[category];
    if (section === undefined) continue;
    const byId = new Map<string, StorableRecord>();
    for (const value of recordsOf(section)) {
      const read = readRecord(category, value, document.export_timestamp);
      // docs/spec/protocol.md R31: "Central MUST store the other records of a document when it rejects one, and name
      // the rejected record in `rejected_records`."
      if (read.kind === 'rejected') reject({ category, ...read.entry });
      else byId.set(read.record.recordId, read.record);
    }
    // Sorted, so that two transactions lock shared rows in the same order.
    records.set(
      category,
      [...byId.values()].sort((a, b) => (a.recordId < b.recordId ? -1 : 1)),
    );
  }
  for (const name of Object.keys(document.data).filter((key) => !isCategory(key)))
    reject({
      category: toStorableText(name.slice(0, NAME_LENGTH_MAX)),
      record_id: '',
      reason: 'there is no such category',
      text: null,
    });
  return { records, rejected, rejectedCount };
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

type ReadRecord =
  | { readonly kind: 'record'; readonly record: StorableRecord }
  | { readonly kind: 'rejected'; readonly entry: Omit<RejectedEntry, 'category'> };

function readRecord(category: Category, value: unknown, exportTimestamp: string): ReadRecord {
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
  return {
    kind: 'record',
    record: {
      recordId: id ?? deriveRecordId(category, sha256, exportTimestamp),
      recordedAt: claimedTimeOf(category, value, exportTimestamp),
      sha256,
      columns: columnsOf(category, value),
      json,
    },
  };
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
 * Derives the id of a record that has none. Settings and onboarding are one document each, which the next one replaces. A
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
  const gps = isJsonObject(record['gps']) ? record['gps'] : record;
  return toMapPosition(numberIn(gps, 'latitude'), numberIn(gps, 'longitude'));
}

function textIn(record: Readonly<Record<string, unknown>>, key: string): string | null {
  const value = record[key];
  return typeof value === 'string' ? toStorableText(value) : null;
}

function numberIn(record: Readonly<Record<string, unknown>>, key: string): number | null {
  const value = record[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
