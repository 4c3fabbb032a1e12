import { join } from 'node:path';
import { CATEGORIES, type DocumentHeader, FORMAT_VERSION } from '@d3kos/protocol';
import { toLine } from '../collect/page.ts';
import type { TimestampReader } from '../collect/policy/timestamps.ts';
import type { World } from '../platform/ports.ts';
import { createExportWriter } from '../spool/export-file.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LegacyFacts } from './legacy-queue.ts';
import type { LegacyDocument } from './legacy-queue-data.ts';
import { toLegacyTime } from '../ledger/labels.ts';
import { toLegacyRecords } from './legacy-document.ts';

/** Number of recently delivered exports that are compared with a legacy export: enough for years of daily exports. */
const HISTORY_LOOKED_THROUGH_MAX = 10_000;

/** Maximum `export_timestamp` length that central accepts. */
const EXPORT_TIMESTAMP_LENGTH_MAX = 40;

/** What a rewritten export consists of. */
export interface LegacyExport {
  readonly exportId: string;
  readonly installationId: string;
  readonly document: LegacyDocument;
  readonly legacyFacts: LegacyFacts;
  readonly readTime: TimestampReader;
}

/**
 * Returns true if the ledger has an entry for the export or lists it in the history as delivered. Writing it again would produce
 * different bytes under the same key, which central would refuse.
 */
export function isHeld(ledger: Ledger, exportId: string): boolean {
  if (ledger.queue.findByExportId(exportId) !== undefined) return true;
  return ledger.queue.history(HISTORY_LOOKED_THROUGH_MAX).some((row) => row.exportId === exportId);
}

/** Durably writes a legacy document in this program's export format and returns the new file's path. */
export async function rewrite(
  { clock, disk }: Pick<World, 'clock' | 'disk'>,
  paths: SpoolPaths,
  ledger: Ledger,
  old: LegacyExport,
): Promise<string> {
  const { exportId, document, legacyFacts } = old;
  await disk.makeDirectory(paths.exports);
  const file = join(paths.exports, `export_old_${exportId.slice(4, 20)}.json`);
  const exportTimestamp = document.exportTimestamp ?? toLegacyTime(legacyFacts.createdAtMs ?? clock.wall());
  const header: DocumentHeader = {
    installation_id: old.installationId,
    export_timestamp: exportTimestamp.slice(0, EXPORT_TIMESTAMP_LENGTH_MAX).toWellFormed(),
    format_version: FORMAT_VERSION,
    export_id: exportId,
    export_type: document.isLoose ? 'incremental' : 'full',
    tier: legacyFacts.tier ?? 1,
    trigger: 'manual',
    sequence: ledger.facts.nextSequence(),
    ledger_id: ledger.facts.ledgerId,
    software_version: 'seed',
    clock: { synchronized: false, boot_id: 'unknown' },
  };
  const writer = await createExportWriter(disk, file, header);
  try {
    for (const category of CATEGORIES) {
      await writer.open(category);
      const records = toLegacyRecords(
        category,
        document.data[category],
        header.export_timestamp,
        old.readTime,
      );
      for (const record of records) await writer.page({ lines: toLine(record), count: 1 });
      await writer.close({ state: records.length === 0 ? 'empty' : 'ok' });
    }
    await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return file;
}
