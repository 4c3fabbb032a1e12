import { basename, join } from 'node:path';
import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { isExportError } from '../platform/errors.ts';
import type { DirectoryEntry, World } from '../platform/ports.ts';
import { openExportReader } from '../spool/export-reader.ts';
import { type SpoolPaths, toFailedFile } from '../spool/spool-paths.ts';
import { type Finding, isLeftBehind, orOk } from './policy.ts';

/** The spool and the ledger that belongs to it. */
export interface SpoolToExamine {
  readonly world: Pick<World, 'clock' | 'disk'>;
  readonly paths: SpoolPaths;
  readonly ledger: Ledger;
  readonly presence: 'alone' | 'beside_daemon';
  readonly signal: AbortSignal;
}

/** Number of entries read at once. */
const PAGE_ENTRIES = 200;

/**
 * Checks that every entry's file exists and has the recorded size. Also reads the files of waiting and failed entries to the last
 * line.
 */
export async function examineEntries(spool: SpoolToExamine): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  let count = 0;
  for (const status of ['pending', 'failed', 'completed'] as const)
    for (let after = 0; ;) {
      const page = spool.ledger.queue.page(status, after, PAGE_ENTRIES);
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.entryNo;
      for (const entry of page) {
        spool.signal.throwIfAborted();
        count += 1;
        const finding = await examineEntry(spool, entry);
        if (finding !== undefined) findings.push(finding);
      }
    }
  return orOk('entries', findings, `${count} entries, each with an unchanged file`);
}

async function examineEntry(spool: SpoolToExamine, entry: Entry): Promise<Finding | undefined> {
  const found = await judgeEntry(spool, entry);
  if (found === undefined) return undefined;
  // The daemon may have changed or removed the entry while its file was being examined.
  const now = spool.ledger.queue.get(entry.entryNo);
  const isUnchanged =
    now !== undefined &&
    now.exportFile === entry.exportFile &&
    (now.status === 'completed') === (entry.status === 'completed');
  return isUnchanged ? found : undefined;
}

async function judgeEntry({ world, paths }: SpoolToExamine, entry: Entry): Promise<Finding | undefined> {
  const { disk } = world;
  const { queueId, exportFile, status } = entry;
  const name = basename(exportFile);
  const facts = await disk.stat(exportFile);
  if (facts === undefined) {
    if (status === 'completed')
      return {
        check: 'entries',
        level: 'note',
        message: `The file of ${queueId} is missing; central has it`,
      };
    if (status === 'failed')
      return {
        check: 'entries',
        level: 'note',
        message: `The file of the failed export ${queueId} is missing; the next export contains its records`,
      };
    const isArchived = (await disk.stat(toFailedFile(paths, queueId))) !== undefined;
    return {
      check: 'entries',
      level: 'problem',
      message: `${queueId} is waiting for delivery, but its file ${name} is ${isArchived ? 'in failed_exports' : 'missing'}`,
      hint: isArchived
        ? 'Power failed while the export was being moved to failed_exports. The next start of the export manager repairs this.'
        : 'Put the file back if you moved it. Otherwise the next start marks the entry as failed, and the next export contains its records.',
    };
  }
  if (facts.sizeBytes !== entry.fileSizeBytes)
    return {
      check: 'entries',
      level: status === 'completed' ? 'note' : 'problem',
      message: `${name} has ${facts.sizeBytes} bytes instead of ${entry.fileSizeBytes}`,
      hint: 'Another program changed the file, or the disk is failing. Once the entry has failed, the next export contains its records.',
    };
  // Central already has the contents of delivered files, so reading all of them would take minutes without any benefit.
  if (status === 'completed') return undefined;
  try {
    await (await openExportReader(world, exportFile)).cut(Number.MAX_SAFE_INTEGER);
    return undefined;
  } catch (error) {
    if (!isExportError(error)) throw error;
    return { check: 'entries', level: 'problem', message: error.message, hint: error.hint };
  }
}

/** Finds export files without an entry. A repair adopts them. */
export async function examineFiles(spool: SpoolToExamine): Promise<readonly Finding[]> {
  const { paths, ledger } = spool;
  const findings: Finding[] = [];
  let count = 0;
  for (const directory of [paths.failed, paths.exports])
    for (const file of await list(spool, directory)) {
      if (file.kind === 'other') findings.push(toStrangeFile(directory, file.name));
      if (file.kind !== 'file' || !file.name.endsWith('.json')) continue;
      count += 1;
      const path = join(directory, file.name);
      if (ledger.queue.findByFile(path) !== undefined || isBeingDeadLettered(ledger, file.name)) continue;
      findings.push({
        check: 'files',
        level: 'problem',
        message: `${file.name} has no entry in the queue, so it is not delivered`,
        hint: 'To adopt it, run `d3kos-export doctor --repair` or restart the export manager.',
        repair: { kind: 'adopt', path },
      });
    }
  return orOk('files', findings, `${count} export files, each with an entry`);
}

/** Reports symbolic links, pipes and devices among the exports. */
function toStrangeFile(directory: string, name: string): Finding {
  return {
    check: 'files',
    level: 'problem',
    message: `${name} is not a regular file. The export manager neither reads nor sends it`,
    hint: `The export manager never creates such a file: find out which program did, and remove ${join(directory, name)}.`,
  };
}

/**
 * Returns true for an archived file whose entry is not failed yet. Dead-lettering moves the file before it changes the entry. If
 * it is interrupted in between, the next start completes it.
 */
function isBeingDeadLettered(ledger: Ledger, name: string): boolean {
  const queueId = /^(.*)_failed\.json$/.exec(name)?.[1];
  return queueId !== undefined && ledger.queue.find(queueId) !== undefined;
}

/** Finds temporary files left by interrupted writes. The caller must ensure that no export is running. */
export async function examineTemporary(spool: Omit<SpoolToExamine, 'ledger'>): Promise<readonly Finding[]> {
  const { world, paths, presence } = spool;
  const nowMs = world.clock.wall();
  const findings: Finding[] = [];
  for (const directory of [paths.home, paths.exports, paths.failed])
    for (const file of await list(spool, directory)) {
      if (file.kind !== 'file' || !file.name.endsWith('.tmp')) continue;
      // A running daemon may write the views and the ballast file in this folder at any time.
      const others = directory === paths.home ? presence : 'alone';
      if (!isLeftBehind(file.modifiedMs, nowMs, others)) continue;
      findings.push({
        check: 'temporary',
        level: 'problem',
        message: `${file.name} is left over from an interrupted write (${file.sizeBytes} bytes)`,
        hint: 'To remove it, run `d3kos-export doctor --repair` or restart the export manager.',
        repair: { kind: 'remove_temporary', path: join(directory, file.name) },
      });
    }
  return orOk('temporary', findings, 'no leftover temporary files');
}

/** Reports the quarantined files, which must be examined manually. */
export async function examineDamaged(
  spool: Pick<SpoolToExamine, 'world' | 'paths'>,
): Promise<readonly Finding[]> {
  const findings = (await list(spool, spool.paths.damaged)).map(({ name, sizeBytes }): Finding => ({
    check: 'damaged',
    level: 'note',
    message: `${name} is quarantined (${sizeBytes} bytes)`,
    hint: 'The export manager could not read it. Examine the file, then remove it.',
  }));
  return orOk('damaged', findings, 'no file is quarantined');
}

async function list(
  { world }: { readonly world: Pick<World, 'disk'> },
  directory: string,
): Promise<readonly DirectoryEntry[]> {
  return (await world.disk.list(directory)) ?? [];
}
