import { basename, isAbsolute, join } from 'node:path';
import { isExportError } from '../platform/errors.ts';
import { type AllowedWords, toAllowed, toNumber, toPublicText, toScalarText, toWords } from './allowed.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { sha256 } from './digest.ts';
import { readJsonColumn } from './json-column.ts';
import { toLine } from './page.ts';
import { toColumnZone } from './policy/column-zones.ts';
import { toContentId, toRecordId } from './policy/record-ids.ts';
import { type SourceOutcome, mergeSourceOutcomes, withDetails } from './policy/source-outcomes.ts';
import type { NormalTime, TimestampReader } from './policy/timestamps.ts';
import { readTimestampReader } from './source-file.ts';
import { createLeftOutKeys, createOddParts, type OddParts, type OnLeftOut } from './source-notes.ts';
import {
  type ColumnAliases,
  type JsonScalar,
  openSourceTable,
  type SourceDatabases,
  toJsonValue,
  toSourceDetail,
} from './source-table.ts';
import {
  type ChangedRecord,
  createStateRecords,
  type StateRecord,
  type StateRecords,
} from './state-records.ts';
import { eachPage, createRowPages, type TableRow } from './table-rows.ts';

/**
 * The columns that are read, with the names they have had in all versions (docs/spec/sources.md, "3 marine_vision_captures").
 * `toCapture` defines what leaves the boat. `image_path` is read only to determine the file's size.
 */
const COLUMNS = {
  capture_id: ['capture_id', 'id'],
  timestamp: ['timestamp', 'created_at'],
  species: ['species'],
  confidence: ['confidence'],
  latitude: ['latitude', 'lat'],
  longitude: ['longitude', 'lon', 'lng'],
  file_size: ['file_size', 'file_size_bytes'],
  person_detected: ['person_detected'],
  fish_detected: ['fish_detected'],
  person_confidence: ['person_confidence'],
  fish_confidence: ['fish_confidence'],
  species_confidence: ['species_confidence'],
  species_top3: ['species_top3'],
  slot_id: ['slot_id'],
  location: ['location'],
  gemini_species: ['gemini_species'],
  gemini_response: ['gemini_response'],
  image_path: ['image_path', 'file_path'],
} as const;
type CaptureField = keyof typeof COLUMNS;
const ALIASES: ColumnAliases<CaptureField> = COLUMNS;
/** Object.keys does not preserve the type of the keys. */
const COLUMN_NAMES = Object.keys(COLUMNS) as CaptureField[];

/** Words allowed in the keys of a species guess and of a model's answer about an image. */
const SPECIES_WORDS: AllowedWords = toWords(
  'species confidence score name common scientific family fish person detected is count size length weight cm mm in kg lb',
  'estimated estimate description reasoning reason notes note alternatives alternative top rank color colour habitat',
  'legal season limit rarity quality other features',
);

const TABLE = 'captures';
const SOURCE_PATHS = ['data/marine-vision/captures.db', 'data/captures.db'] as const;
/** This category's databases. */
export const CAPTURES_DATABASES: SourceDatabases = { names: SOURCE_PATHS, table: TABLE, aliases: ALIASES };
/**
 * Number of images whose sizes are read concurrently: enough to keep Node's four threads busy, and few enough to fit in memory.
 */
const STATS_AT_ONCE = 32;
const NOTE = 'Metadata only - image files not exported';

/**
 * Reads the metadata of camera captures, without images and local paths. Rows change after they are inserted (a catch is
 * identified later), and a changed row is exported again. An image's size does not count as a change, because images are deleted
 * after a week.
 */
export const marineVisionCapturesCollector: Collector = {
  category: 'marine_vision_captures',
  isNews: true,
  collect,
};

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const readTime = await readTimestampReader(context);
  const records = createStateRecords(context);
  const outcomes: SourceOutcome[] = [];
  for (const name of SOURCE_PATHS) outcomes.push(yield* collectDatabase(context, name, records, readTime));
  return { ...mergeSourceOutcomes(outcomes), note: NOTE, cursors: [] };
}

async function* collectDatabase(
  context: CollectContext,
  name: string,
  records: StateRecords,
  readTime: TimestampReader,
): AsyncGenerator<Page, SourceOutcome, void> {
  const opened = await openSourceTable(context, name, TABLE, ALIASES);
  if (opened.kind === 'outcome') return opened.outcome;
  const { table } = opened;
  const odd = createOddParts(name, 'value');
  const leftOut = createLeftOutKeys();
  const zone = toColumnZone(TABLE, table.columnOf('timestamp'));
  const reading: CaptureReading = {
    readTime: (raw) => readTime(raw, zone),
    odd,
    onLeftOut: leftOut.of(name),
  };
  let isEmpty = true;
  try {
    const readPage = createRowPages(table, COLUMN_NAMES, odd);
    for (const rows of eachPage(readPage, context.signal)) {
      isEmpty = false;
      const changed = rows.flatMap((row) => {
        const capture = toCapture(row, reading);
        const record = records.take(capture);
        return record === undefined ? [] : [{ capture, record, path: toJsonValue(row.values.image_path) }];
      });
      for (const record of await withFileSizes(context, changed)) records.append(record);
      const page = records.due();
      if (page !== undefined) yield page;
      if (page !== undefined || records.isSliceOver()) await records.yieldSlice();
    }
    const last = records.end();
    if (last !== undefined) yield last;
    return withDetails({ state: isEmpty ? 'empty' : 'ok' }, odd.detail(), leftOut.detail(), table.unread);
  } catch (error) {
    return { state: 'error', detail: toSourceDetail(error, name, context) };
  } finally {
    table.db.close();
  }
}

/** Returns changed captures with their image sizes in their lines. */
async function withFileSizes(
  context: CollectContext,
  changed: readonly {
    readonly capture: StateRecord;
    readonly record: ChangedRecord;
    readonly path: JsonScalar;
  }[],
): Promise<readonly ChangedRecord[]> {
  const records: ChangedRecord[] = [];
  for (let start = 0; start < changed.length; start += STATS_AT_ONCE) {
    const batch = changed.slice(start, start + STATS_AT_ONCE).map(async ({ capture, record, path }) => {
      if (capture['file_size_bytes'] !== null) return record;
      const sizeBytes = await readFileSize(context, path);
      if (sizeBytes === null) return record;
      return { ...record, line: toLine({ ...capture, file_size_bytes: sizeBytes }) };
    });
    records.push(...(await Promise.all(batch)));
  }
  return records;
}

/** How a table's rows are read. */
interface CaptureReading {
  readonly readTime: (raw: unknown) => NormalTime;
  readonly odd: OddParts;
  readonly onLeftOut: OnLeftOut;
}

function toCapture(
  { position, values }: TableRow<CaptureField>,
  { readTime, odd, onLeftOut }: CaptureReading,
): StateRecord {
  const value = (field: CaptureField): JsonScalar => toJsonValue(values[field]);
  const timestamp = value('timestamp');
  const { utc, zone } = readTime(timestamp);
  const id = value('capture_id');
  const name =
    id === null ? toContentId(sha256(JSON.stringify(LASTING_FIELDS.map(value))), 0) : toScalarText(id);
  const confidence = value('confidence') ?? value('species_confidence') ?? value('fish_confidence');
  const record: { record_id: string } & Record<string, unknown> = {
    record_id: toRecordId(name, timestamp === null ? '' : toScalarText(timestamp), sha256),
    capture_id: id,
    timestamp,
    timestamp_utc: utc,
    timestamp_zone: zone,
    species: value('species'),
    confidence,
    gps: toGps(value('latitude'), value('longitude'), value('location')),
    file_size_bytes: toNumber(value('file_size')),
  };
  for (const field of OPTIONAL_FIELDS) {
    const found = value(field);
    if (found !== null) record[field] = typeof found === 'string' ? toPublicText(found) : found;
  }
  for (const field of ['species_top3', 'gemini_response'] as const) {
    const json = readJsonColumn(values[field]);
    if (json.kind === 'odd') odd.add(`row ${position}, column ${field}`, json.reason);
    if (json.kind !== 'value') continue;
    // Free text may contain anything, even in quotes.
    if (typeof json.value === 'string') odd.add(`row ${position}, column ${field}`, 'is not an object');
    else if (json.value !== null) record[field] = toAllowed(json.value, SPECIES_WORDS, onLeftOut);
  }
  return record;
}

/** Fields that do not change when a species is identified, used to name a capture without an ID. */
const LASTING_FIELDS = ['timestamp', 'image_path', 'slot_id', 'latitude', 'longitude', 'location'] as const;

/** Fields that exist only in some versions. */
const OPTIONAL_FIELDS = [
  'person_detected',
  'fish_detected',
  'person_confidence',
  'fish_confidence',
  'species_confidence',
  'slot_id',
  'location',
  'gemini_species',
] as const;

/** Matches a position in which each run of whitespace and degree signs has been replaced with one space. */
const COORDINATES = /^ ?(\d{1,2}(?:\.\d+)?) ?([NS]) ?[,;]? ?(\d{1,3}(?:\.\d+)?) ?([EW]) ?$/i;

/** Reads the position from its columns, or from text such as `44.4167° N, 79.3333° W`. */
function toGps(
  latitude: JsonScalar,
  longitude: JsonScalar,
  location: JsonScalar,
): { readonly latitude: JsonScalar; readonly longitude: JsonScalar } {
  const match = typeof location === 'string' ? COORDINATES.exec(location.replaceAll(/[\s°]+/g, ' ')) : null;
  if (latitude !== null || longitude !== null || match === null) return { latitude, longitude };
  const [, north = '', ns = 'N', east = '', ew = 'E'] = match;
  return {
    latitude: Number(north) * (ns.toUpperCase() === 'S' ? -1 : 1),
    longitude: Number(east) * (ew.toUpperCase() === 'W' ? -1 : 1),
  };
}

/** Returns the image's size, or null if the image cannot be read or no longer exists. Images are deleted after a week. */
async function readFileSize(context: CollectContext, path: JsonScalar): Promise<number | null> {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) return null;
  const { root, recordings } = context.paths;
  // Another program writes this column, so only files in the boat's own folders are checked.
  const isOurs = isAbsolute(path) && [root, recordings].some((folder) => path.startsWith(`${folder}/`));
  try {
    const facts = await context.disk.stat(isOurs ? path : join(recordings, basename(path)), 'follow');
    return facts?.kind === 'file' ? facts.sizeBytes : null;
  } catch (error) {
    // A record whose image cannot be read is exported without the size.
    if (isExportError(error)) return null;
    throw error;
  }
}
