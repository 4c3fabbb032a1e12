import type { DocumentHeader } from '@d3kos/protocol';
import type { Disk } from '../platform/ports.ts';
import { createExportWriter } from '../spool/export-file.ts';

/** The default installation ID for exports that `spoolExport` writes. */
export const SPOOLED_INSTALLATION = '0123456789abcdef';

/** Writes a finished export file containing boatlog records with the given IDs, and returns its size in bytes. */
export async function spoolExport(
  disk: Disk,
  path: string,
  recordIds: readonly string[],
  over: Partial<DocumentHeader> = {},
): Promise<number> {
  const writer = await createExportWriter(disk, path, {
    installation_id: SPOOLED_INSTALLATION,
    export_timestamp: '2026-02-20T10:00:00Z',
    format_version: '1.0',
    export_id: 'exp_1',
    export_type: 'full',
    tier: 2,
    trigger: 'manual',
    sequence: 1,
    ledger_id: '00112233445566ff',
    software_version: '0.1.0',
    clock: { synchronized: true, boot_id: 'b' },
    ...over,
  });
  await writer.open('boatlog');
  await writer.page({
    lines: recordIds
      .map((recordId) => JSON.stringify({ record_id: recordId, content: 'wind NE 4 '.repeat(100) }))
      .join(',\n'),
    count: recordIds.length,
  });
  await writer.close({ state: 'ok' });
  return writer.commit();
}
