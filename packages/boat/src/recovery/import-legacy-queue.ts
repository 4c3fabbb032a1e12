import { basename } from 'node:path';
import { isDiskFull } from '../platform/disk-error.ts';
import { isExportError } from '../platform/errors.ts';
import { decodeText } from '../platform/text.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import {
  type Adoption,
  type AdoptWorld,
  adoptCopy,
  adoptDocument,
  adoptFile,
  toExportId,
  type Unusable,
} from './adopt.ts';
import { type AdoptingBoat, readAdoptingBoat } from './adopting-boat.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type LegacyItem, parseLegacyQueue } from './legacy-queue.ts';
import { gatherLoose } from './legacy-queue-data.ts';
import { makeSpoolFolders } from './make-spool-folders.ts';
import { toLegacyPlaces } from './legacy-queue-place.ts';
import { toNumberedName } from '../ledger/labels.ts';

/** Name of the ledger fact that records a completed import. Once it is set, the legacy queue is not read again. */
const IMPORTED_FACT = 'old_queue_imported';

/**
 * Maximum size of a legacy queue or history file that is read, in bytes. The legacy exporter rewrote the file at every change, so
 * a larger one is implausible.
 */
export const LEGACY_QUEUE_SIZE_MAX_BYTES = 32 * 1024 * 1024;

/**
 * Maximum number of items imported from one file, enough for ten years of hourly exports. Exports on disk are adopted in any
 * case.
 */
export const LEGACY_ITEMS_MAX = 100_000;

/** The result of importing a legacy queue. */
export interface ImportReport {
  readonly imported: number;
  /**
   * Items whose export already has an entry, either because two items refer to the same file or because a power cut interrupted
   * an import.
   */
  readonly known: number;
  /** Items whose file does not exist or is outside the folders that may hold exports. */
  readonly missing: number;
  /** Items without any sendable data. They remain in the kept file. */
  readonly unusable: number;
  /** Items whose file was moved to quarantine. */
  readonly quarantined: number;
  /** Items that failed because of the disk. They are tried again at the next start. */
  readonly postponed: number;
  /** Paths to the kept legacy files. */
  readonly kept: readonly string[];
}

type Count = Exclude<keyof ImportReport, 'kept'>;
type Counts = Record<Count, number>;

/**
 * Imports the legacy exporter's queue and history once, at the first start of a ledger (docs/spec/delivery.md, "The ledger"). The
 * files are first moved to `….before-import` and kept there, because the views take over their names. Every listed export whose
 * data exists is queued, even a "completed" one, because there is no proof that central holds it. The history therefore contains
 * only exports that are proven to have been delivered. Runs before `recover`, which adopts exports that are on disk but not in
 * the queue. After a power cut, the next start continues the import, and no export gets a second entry.
 */
export async function importLegacyQueue(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
): Promise<ImportReport> {
  const counts: Counts = { imported: 0, known: 0, missing: 0, unusable: 0, quarantined: 0, postponed: 0 };
  const kept: string[] = [];
  if (ledger.facts.get(IMPORTED_FACT) !== undefined) return { ...counts, kept };
  await makeSpoolFolders(world, paths);
  let items: readonly LegacyItem[] = [];
  for (const file of [paths.queueFile, paths.historyFile]) {
    const target = await keepAside(world, ledger, file);
    if (target === undefined) continue;
    kept.push(target);
    items = items.concat(await readItems(world, target, counts));
  }
  await importItems(world, paths, ledger, items, counts);
  // A postponed item keeps the import open, so that the next start reads the kept files again.
  if (counts.postponed === 0)
    ledger.facts.record(IMPORTED_FACT, kept.map((path) => basename(path)).join(' '));
  const report = { ...counts, kept };
  if (kept.length > 0) tell(world, report);
  return report;
}

/**
 * Makes the next start import the queue files again, because the legacy exporter is taking over the queue. Exports that already
 * have an entry do not get a second one. Has no effect while an import is incomplete, because the next start continues it anyway.
 */
export function reopenLegacyImport(paths: SpoolPaths, ledger: Ledger): void {
  if (ledger.facts.get(IMPORTED_FACT) === undefined) return;
  ledger.facts.forget([IMPORTED_FACT, toFileFact(paths.queueFile), toFileFact(paths.historyFile)]);
}

/** Returns the name of the ledger fact that records where a legacy file was moved. */
function toFileFact(file: string): string {
  return `old_file ${basename(file)}`;
}

/**
 * Renames a legacy file to an unused name and returns that name, or undefined if the file does not exist. The ledger records the
 * name before the move, so that an interrupted import finds the right file.
 */
async function keepAside({ disk }: AdoptWorld, ledger: Ledger, file: string): Promise<string | undefined> {
  const fact = toFileFact(file);
  const chosen = ledger.facts.get(fact);
  if (chosen === undefined && (await disk.stat(file)) === undefined) return undefined;
  const target = chosen ?? (await freeName(disk, `${file}.before-import`));
  if (chosen === undefined) ledger.facts.record(fact, target);
  if ((await disk.stat(target)) !== undefined) return target;
  if ((await disk.stat(file)) === undefined) return undefined;
  await disk.move(file, target);
  return target;
}

async function freeName(disk: AdoptWorld['disk'], name: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const free = toNumberedName(name, attempt);
    if ((await disk.stat(free)) === undefined) return free;
  }
}

async function readItems(
  { disk, log }: AdoptWorld,
  path: string,
  counts: Counts,
): Promise<readonly LegacyItem[]> {
  const name = basename(path);
  let bytes: Uint8Array | undefined;
  try {
    bytes = await disk.read(path, LEGACY_QUEUE_SIZE_MAX_BYTES);
  } catch (error) {
    if (!isExportError(error, 'FILE_TOO_LARGE') && !isExportError(error, 'DISK_FAILED')) throw error;
    if (error.code === 'DISK_FAILED') counts.postponed += 1;
    log.write('warn', `The legacy queue file ${name} was not imported: ${error.message}`, { kept_at: path });
    return [];
  }
  const queue = parseLegacyQueue(decodeText(bytes ?? new Uint8Array()));
  if (queue.kind === 'blank' || queue.kind === 'foreign') {
    const why = queue.kind === 'blank' ? 'it is empty' : 'it is not a queue';
    log.write('warn', `The legacy queue file ${name} was not imported: ${why}`, { kept_at: path });
    return [];
  }
  if (queue.kind === 'torn')
    log.write(
      'warn',
      `The legacy queue file ${name} is damaged; ${queue.items.length} complete items were recovered`,
      {
        kept_at: path,
      },
    );
  counts.unusable += queue.unusable + Math.max(0, queue.items.length - LEGACY_ITEMS_MAX);
  return queue.items.slice(0, LEGACY_ITEMS_MAX);
}

async function importItems(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  items: readonly LegacyItem[],
  counts: Counts,
): Promise<void> {
  if (items.length === 0) return;
  const done = new Set<string>();
  for (const work of toWorks(items)) {
    const outcome =
      work.kind === 'file'
        ? await importFile(world, paths, ledger, work, done)
        : await importData(world, paths, ledger, work);
    counts[COUNTED_AS[outcome]] += 1;
    await world.clock.yield();
  }
}

type Outcome = Adoption['kind'] | Unusable['kind'] | 'missing';

const COUNTED_AS: Readonly<Record<Outcome, Count>> = {
  adopted: 'imported',
  known: 'known',
  quarantined: 'quarantined',
  postponed: 'postponed',
  unusable: 'unusable',
  missing: 'missing',
};

/**
 * Sorts the items by creation time, so that the newer of two copies of a setting is delivered last. Combines loose records into
 * documents, in the order in which they were queued.
 */
function toWorks(items: readonly LegacyItem[]): readonly LegacyItem[] {
  const loose = items.filter((item) => item.kind === 'data').filter(({ document }) => document.isLoose);
  const gathered: readonly LegacyItem[] = gatherLoose(loose.map(({ document }) => document)).flatMap(
    ({ document, first }) => {
      const facts = loose[first]?.facts;
      return facts === undefined ? [] : [{ kind: 'data' as const, document, facts }];
    },
  );
  const works = [...items.filter((item) => item.kind === 'file' || !item.document.isLoose), ...gathered];
  const madeAtMs = (item: LegacyItem): number => item.facts.createdAtMs ?? 0;
  return works.toSorted((left, right) => madeAtMs(left) - madeAtMs(right));
}

async function importFile(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  item: Extract<LegacyItem, { kind: 'file' }>,
  done: Set<string>,
): Promise<Outcome> {
  for (const { path, isOurs } of toLegacyPlaces(paths, item.path, item.facts.queueId)) {
    if (done.has(path) || ledger.queue.findByFile(path) !== undefined) return 'known';
    if ((await world.disk.stat(path))?.kind !== 'file') continue;
    const adopt = isOurs ? adoptFile : adoptCopy;
    const adoption = await adopt(world, paths, ledger, path, item.facts);
    done.add(path);
    if (adoption.kind === 'unusable')
      world.log.write('warn', `Did not import ${basename(path)} from the legacy queue: ${adoption.reason}`);
    return adoption.kind;
  }
  return 'missing';
}

async function importData(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  { document, facts }: Extract<LegacyItem, { kind: 'data' }>,
): Promise<Outcome> {
  const exportId = toExportId(
    ledger.facts.ledgerId,
    JSON.stringify([document.installationId, document.exportTimestamp, document.data]),
  );
  try {
    const boat: AdoptingBoat = await readAdoptingBoat(world.disk, paths);
    const adoption = await adoptDocument(world, paths, ledger, exportId, document, boat, facts);
    if (adoption.kind === 'unusable')
      world.log.write('warn', `An export in the legacy queue cannot be sent: ${adoption.reason}`);
    return adoption.kind;
  } catch (error) {
    if (!isDiskFull(error) && !isExportError(error, 'DISK_FAILED')) throw error;
    world.log.write(
      'warn',
      `An export in the legacy queue will be imported at the next start: ${error.message}`,
    );
    return 'postponed';
  }
}

function tell({ log }: AdoptWorld, { kept, ...counts }: ImportReport): void {
  log.write('info', `Imported ${counts.imported} exports from the legacy queue`, {
    ...counts,
    kept_at: kept.join(' '),
  });
}
