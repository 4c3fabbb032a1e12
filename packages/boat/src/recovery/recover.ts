import { join } from 'node:path';
import type { World } from '../platform/ports.ts';
import { type SpoolPaths, toFailedFile } from '../spool/spool-paths.ts';
import { adoptFile } from './adopt.ts';
import { quarantineFile } from './quarantine-file.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** What a start found and mended. */
export interface RecoveryReport {
  readonly temporaryRemoved: number;
  readonly adopted: number;
  readonly quarantined: number;
  readonly missing: number;
  /** Files that could not be read or written now and are adopted at a later start. */
  readonly postponed: number;
}

/**
 * Brings ledger and spool together before the API listens (docs/spec/delivery.md, "Restart, boot, schedule"): what was being sent is pending, temporary
 * files go, files without an entry get one, entries whose file is gone are failed with their ranges due again.
 * Each step is safe to repeat: power lost in the middle is mended by the next start.
 */
export async function recover(
  world: Pick<World, 'clock' | 'disk' | 'random' | 'log'>,
  paths: SpoolPaths,
  ledger: Ledger,
): Promise<RecoveryReport> {
  const { clock, disk, log } = world;
  for (const directory of [paths.home, paths.exports, paths.failed]) await disk.makeDirectory(directory);
  let temporaryRemoved = 0;
  for (const directory of [paths.home, paths.exports, paths.failed])
    for (const file of (await disk.list(directory)) ?? []) {
      if (file.kind !== 'file' || !file.name.endsWith('.tmp')) continue;
      await disk.remove(join(directory, file.name));
      temporaryRemoved += 1;
    }

  let missing = 0;
  for (const entry of ledger.queue.list('pending')) {
    const archived = toFailedFile(paths, entry.queueId);
    const there = await disk.stat(entry.exportFile);
    if (there !== undefined) {
      // Power was lost while the file was archived: it has both names, and is still to be delivered.
      const hasBoth = entry.exportFile !== archived && (await disk.stat(archived))?.fileNo === there.fileNo;
      if (hasBoth) await disk.remove(archived);
      continue;
    }
    // Power was lost after the file was archived and before its entry was failed: it is still to be delivered.
    if ((await disk.stat(archived)) !== undefined) {
      ledger.queue.setFile(entry.entryNo, archived);
      continue;
    }
    missing += 1;
    ledger.queue.fail(entry.entryNo, {
      atMs: clock.wall(),
      reason: 'The export file is gone; its records go with the next export',
      archiveFile: entry.exportFile,
    });
    log.write('warn', `The file of export ${entry.queueId} is gone; its records go with the next export`);
  }

  let adopted = 0;
  let aside = 0;
  let postponed = 0;
  // The failed ones first: one that is rewritten goes to the other folder, where it would be taken for a file of its own
  // if power failed before its entry was durable.
  for (const directory of [paths.failed, paths.exports])
    for (const file of (await disk.list(directory)) ?? []) {
      const path = join(directory, file.name);
      if (file.kind !== 'file' || !file.name.endsWith('.json') || ledger.queue.findByFile(path) !== undefined)
        continue;
      const adoption = await adoptFile(world, paths, ledger, path);
      switch (adoption.kind) {
        case 'adopted':
          adopted += 1;
          log.write('info', `Adopted export file ${file.name} as ${adoption.entry.queueId}`);
          break;
        case 'quarantined':
          aside += 1;
          break;
        case 'postponed':
          postponed += 1;
          log.write('warn', `An export file waits for the next start: ${adoption.reason}`);
          break;
        case 'known':
          if ((await disk.stat(path)) !== undefined) {
            await quarantineFile(world, paths, path, 'another file holds the same export');
            aside += 1;
          }
          break;
      }
    }
  return { temporaryRemoved, adopted, quarantined: aside, missing, postponed };
}
