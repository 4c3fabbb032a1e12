import type { Category } from '@d3kos/protocol';
import { LINE_SEPARATOR } from '../collect/page.ts';
import type { CategoryCount } from '../ledger/entry.ts';
import { toCollectContext } from './collect-context.ts';
import type { CreateExportDeps, ExportRequest } from './export-request.ts';
import { currentTimeZones } from './time-zones.ts';

/** What one category would add to an export made now. */
export interface CategoryPreview extends CategoryCount {
  readonly sizeBytes: number;
  /** The first records, as they would be exported. */
  readonly samples: readonly unknown[];
}

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
          samples.push(JSON.parse(line));
      step = await pages.next();
    }
    const { state, detail } = step.value;
    previews[category] = { state, count, sizeBytes, samples, ...(detail === undefined ? {} : { detail }) };
  }
  return previews;
}
