import { type Category, isDocumentCategory } from '@d3kos/protocol';
import { asObject, isAllowedKey, toAllowed, toScalar, toScalarText, toWords } from '../collect/allowed.ts';
import { WEATHER_WORDS } from '../collect/boatlog-weather.ts';
import { sha256 } from '../collect/digest.ts';
import { toColumnZone, toEntryZone } from '../collect/policy/column-zones.ts';
import { toContentId, toRecordId } from '../collect/policy/record-ids.ts';
import type { TimestampReader } from '../collect/policy/timestamps.ts';
import { toPublicText } from '../collect/redact.ts';
import { toExactNumber } from '../platform/lenient-json.ts';
import { parseLegacyJson } from './legacy-json.ts';

export type PlainObject = Readonly<Record<string, unknown>>;

/** A record that is ready to be written. `record_id` must be the first key, because readers of export files rely on it. */
export type LegacyRecord = { readonly record_id: string } & PlainObject;

/** Returns true for a JSON object: not an array, not null, and not an `ExactNumber`. */
export function isPlainObject(value: unknown): value is PlainObject {
  return asObject(value) !== undefined;
}

/**
 * Returns a section's records unchanged: its `entries` or `data`, or the section itself if it is a list. Returns [] for other
 * shapes.
 */
export function toSectionRecords(category: Category, section: unknown): readonly PlainObject[] {
  if (Array.isArray(section)) return section.filter(isPlainObject);
  if (!isPlainObject(section)) return [];
  const { entries, data } = section;
  if (isDocumentCategory(category)) return isPlainObject(data) && Object.keys(data).length > 0 ? [data] : [];
  if (Array.isArray(entries)) return entries.filter(isPlainObject);
  return Array.isArray(data) ? data.filter(isPlainObject) : [];
}

/**
 * Returns the records from one section of a legacy document. Each has the `record_id` that its collector assigns to the same row,
 * so that central stores it only once. Removes credentials, local paths and addresses, which must not leave the boat. If several
 * records have the same ID, returns only the last.
 */
export function toLegacyRecords(
  category: Category,
  section: unknown,
  exportTimestamp: string,
  readTime: TimestampReader,
): readonly LegacyRecord[] {
  const own = toSectionRecords(category, section);
  const neighbours = new Map<string, number>();
  const records = new Map<string, LegacyRecord>();
  for (const entry of isDocumentCategory(category) ? own.slice(-1) : own) {
    const record = toLegacyRecord(category, entry, exportTimestamp, readTime, neighbours);
    records.set(record.record_id, record);
  }
  return [...records.values()];
}

function toLegacyRecord(
  category: Category,
  entry: PlainObject,
  exportTimestamp: string,
  readTime: TimestampReader,
  neighbours: Map<string, number>,
): LegacyRecord {
  if (category === 'boatlog') return toBoatlogRecord(entry, readTime, neighbours);
  const { record_id: named, ...rest } = entry;
  const fields = toOutgoing(rest);
  const recordId =
    typeof named === 'string' && named !== ''
      ? toRecordId(named, '', sha256)
      : toLegacyIdentity(category, entry, exportTimestamp);
  return { record_id: recordId, ...fields };
}

/** Returns the value of the first of `keys` whose value is a non-empty string or a number. */
function readName(entry: PlainObject, keys: readonly string[]): string | undefined {
  const value = keys.map((key) => toScalar(entry[key])).find((id) => id !== null && id !== '');
  return value === undefined || value === null ? undefined : toScalarText(value);
}

function readTimestamp(entry: PlainObject, keys: readonly string[]): string | number | null {
  const value = keys
    .map((key) => entry[key])
    .find((time) => typeof time === 'string' || typeof time === 'number');
  // `find` does not narrow the type.
  return (value as string | number | undefined) ?? null;
}

const TIMESTAMP_KEYS = ['timestamp', 'created_at'] as const;

/**
 * Returns the record ID that the collectors derive for the same row or file. A record without an ID is identified by
 * its content.
 */
function toLegacyIdentity(
  category: Exclude<Category, 'boatlog'>,
  entry: PlainObject,
  exportTimestamp: string,
): string {
  const name = (keys: readonly string[]): string =>
    readName(entry, keys) ?? toContentId(sha256(JSON.stringify(entry)), 0);
  const timestamp = String(readTimestamp(entry, TIMESTAMP_KEYS) ?? '');
  switch (category) {
    case 'settings':
    case 'onboarding':
      return category;
    case 'telemetry':
      // A telemetry sample is identified by the time of its export.
      return toRecordId('telemetry', timestamp === '' ? exportTimestamp : timestamp, sha256);
    case 'marine_vision_captures':
      return toRecordId(name(['capture_id', 'id']), timestamp, sha256);
    case 'marine_vision_snapshots':
      return toRecordId(name(['filename', 'file_name', 'name', 'snapshot_id']), '', sha256);
    case 'qr_codes':
      return toRecordId(name(['installation_uuid']), String(entry['generated_at'] ?? ''), sha256);
    case 'system_alerts':
      return toRecordId(
        `${isIssue(entry) ? 'issues' : 'alerts'}:${name(['id', 'issue_id', 'alert_id'])}`,
        timestamp,
        sha256,
      );
    case 'engine_benchmark':
      return toBenchmarkIdentity(entry, timestamp);
    default:
      return category satisfies never;
  }
}

/** Returns true for a row of the self-healing issues table, recognised by its columns. */
function isIssue(entry: PlainObject): boolean {
  return ['resolved_at', 'remediation_action', 'issue_id'].some((key) => key in entry);
}

/** A test is identified by its ID, and results and baselines by their timestamp. */
function toBenchmarkIdentity(entry: PlainObject, timestamp: string): string {
  const id = readName(entry, ['id']);
  const content = toContentId(sha256(JSON.stringify(entry)), 0);
  if ('baseline' in entry || 'metrics' in entry) return toRecordId('results', timestamp || content, sha256);
  if (['startTime', 'avgMetrics', 'samples'].some((key) => key in entry))
    return toRecordId(`test:${id ?? content}`, '', sha256);
  return toRecordId(id === undefined ? 'baseline' : `baseline:${id}`, timestamp || content, sha256);
}

/** Formats a boatlog entry exactly as the boatlog collector formats the same row. Keeps unknown fields. */
function toBoatlogRecord(
  entry: PlainObject,
  readTime: TimestampReader,
  neighbours: Map<string, number>,
): LegacyRecord {
  const { record_id: named, ...given } = entry;
  const gps = isPlainObject(given['gps']) ? given['gps'] : {};
  const pick = (...keys: readonly string[]): unknown =>
    keys.map((key) => given[key]).find((value) => value !== undefined) ?? null;
  const stated = toScalar(pick('entry_id', 'id'));
  // The collector, too, reads a row number beyond 2^53 as text.
  const entryId = stated !== null && typeof stated === 'object' ? stated.rawJSON : stated;
  const timestamp = readTimestamp(given, TIMESTAMP_KEYS);
  const said = [
    pick('type', 'entry_type'),
    pick('content', 'text', 'note'),
    gps['latitude'] ?? pick('latitude', 'lat'),
    gps['longitude'] ?? pick('longitude', 'lon', 'lng'),
    pick('weather', 'weather_conditions'),
  ] as const;
  const [type, content, latitude, longitude, weather] = said;
  const isNamed = entryId !== null && entryId !== '';
  const id = isNamed ? String(entryId) : toNeighbourId(sha256(JSON.stringify(said)), timestamp, neighbours);
  // The collector makes the same assumption.
  const column = given['timestamp'] === undefined ? 'created_at' : 'timestamp';
  const { utc, zone } = readTime(timestamp, toEntryZone(toColumnZone('boatlog_entries', column), type));
  return {
    record_id:
      typeof named === 'string' && named !== ''
        ? toRecordId(named, '', sha256)
        : toRecordId(id, timestamp === null ? '' : String(timestamp), sha256),
    entry_id: isNamed ? entryId : null,
    timestamp,
    timestamp_utc: utc,
    timestamp_zone: zone,
    type,
    content,
    gps: { latitude, longitude },
    weather: toWeather(weather),
    ...toOutgoing(Object.fromEntries(Object.entries(given).filter(([key]) => !BOATLOG_KEYS.has(key)))),
  };
}

/** The keys that `toBoatlogRecord` replaces with its own names. */
const BOATLOG_KEYS: ReadonlySet<string> = new Set([
  ...['entry_id', 'id', 'timestamp', 'created_at', 'timestamp_utc', 'timestamp_zone', 'type', 'entry_type'],
  ...[
    'content',
    'text',
    'note',
    'gps',
    'latitude',
    'lat',
    'longitude',
    'lon',
    'lng',
    'weather',
    'weather_conditions',
  ],
]);

function toNeighbourId(
  digest: string,
  timestamp: string | number | null,
  neighbours: Map<string, number>,
): string {
  const key = `${timestamp}|${digest}`;
  const neighbour = neighbours.get(key) ?? 0;
  neighbours.set(key, neighbour + 1);
  return toContentId(digest, neighbour);
}

function toWeather(value: unknown): unknown {
  if (typeof value !== 'string') return toAllowed(value, WEATHER_WORDS) ?? null;
  const parsed = /^\s*[{[]/.test(value) ? parseLegacyJson(value) : undefined;
  return parsed === undefined ? toPublicText(value) : (toAllowed(parsed.value, WEATHER_WORDS) ?? null);
}

/** Fields whose keys contain any of these words are removed, because the legacy exporter also copied private fields. */
const PRIVATE_WORDS = toWords(
  'password passwords passwd pwd passphrase psk pin secret secrets token tokens credential credentials key keys apikey',
  'auth authorization bearer cookie private pairing chat ssid path rtsp',
);

/** Maximum nesting depth that is kept. Legacy records have four levels: test, samples, sample and value. */
const DEPTH_MAX = 10;

/**
 * Returns a legacy record's fields except private ones. Drops numeric keys, because JavaScript would put them before `record_id`.
 */
function toOutgoing(fields: PlainObject): PlainObject {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([key]) => !/^\d+$/.test(key) && !isPrivateKey(key))
      .map(([key, value]) => [key, toOutgoingValue(value, 1)]),
  );
}

function toOutgoingValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return toPublicText(value);
  if (typeof value !== 'object' || value === null) return value;
  const number = toExactNumber(value);
  if (number !== undefined) return number;
  if (depth >= DEPTH_MAX) return null;
  if (Array.isArray(value)) return value.map((element) => toOutgoingValue(element, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !isPrivateKey(key))
      .map(([key, inner]) => [key, toOutgoingValue(inner, depth + 1)]),
  );
}

function isPrivateKey(key: string): boolean {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .some((word) => isAllowedKey(word, PRIVATE_WORDS));
}
