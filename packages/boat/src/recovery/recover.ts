import { join } from 'node:path';
import type { World } from '../platform/ports.ts';
import { type SpoolPaths, toFailedFile } from '../spool/spool-paths.ts';
import { adoptFile } from './adopt.ts';
import { makeSpoolFolders } from './make-spool-folders.ts';
import { quarantineFile } from './quarantine-file.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** What recovery found and repaired at startup. */
export interface RecoveryReport {
  readonly temporaryRemoved: number;
  readonly adopted: number;
  readonly quarantined: number;
  readonly missing: number;
  /** Files that could not be read or written, and will be tried again at the next start. */
  readonly postponed: number;
}

type RecoveryWorld = Pick<World, 'clock' | 'disk' | 'random' | 'log'>;

/**
 * Reconciles the ledger and the spool before the API starts listening (docs/spec/delivery.md, "Restart, boot, schedule"). Removes
 * temporary files, dead-letters entries whose file is missing, and adopts files without an entry. Every step is safe to repeat,
 * so the next start completes a recovery that a power cut interrupted.
 */
export async function recover(
  world: RecoveryWorld,
  paths: SpoolPaths,
  ledger: Ledger,
): Promise<RecoveryReport> {
  await makeSpoolFolders(world, paths);
  const temporaryRemoved = await removeTemporaryFiles(world, paths);
  const missing = await failMissing(world, paths, ledger);
  return { temporaryRemoved, missing, ...(await adoptFiles(world, paths, ledger)) };
}

async function removeTemporaryFiles({ disk }: RecoveryWorld, paths: SpoolPaths): Promise<number> {
  let removed = 0;
  for (const directory of [paths.home, paths.exports, paths.failed])
    for (const file of (await disk.list(directory)) ?? []) {
      if (file.kind !== 'file' || !file.name.endsWith('.tmp')) continue;
      await disk.remove(join(directory, file.name));
      removed += 1;
    }
  return removed;
}

/** Dead-letters waiting entries whose file is missing and returns their number. Also repairs interrupted moves to the archive. */
async function failMissing(
  { clock, disk, log }: RecoveryWorld,
  paths: SpoolPaths,
  ledger: Ledger,
): Promise<number> {
  let missing = 0;
  for (const entry of ledger.queue.list('pending')) {
    const archived = toFailedFile(paths, entry.queueId);
    const there = await disk.stat(entry.exportFile);
    if (there !== undefined) {
      // A power cut interrupted the move to the archive: the file has both names, and its entry is still pending.
      const hasBoth = entry.exportFile !== archived && (await disk.stat(archived))?.fileNo === there.fileNo;
      if (hasBoth) await disk.remove(archived);
      continue;
    }
    // Power failed between the move to the archive and marking the entry as failed, so the entry is still pending.
    if ((await disk.stat(archived)) !== undefined) {
      ledger.queue.setFile(entry.entryNo, archived);
      continue;
    }
    missing += 1;
    ledger.queue.fail(entry.entryNo, {
      atMs: clock.wall(),
      reason: 'The export file is missing; the next export contains its records',
      archiveFile: entry.exportFile,
    });
    log.write('warn', `The file of export ${entry.queueId} is missing; the next export contains its records`);
  }
  return missing;
}

/** Adopts the export files without an entry. */
async function adoptFiles(
  world: RecoveryWorld,
  paths: SpoolPaths,
  ledger: Ledger,
): Promise<Pick<RecoveryReport, 'adopted' | 'quarantined' | 'postponed'>> {
  const { disk, log } = world;
  const counts = { adopted: 0, quarantined: 0, postponed: 0 };
  // The folder for failed exports comes first, because adoption rewrites its legacy files into the other folder. If power had
  // failed before the entry was durable, the rewritten file would otherwise be adopted as a separate export.
  for (const directory of [paths.failed, paths.exports])
    for (const file of (await disk.list(directory)) ?? []) {
      const path = join(directory, file.name);
      if (file.kind === 'other')
        log.write('warn', `${path} is not a regular file. The export manager neither reads nor sends it`);
      if (file.kind !== 'file' || !file.name.endsWith('.json') || ledger.queue.findByFile(path) !== undefined)
        continue;
      const adoption = await adoptFile(world, paths, ledger, path);
      switch (adoption.kind) {
        case 'adopted':
          counts.adopted += 1;
          log.write('info', `Adopted export file ${file.name} as ${adoption.entry.queueId}`);
          break;
        case 'quarantined':
          counts.quarantined += 1;
          break;
        case 'postponed':
          counts.postponed += 1;
          log.write(
            'warn',
            `An export file could not be adopted and will be tried again at the next start: ${adoption.reason}`,
          );
          break;
        case 'known':
          if ((await disk.stat(path)) !== undefined) {
            await quarantineFile(world, paths, path, 'another file contains the same export');
            counts.quarantined += 1;
          }
          break;
      }
    }
  return counts;
}
