import { parseForeignJson } from '../platform/lenient-json.ts';
import { type AllowedWords, asObjects, toAllowed, toScalar, toScalarText, toWords } from './allowed.ts';
import type { BrowserKey } from './browser-key.ts';
import type { CollectContext } from './collector.ts';
import { sha256 } from './digest.ts';
import { toColumnZone, toEntryZone } from './policy/column-zones.ts';
import { toContentId, toRecordId } from './policy/record-ids.ts';
import type { TimestampReader } from './policy/timestamps.ts';
import { toPublicText } from './redact.ts';
import { createLeftOutKeys, createOddParts, type OnLeftOut } from './source-notes.ts';
import type { StateRecord } from './state-records.ts';

/** Called with a sentence that describes a browser document that could not be interpreted. */
export type OnProblem = (problem: string) => void;

/**
 * Returns the JSON value that a page sent under `key`, or undefined if no page sent one. If the text is not JSON, reports a
 * problem and returns undefined.
 */
export function readBrowserJson(context: CollectContext, key: BrowserKey, onProblem?: OnProblem): unknown {
  const text = context.browserDocument?.(key);
  if (text === undefined) return undefined;
  const parsed = parseForeignJson(text);
  if (parsed.kind === 'value') return parsed.value;
  onProblem?.(`${key} from the browser ${parsed.reason}`);
  return undefined;
}

/** Like `readBrowserJson`, but also reports a problem if `toShape` rejects the value's shape. */
export function readBrowserShape<T>(
  context: CollectContext,
  key: BrowserKey,
  toShape: (value: unknown) => T | undefined,
  onProblem: OnProblem,
): T | undefined {
  const value = readBrowserJson(context, key, onProblem);
  if (value === undefined || value === null) return undefined;
  const shape = toShape(value);
  if (shape === undefined) onProblem(`${key} from the browser has an unknown shape`);
  return shape;
}

/**
 * Returns the value that a page sent under `key`, as a JSON string or as plain text. Reports a list or an object as a problem.
 */
export function readBrowserText(
  context: CollectContext,
  key: BrowserKey,
  onProblem: OnProblem,
): string | undefined {
  const value = readBrowserJson(context, key) ?? context.browserDocument?.(key);
  const text = toScalar(value);
  if (text === null && value !== undefined) onProblem(`${key} from the browser has an unknown shape`);
  return text === null ? undefined : toPublicText(toScalarText(text));
}

/** Words allowed in the keys of the browser's log entries and trips. */
const ENTRY_WORDS: AllowedWords = toWords(
  'timestamp type event text rpm oil psi kpa coolant c f battery v fuel pct percent boost trim speed kn knots gps lat',
  'latitude lon lng longitude weather temp temperature wind dir direction pressure hpa humidity sea state note notes',
  'start end time date distance nm km duration s min minutes hours hour engine avg max from to used trip name id status',
  'transcript entry started ended total used',
);

/** Maximum number of entries collected from one document. */
const ENTRIES_MAX = 20_000;

/** A log entry from the browser, and the values used to find the same entry in a database. */
export interface BrowserEntry {
  readonly record: StateRecord;
  readonly utc: string | null;
  readonly type: string;
  readonly content: string | null;
}

/**
 * Returns the log entries and trips that a page sent. An entry's name is derived from its content, so it stays the same when the
 * entry is sent again. Identical entries get different names.
 */
export function readBrowserEntries(
  context: CollectContext,
  readTime: TimestampReader,
  onProblem: OnProblem,
): readonly BrowserEntry[] {
  const seen = new Map<string, number>();
  const leftOut = createLeftOutKeys();
  const toEntry = (
    source: Readonly<Record<string, unknown>>,
    ownType: string | undefined,
    onLeftOut: OnLeftOut,
  ): BrowserEntry => {
    const timestamp = toScalar(
      source['timestamp'] ?? source['start'] ?? source['startTime'] ?? source['date'],
    );
    const type = ownType ?? (typeof source['type'] === 'string' ? source['type'] : 'browser');
    const { utc, zone } = readTime(
      timestamp,
      toEntryZone(toColumnZone('browser_entries', 'timestamp'), type),
    );
    const content = typeof source['text'] === 'string' ? source['text'] : null;
    const reading = toAllowed(source, ENTRY_WORDS, onLeftOut);
    const digest = sha256(JSON.stringify([type, reading]));
    const duplicateNo = seen.get(digest) ?? 0;
    seen.set(digest, duplicateNo + 1);
    const record: StateRecord = {
      record_id: toRecordId(
        `browser:${toContentId(digest, duplicateNo)}`,
        timestamp === null ? '' : toScalarText(timestamp),
        sha256,
      ),
      entry_id: null,
      timestamp,
      timestamp_utc: utc,
      timestamp_zone: zone,
      type,
      content,
      gps: { latitude: null, longitude: null },
      weather: null,
      source: 'browser',
      reading,
    };
    return { record, utc, type, content };
  };
  const list = (key: BrowserKey) => {
    const odd = createOddParts(key, 'element');
    const objects = readBrowserShape(context, key, (value) => asObjects(value, odd), onProblem) ?? [];
    const detail = odd.detail();
    if (detail !== undefined) onProblem(detail);
    if (objects.length > ENTRIES_MAX) onProblem(`only the last ${ENTRIES_MAX} elements of ${key} were read`);
    return objects.slice(-ENTRIES_MAX);
  };
  const toEntries = (key: BrowserKey, ownType?: string): readonly BrowserEntry[] =>
    list(key).map((source) => toEntry(source, ownType, leftOut.of(key)));
  const entries = [...toEntries('d3kos-boatlog-entries'), ...toEntries('d3kos-trips', 'trip')];
  const detail = leftOut.detail();
  if (detail !== undefined) onProblem(detail);
  return entries;
}
