import { isEnrolled } from '../fleet/installations.ts';
import { installationNotFound } from '../installations/enroll.ts';
import type { NewDirectory, Store } from '../platform/ports.ts';
import { EXPORT_TABLES, type ExportTable } from './columns.ts';
import { type ExportFormat, openRowWriter } from './file-formats.ts';
import { readRows } from './read-rows.ts';

/** A file of an export. */
export interface ExportedFile {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  /** Hex SHA-256 of the file. */
  readonly sha256: string;
}

/** An export's report, also written to `manifest.json`. */
export interface ExportReport {
  readonly installation_id: string;
  readonly exported_at: string;
  readonly format: ExportFormat;
  readonly files: readonly ExportedFile[];
}

/** Name of the report in the folder. It is written last, so a folder without it is incomplete. */
export const MANIFEST_NAME = 'manifest.json';

/**
 * Writes all data that central holds about an installation to a new or empty folder, one file per table. Its
 * memory use does not depend on the amount of data. When it resolves, all files have been synced to disk. Rows that arrive during
 * the export may be included. Throws INSTALLATION_NOT_FOUND, OUTPUT_FAILED and the store's errors. The folder then has no
 * manifest.
 */
export async function exportInstallation(
  world: { readonly store: Store; readonly wallMs: number },
  installationId: string,
  format: ExportFormat,
  directory: NewDirectory,
): Promise<ExportReport> {
  if (!(await isEnrolled(world.store, installationId))) throw installationNotFound(installationId);
  const files: ExportedFile[] = [];
  for (const table of EXPORT_TABLES)
    files.push(await exportTable(world.store, table, installationId, format, directory));
  const report: ExportReport = {
    installation_id: installationId,
    exported_at: new Date(world.wallMs).toISOString(),
    format,
    files,
  };
  const manifest = await directory.createFile(MANIFEST_NAME);
  await manifest.append(new TextEncoder().encode(`${JSON.stringify(report, undefined, 2)}\n`));
  await manifest.commit();
  return report;
}

async function exportTable(
  store: Store,
  table: ExportTable,
  installationId: string,
  format: ExportFormat,
  directory: NewDirectory,
): Promise<ExportedFile> {
  const name = `${table.name}.${format}`;
  const file = await directory.createFile(name);
  try {
    const writer = await openRowWriter(format, file, table.columns);
    let rows = 0;
    for await (const page of readRows(store, table, installationId)) {
      await writer.write(page);
      rows += page.length;
    }
    await writer.end();
    return { name, rows, ...(await file.commit()) };
  } catch (error) {
    await file.abandon();
    throw error;
  }
}
