import { isExactNumber, parseExactJson } from '@d3kos/protocol';
import { LINE_SEPARATOR } from './collect/page.ts';
import { toCollectContext } from './create-export/collect-context.ts';
import type { CreateExportDeps } from './create-export/export-request.ts';
import { currentTimeZones } from './create-export/time-zones.ts';

const COLUMNS = [
  'entry_id',
  'timestamp',
  'timestamp_utc',
  'type',
  'content',
  'latitude',
  'longitude',
  'weather',
] as const;

/** Matches text that a spreadsheet would evaluate as a formula. A leading apostrophe is added to this text. */
const FORMULA_START = /^[=+\-@\t\r]/;

/** Formats a value as a CSV cell (RFC 4180). Numbers stay numbers, and objects become JSON. */
export function toCsvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (isExactNumber(value)) return value.rawJSON;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = FORMULA_START.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Streams the complete boatlog as CSV, page by page. The first line contains the column names. Lines end with CRLF. */
export async function* toBoatlogCsv(
  deps: CreateExportDeps,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  yield `${COLUMNS.join(',')}\r\n`;
  const collector = deps.collectors.find(({ category }) => category === 'boatlog');
  if (collector === undefined) return;
  const timeZones = await currentTimeZones(deps, signal);
  const context = toCollectContext(deps, { type: 'full', installationId: '', timeZones }, 'boatlog', signal);
  for await (const { lines } of collector.collect(context)) {
    signal.throwIfAborted();
    let text = '';
    for (const line of lines.split(LINE_SEPARATOR)) {
      // Every line of a collector's page is a JSON object.
      const record = parseExactJson(line) as Readonly<Record<string, unknown>> & {
        readonly gps?: Readonly<Record<string, unknown>>;
      };
      text += `${COLUMNS.map((column) => toCsvCell(record[column] ?? record.gps?.[column])).join(',')}\r\n`;
    }
    yield text;
  }
}
