import { toCollectContext } from './create-export/collect-context.ts';
import type { CreateExportDeps } from './create-export/export-request.ts';

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

/** A text that a spreadsheet would run as a formula is shown as text instead. */
const FORMULA_START = /^[=+\-@\t\r]/;

/** A CSV cell (RFC 4180). Numbers stay numbers; objects become JSON. */
export function toCsvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = FORMULA_START.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The whole boatlog as CSV, page by page from its source: header line first, lines end in CRLF. */
export async function* toBoatlogCsv(
  deps: CreateExportDeps,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  yield `${COLUMNS.join(',')}\r\n`;
  const collector = deps.collectors.find(({ category }) => category === 'boatlog');
  if (collector === undefined) return;
  const context = toCollectContext(deps, { type: 'full', installationId: '' }, 'boatlog', signal);
  for await (const { lines } of collector.collect(context)) {
    signal.throwIfAborted();
    let text = '';
    for (const line of lines.split(',\n')) {
      // Lines of a page are JSON objects written by the collector.
      const record = JSON.parse(line) as Readonly<Record<string, unknown>> & {
        readonly gps?: Readonly<Record<string, unknown>>;
      };
      text += `${COLUMNS.map((column) => toCsvCell(record[column] ?? record.gps?.[column])).join(',')}\r\n`;
    }
    yield text;
  }
}
