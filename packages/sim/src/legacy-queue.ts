import { type Boat, toSpoolPaths } from '@d3kos/boat';
import type { DiskMedium } from './disk-medium.ts';
import { ROOT } from './places.ts';
import type { LegacyQueuePlan } from './plan.ts';
import type { SimRandom } from './random.ts';
import type { TruthRecord } from './truth-record.ts';

/** What an older exporter left on the card, and the records in it that must reach central. */
export type LegacyRecords = ReadonlyMap<string, TruthRecord>;

/** Boatlog entries in each of the older exporter's exports. */
const ENTRIES_PER_EXPORT = 3;

/**
 * Writes the queue of an older exporter, in one of the formats of the field, with its exports beside or within it. Their
 * records are in no source any more: what the boat does not import is lost.
 */
export function writeLegacyQueue(
  medium: DiskMedium,
  installationId: string,
  { format, exports, isTorn }: LegacyQueuePlan,
  random: SimRandom,
): LegacyRecords {
  const paths = toSpoolPaths(ROOT);
  const records = new Map<string, TruthRecord>();
  const items = Array.from({ length: exports }, (_, index) => {
    const stamp = `20260220_1005${String(index).padStart(2, '0')}`;
    const created = `2026-02-20T10:05:${String(index).padStart(2, '0')}Z`;
    const entries = Array.from({ length: ENTRIES_PER_EXPORT }, (__, number) => {
      const key = `o${index * ENTRIES_PER_EXPORT + number}`;
      const content = `${key} an old entry ${random.hex(random.integer(40))}`;
      // Of a list whose last item is torn, that item is in no file but this: what is whole in it may be salvaged.
      const isTornItem = isTorn && format === 'list' && index === exports - 1;
      const old = isTornItem ? 'torn' : 'whole';
      records.set(key, { category: 'boatlog', key, versions: [content], isPresent: false, old });
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
    switch (format) {
      case 'seed':
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
  });
  const text = JSON.stringify(toQueue(format, items));
  // Within the last item, which has at least so many characters.
  medium.put(paths.queueFile, isTorn ? text.slice(0, text.length - 20 - random.integer(60)) : text);
  return records;
}

function toQueue(format: LegacyQueuePlan['format'], items: readonly unknown[]): unknown {
  switch (format) {
    case 'seed':
      return { version: '1.0', uploading: [], completed: [], failed: [], pending: items };
    case 'lists':
      return { failed: items.slice(0, 1), pending: items.slice(1) };
    case 'pending_exports':
      return { pending_exports: items };
    case 'list':
      return items;
  }
}

/**
 * Whether an export of an older exporter lies whole on the card without an entry. A start that has no room to take it in
 * says so and leaves it to the next one; whether any does is seen at the end of the run.
 */
export function waitsForAdoption(boat: Boat, medium: DiskMedium, { old, versions }: TruthRecord): boolean {
  if (old === undefined) return false;
  const { exports } = toSpoolPaths(ROOT);
  return medium.paths().some((path) => {
    if (!path.startsWith(`${exports}/export_`) || boat.ledger.queue.findByFile(path) !== undefined)
      return false;
    const text = Buffer.from(medium.get(path) ?? []).toString('utf8');
    return text.includes(JSON.stringify(versions[0])) && isWhole(text);
  });
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
