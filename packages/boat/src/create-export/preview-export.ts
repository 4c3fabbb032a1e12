import { type Category, parseExactJson } from '@d3kos/protocol';
import type { Page } from '../collect/collector.ts';
import { LINE_SEPARATOR } from '../collect/page.ts';
import { findRedactions, type Redaction, REDACTIONS } from '../collect/redact.ts';
import type { CategoryCount } from '../ledger/entry.ts';
import { toCollectContext } from './collect-context.ts';
import type { CreateExportDeps, ExportRequest } from './export-request.ts';
import { currentTimeZones } from './time-zones.ts';

/** What one category would contribute to an export created now. */
export interface CategoryPreview extends CategoryCount {
  readonly sizeBytes: number;
  /** The first records, as they would be exported. */
  readonly samples: readonly unknown[];
  /** The fields from which text was removed, and the number of records. The removed text itself is not kept. */
  readonly redacted: readonly (Redaction & { readonly count: number })[];
}

/** Maximum number of fields with removed text listed per category. Free-form sources may have a field for each sensor. */
const REDACTED_FIELDS_MAX = 20;

/**
 * Collects every category without writing a file or moving a cursor. Returns at most `samplesMax` sample records per
 * category.
 */
export async function previewExport(
  deps: CreateExportDeps,
  request: Pick<ExportRequest, 'type' | 'installationId'>,
  signal: AbortSignal,
  samplesMax: number,
): Promise<Readonly<Partial<Record<Category, CategoryPreview>>>> {
  const previews: Partial<Record<Category, CategoryPreview>> = {};
  const timeZones = await currentTimeZones(deps, signal);
  for (const collector of deps.collectors) {
    const { category } = collector;
    const samples: unknown[] = [];
    let count = 0;
    let sizeBytes = 0;
    const redacted = createRedactedFields();
    await using pages = collector.collect(
      toCollectContext(deps, { ...request, timeZones }, category, signal),
    );
    let step = await pages.next();
    while (step.done !== true) {
      signal.throwIfAborted();
      const page = step.value;
      count += page.count;
      sizeBytes += page.bytes?.byteLength ?? Buffer.byteLength(page.lines);
      if (samples.length < samplesMax)
        for (const line of page.lines.split(LINE_SEPARATOR, samplesMax - samples.length))
          samples.push(parseExactJson(line));
      redacted.add(page);
      step = await pages.next();
    }
    const { state, detail } = step.value;
    previews[category] = {
      state,
      count,
      sizeBytes,
      samples,
      redacted: redacted.list(),
      ...(detail === undefined ? {} : { detail }),
    };
  }
  return previews;
}

function createRedactedFields() {
  const counts = new Map<string, Redaction & { readonly count: number }>();
  return {
    add(page: Page): void {
      if (!mayBeRedacted(page)) return;
      for (const line of page.lines.split(LINE_SEPARATOR).filter(hasPlaceholder))
        for (const { field, reason } of findRedactions(JSON.parse(line))) {
          const key = `${field} ${reason}`;
          counts.set(key, { field, reason, count: (counts.get(key)?.count ?? 0) + 1 });
        }
    },
    list: (): CategoryPreview['redacted'] => [...counts.values()].slice(0, REDACTED_FIELDS_MAX),
  };
}

function hasPlaceholder(line: string): boolean {
  return Object.keys(REDACTIONS).some((placeholder) => line.includes(placeholder));
}

/** Searches the bytes of a page formatted by SQLite, because decoding them first would cost more. */
function mayBeRedacted(page: Page): boolean {
  const { bytes } = page;
  if (bytes === undefined) return hasPlaceholder(page.lines);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Object.keys(REDACTIONS).some((placeholder) => buffer.includes(placeholder));
}
