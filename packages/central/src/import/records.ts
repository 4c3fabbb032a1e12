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

/** How deep a record may nest. The deepest of the field, a capture's model answer, nests six levels; recursion here must end. */
const RECORD_LEVELS_MAX = 64;

/** How long a number may be written: far beyond any measurement or id, far below what the database refuses. */
const NUMBER_LENGTH_MAX = 1_000;

/**
 * How many records one document may hold: more than the whole log of an older boat in the largest body, whose records are
 * 150 bytes and more. Without it a body of a few hundred KB, unpacked, is three million records and a minute's work.
 */
export const RECORDS_MAX = 250_000;

/**
 * How many values one document may hold in all, wherever they are: ten for each of the most records, as the longest ordinary
 * ones have. A value takes two bytes as text, less than one on the wire, and some hundred in memory, here and in the database:
 * without it 30 KB on the wire took a GB, or kept a node from everything else for a minute.
 */
export const VALUES_MAX = 10 * RECORDS_MAX;

/** How many records a document holds. */
export function countDocumentRecords({ data }: ExportDocument): number {
  return CATEGORIES.reduce((sum, category) => sum + (data[category]?.entries?.length ?? 0), 0);
}

/**
 * How much of a rejected record's text is kept for the operator: enough to see what it is, bounded against a document of
 * nothing else.
 */
const REJECTED_TEXT_LENGTH_MAX = 65_536;

/** How many rejected records are kept and named in a receipt; further ones are counted in a last line. */
const REJECTED_LISTED_MAX = 1_000;

/** How long a name in a rejection may be. */
const NAME_LENGTH_MAX = 80;

/** One record as its table holds it. `json` is canonical; `columns` are the category's own. */
export interface StorableRecord {
  readonly recordId: string;
  readonly recordedAt: string | null;
  readonly sha256: string;
  readonly columns: Readonly<Record<string, string | number | null>>;
  readonly json: string;
}

/** A record that was not stored, with as much of it as could be kept. */
export interface RejectedEntry extends RejectedRecord {
  readonly text: string | null;
}

/** The records of one document: per category, sorted by record id, each id once. */
export interface SortedRecords {
  readonly records: ReadonlyMap<Category, readonly StorableRecord[]>;
  readonly rejected: readonly RejectedEntry[];
  /** All that were rejected, also those past what is listed. */
  readonly rejectedCount: number;
}

/**
 * Takes a document apart. A record that cannot be stored is rejected with its reason and never fails the others;
 * of two with one id the later holds. Records without an id (older boats) get one from their content.
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
    // Sorted, so that two transactions lock the rows they share in one order.
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

/** The rejections as a receipt lists them: bounded, the rest counted in a last line. */
export function toListedRejections({ rejected, rejectedCount }: SortedRecords): readonly RejectedRecord[] {
  const listed = rejected.map(({ category, record_id, reason }) => ({ category, record_id, reason }));
  const further = rejectedCount - listed.length;
  return further === 0
    ? listed
    : [...listed, { category: '*', record_id: '', reason: `and ${further} further records` }];
}

/** A list under `entries`, one document under `data`; an empty document says that nothing is new. */
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
 * The identity of a record that came without one. Settings and onboarding are one document each, replaced by the next;
 * a telemetry sample is of the moment it was exported; everything else is its content.
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

/** Where records say when they were made: a normalised time first, then the names of the seed and the field. */
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

/** The position as the seed nests it (`gps`), or flat. */
function positionOf(record: Readonly<Record<string, unknown>>) {
  const gps = isJsonObject(record['gps']) ? record['gps'] : record;
  return { latitude: numberIn(gps, 'latitude'), longitude: numberIn(gps, 'longitude') };
}

function textIn(record: Readonly<Record<string, unknown>>, key: string): string | null {
  const value = record[key];
  return typeof value === 'string' ? toStorableText(value) : null;
}

function numberIn(record: Readonly<Record<string, unknown>>, key: string): number | null {
  const value = record[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
