import { toSpoolPaths } from '@d3kos/boat';
import type { DiskMedium } from '../disk-medium.ts';
import { ROOT } from '../places.ts';
import type { LegacyQueuePlan } from '../plan.ts';
import type { SimRandom } from '../random.ts';
import type { TruthRecord } from './truth.ts';

/** Number of boatlog entries in each of the legacy exporter's exports. */
const ENTRIES_PER_EXPORT = 3;

/**
 * Writes a legacy exporter's queue in one of the formats found in the field, with its exports as files or within the queue.
 * Returns the records in the queue. They no longer exist in any source, so any record that the boat does not import is lost.
 */
export function writeLegacyQueue(
  medium: DiskMedium,
  installationId: string,
  { format, exports, isTorn }: LegacyQueuePlan,
  random: SimRandom,
): ReadonlyMap<string, TruthRecord> {
  const paths = toSpoolPaths(ROOT);
  const records = new Map<string, TruthRecord>();
  const items = Array.from({ length: exports }, (_, index) => {
    const stamp = `20260220_1005${String(index).padStart(2, '0')}`;
    const created = `2026-02-20T10:05:${String(index).padStart(2, '0')}Z`;
    // The last item of a torn list exists nowhere else. Complete records in it may be salvaged.
    const isTornItem = isTorn && format === 'list' && index === exports - 1;
    const entries = Array.from({ length: ENTRIES_PER_EXPORT }, (__, number) => {
      const key = `o${index * ENTRIES_PER_EXPORT + number}`;
      const content = `${key} a legacy entry ${random.hex(random.integer(40))}`;
      const legacy = isTornItem ? 'torn' : 'whole';
      records.set(key, { category: 'boatlog', key, versions: [content], isPresent: false, legacy });
      return { entry_id: 1_000 + index * 10 + number, timestamp: created, entry_type: 'voice', content };
    });
    const document = {
      installation_id: installationId,
      export_timestamp: created,
      format_version: '1.0',
      data: { boatlog: { category: 'boatlog', entry_count: entries.length, entries } },
    };
    const file = `${paths.exports}/export_${stamp}.json`;
    if (format !== 'list') medium.put(file, JSON.stringify(document, null, 2));
    return toItem(format, { stamp, created, file, document });
  });
  const text = JSON.stringify(toQueue(format, items));
  // The cut is within the last item, which is longer than 80 characters.
  medium.put(paths.queueFile, isTorn ? text.slice(0, text.length - 20 - random.integer(60)) : text);
  return records;
}

interface LegacyExport {
  readonly stamp: string;
  readonly created: string;
  readonly file: string;
  readonly document: unknown;
}

function toItem(
  format: LegacyQueuePlan['format'],
  { stamp, created, file, document }: LegacyExport,
): Readonly<Record<string, unknown>> {
  switch (format) {
    case 'versioned':
    case 'lists':
      return {
        queue_id: `q_${stamp}`,
        export_file: file,
        created_at: created,
        tier: 2,
        status: 'pending',
        retry_count: 0,
        next_retry_at: created,
        last_error: null,
      };
    case 'pending_exports':
      return { export_id: `exp_${stamp}`, file_path: file, created, upload_attempts: 2, status: 'pending' };
    case 'list':
      return {
        id: stamp,
        type: 'export',
        data: document,
        timestamp: created,
        attempts: 1,
        status: 'pending',
      };
  }
}

function toQueue(format: LegacyQueuePlan['format'], items: readonly unknown[]): unknown {
  switch (format) {
    case 'versioned':
      return { version: '1.0', uploading: [], completed: [], failed: [], pending: items };
    case 'lists':
      return { failed: items.slice(0, 1), pending: items.slice(1) };
    case 'pending_exports':
      return { pending_exports: items };
    case 'list':
      return items;
  }
}
