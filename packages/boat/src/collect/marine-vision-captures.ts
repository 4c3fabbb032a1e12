import { basename, isAbsolute, join } from 'node:path';
import type { StatementSync } from 'node:sqlite';
import { isExportError } from '../platform/errors.ts';
import { type AllowedWords, toAllowed, toNumber, toPublicText, toWords } from './allowed.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { sha256 } from './digest.ts';
import { type LogOutcome, type RowsFit, type RowsReader, readLogTable } from './log-table.ts';
import { toLine, toPage } from './page.ts';
import { toContentId, toRecordId } from './policy/record-ids.ts';
import { mergeSourceOutcomes } from './policy/source-outcomes.ts';
import type { TimestampReader } from './policy/timestamps.ts';
import { parseLenientJson, readTimestampReader } from './source-file.ts';
import {
  type ColumnAliases,
  type SourceDatabases,
  type SourceTable,
  type SourceValue,
  toJsonValue,
} from './source-table.ts';

/** The columns that are read, with their names in all versions (docs/spec/sources.md, "3 marine_vision_captures"). `toCapture` names what leaves the boat: `image_path` is read only for the file's size. */
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
/** Object.keys loses the type of the keys. */
const COLUMN_NAMES = Object.keys(COLUMNS) as CaptureField[];

/** The words allowed in keys of a species guess and of a model's answer about an image. */
const SPECIES_WORDS: AllowedWords = toWords(
  'species confidence score name common scientific family fish person detected is count size length weight cm mm in kg lb',
  'estimated estimate description reasoning reason notes note alternatives alternative top rank color colour habitat',
  'legal season limit rarity quality other features',
);

const TABLE = 'captures';
const SOURCE_PATHS = ['data/marine-vision/captures.db', 'data/captures.db'] as const;
/** The databases of this category. */
export const CAPTURES_DATABASES: SourceDatabases = { names: SOURCE_PATHS, table: TABLE, aliases: ALIASES };
/** Number of rows per page. Each row requires an object with 18 values and one stat of an image. */
const PAGE_ROWS_MAX = 256;
/**
 * Number of images whose sizes are read concurrently: more than the four threads that read them, and few enough to hold in
 * memory.
 */
const STATS_AT_ONCE = 32;
const NOTE = 'Metadata only - image files not exported';

/**
 * Reads the metadata of camera captures, without images and local paths. The table is append-only, and the cursor is a
 * rowid.
 */
export const marineVisionCapturesCollector: Collector = {
  category: 'marine_vision_captures',
  isNews: true,
  collect,
};

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const readTime = await readTimestampReader(context);
  const outcomes: LogOutcome[] = [];
  for (const name of SOURCE_PATHS)
    outcomes.push(
      yield* readLogTable(context, {
        name,
        table: TABLE,
        aliases: ALIASES,
        largeFields: ['gemini_response', 'species_top3', 'location'],
        rowsMax: PAGE_ROWS_MAX,
        createReader: (table, fit) => createReader(context, table, fit, readTime),
      }),
    );
  return {
    ...mergeSourceOutcomes(outcomes),
    note: NOTE,
    cursors: outcomes.flatMap((outcome) => outcome.move ?? []),
  };
}

type CaptureRow = Readonly<Record<CaptureField, SourceValue>>;

function createReader(
  context: CollectContext,
  { db, table, columns }: SourceTable<CaptureField>,
  fit: RowsFit,
  readTime: TimestampReader,
): RowsReader {
  const selected = COLUMN_NAMES.map((field) => `${columns[field]} AS ${field}`).join(', ');
  const statement = db.prepare(
    `SELECT rowid AS position, ${selected} FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ?`,
  );
  statement.setReadBigInts(true);
  return (after, rowsMax) => {
    const rows = readAll(statement, after, fit(after, rowsMax));
    return {
      count: rows.length,
      last: rows.at(-1)?.position ?? after,
      toPage: async () => {
        const lines: string[] = [];
        for (let start = 0; start < rows.length; start += STATS_AT_ONCE) {
          const batch = rows.slice(start, start + STATS_AT_ONCE);
          const captures = await Promise.all(batch.map(({ row }) => toCapture(context, row, readTime)));
          lines.push(...captures.map(toLine));
        }
        return lines.length === 0 ? undefined : toPage(lines);
      },
    };
  };
}

function readAll(
  statement: StatementSync,
  after: number,
  rowsMax: number,
): readonly { readonly position: number; readonly row: CaptureRow }[] {
  return statement.all(after, rowsMax).map((found) => ({
    position: Number(found['position']),
    // The statement selects exactly these columns.
    row: found as CaptureRow,
  }));
}

async function toCapture(
  context: CollectContext,
  row: CaptureRow,
  readTime: TimestampReader,
): Promise<{ readonly record_id: string } & Readonly<Record<string, unknown>>> {
  const value = (field: CaptureField): string | number | null => toJsonValue(row[field]);
  const timestamp = value('timestamp');
  const { utc, zone } = readTime(timestamp);
  const id = value('capture_id');
  const name =
    id === null
      ? toContentId(sha256(JSON.stringify(COLUMN_NAMES.map((field) => value(field)))), 0)
      : String(id);
  const confidence = value('confidence') ?? value('species_confidence') ?? value('fish_confidence');
  const record: { record_id: string } & Record<string, unknown> = {
    record_id: toRecordId(name, timestamp === null ? '' : String(timestamp), sha256),
    capture_id: id,
    timestamp,
    timestamp_utc: utc,
    timestamp_zone: zone,
    species: value('species'),
    confidence,
    gps: toGps(value('latitude'), value('longitude'), value('location')),
    file_size_bytes: toNumber(value('file_size')) ?? (await readFileSize(context, value('image_path'))),
  };
  for (const field of OPTIONAL_FIELDS) {
    const found = value(field);
    if (found !== null) record[field] = typeof found === 'string' ? toPublicText(found) : found;
  }
  for (const field of ['species_top3', 'gemini_response'] as const) {
    const allowed = toAllowedJson(value(field));
    if (allowed !== undefined) record[field] = allowed;
  }
  return record;
}

/** Fields that only some versions have. */
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

/** Returns the allowed part of a JSON column. Text that is not JSON is dropped, because its content is unknown. */
function toAllowedJson(text: string | number | null): unknown {
  if (typeof text !== 'string') return undefined;
  const value = parseLenientJson(text);
  return typeof value === 'object' && value !== null ? toAllowed(value, SPECIES_WORDS) : undefined;
}

const COORDINATES = /^\s*(\d{1,2}(?:\.\d+)?)\s*°?\s*([NS])\s*[,; ]\s*(\d{1,3}(?:\.\d+)?)\s*°?\s*([EW])\s*$/i;

/** Returns the position from its columns, or from text such as `44.4167° N, 79.3333° W`. */
function toGps(
  latitude: string | number | null,
  longitude: string | number | null,
  location: string | number | null,
): { readonly latitude: string | number | null; readonly longitude: string | number | null } {
  const match = typeof location === 'string' ? COORDINATES.exec(location) : null;
  if (latitude !== null || longitude !== null || match === null) return { latitude, longitude };
  const [, north = '', ns = 'N', east = '', ew = 'E'] = match;
  return {
    latitude: Number(north) * (ns.toUpperCase() === 'S' ? -1 : 1),
    longitude: Number(east) * (ew.toUpperCase() === 'W' ? -1 : 1),
  };
}

/**
 * Returns the size of the image, or null if the image cannot be read or no longer exists. Images are deleted after a week.
 */
async function readFileSize(context: CollectContext, path: string | number | null): Promise<number | null> {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) return null;
  const { root, recordings } = context.paths;
  // Another program writes the column, so only files in the boat's own folders are checked.
  const isOurs = isAbsolute(path) && [root, recordings].some((folder) => path.startsWith(`${folder}/`));
  try {
    const facts = await context.disk.stat(isOurs ? path : join(recordings, basename(path)));
    return facts?.kind === 'file' ? facts.sizeBytes : null;
  } catch (error) {
    // A record whose image cannot be read is exported without the size.
    if (isExportError(error)) return null;
    throw error;
  }
}
