import { basename } from 'node:path';
import { isExportError } from '../platform/errors.ts';
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
import { toLegacyPlaces } from './legacy-queue-place.ts';
import { toNumberedName } from '../ledger/policy.ts';

/** Set when the old queue was imported: it is never read again. */
const IMPORTED_FACT = 'old_queue_imported';

/** Largest queue or history file of an older exporter that is read: it was read whole and written whole at every change. */
export const LEGACY_QUEUE_SIZE_MAX_BYTES = 32 * 1024 * 1024;

/** Most items of one file that are imported: ten years of hourly exports. The exports on disk are adopted all the same. */
export const LEGACY_ITEMS_MAX = 100_000;

/** What the import of an old queue did. */
export interface ImportReport {
  readonly imported: number;
  /** Items whose export has an entry already: two items of one file, or an import that a power cut interrupted. */
  readonly known: number;
  /** Items whose file is nowhere on the boat, or outside of where exports may be. */
  readonly missing: number;
  /** Items that hold nothing that can be sent; they are in the kept file. */
  readonly unusable: number;
  /** Items whose file was set aside. */
  readonly quarantined: number;
  /** Items the disk did not allow now: the next start tries again. */
  readonly postponed: number;
  /** Where the old files are kept. */
  readonly kept: readonly string[];
}

type Count = Exclude<keyof ImportReport, 'kept'>;
type Counts = Record<Count, number>;

/**
 * Imports the queue and the history of an older exporter, once, at the first start of a ledger (docs/spec/delivery.md, "The ledger"). Their files are moved to `….before-import` first and stay there: the views take their names. Everything
 * they list whose data is there is queued, "completed" ones too, because central never proved that it holds them; and
 * so history keeps only what central proved. Runs before `recover`, which adopts the exports that no queue listed.
 * Power may fail anywhere: the next start goes on, and no export gets a second entry.
 */
export async function importLegacyQueue(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
): Promise<ImportReport> {
  const counts: Counts = { imported: 0, known: 0, missing: 0, unusable: 0, quarantined: 0, postponed: 0 };
  const kept: string[] = [];
  if (ledger.facts.get(IMPORTED_FACT) !== undefined) return { ...counts, kept };
  for (const directory of [paths.home, paths.exports, paths.failed])
    await world.disk.makeDirectory(directory);
  let items: readonly LegacyItem[] = [];
  for (const file of [paths.queueFile, paths.historyFile]) {
    const target = await keepAside(world, ledger, file);
    if (target === undefined) continue;
    kept.push(target);
    items = items.concat(await readItems(world, target, counts));
  }
  await importItems(world, paths, ledger, items, counts);
  // What was postponed keeps the import open: the kept files are read again at the next start.
  if (counts.postponed === 0)
    ledger.facts.record(IMPORTED_FACT, kept.map((path) => basename(path)).join(' '));
  const report = { ...counts, kept };
  if (kept.length > 0) tell(world, report);
  return report;
}

/**
 * Moves an old file to a name that is free, and gives that name; undefined where there is no such file. The name is
 * in the ledger before the move, so that an interrupted import finds its file and takes no other for it.
 */
async function keepAside({ disk }: AdoptWorld, ledger: Ledger, file: string): Promise<string | undefined> {
  const fact = `old_file ${basename(file)}`;
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
    log.write('warn', `The old queue file ${name} was not imported: ${error.message}`, { kept_at: path });
    return [];
  }
  const queue = parseLegacyQueue(new TextDecoder().decode(bytes ?? new Uint8Array()));
  if (queue.kind === 'blank' || queue.kind === 'foreign') {
    const why = queue.kind === 'blank' ? 'it is empty' : 'it is no queue';
    log.write('warn', `The old queue file ${name} was not imported: ${why}`, { kept_at: path });
    return [];
  }
  if (queue.kind === 'torn')
    log.write('warn', `The old queue file ${name} is torn; ${queue.items.length} whole items were salvaged`, {
      kept_at: path,
    });
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
 * One export each, oldest first where the queue says when they were made: the later of two copies of a changed
 * setting is the one to be delivered last. Loose data is gathered, in the order it was queued.
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
      world.log.write('warn', `Left ${basename(path)} of the old queue where it is: ${adoption.reason}`);
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
    JSON.stringify([document.installationId, document.exportTimestamp, document.data]),
  );
  try {
    const boat: AdoptingBoat = await readAdoptingBoat(world.disk, paths);
    const adoption = await adoptDocument(world, paths, ledger, exportId, document, boat, facts);
    if (adoption.kind === 'unusable')
      world.log.write('warn', `An export in the old queue cannot be sent: ${adoption.reason}`);
    return adoption.kind;
  } catch (error) {
    if (!isExportError(error, 'DISK_FULL') && !isExportError(error, 'DISK_FAILED')) throw error;
    world.log.write('warn', `An export in the old queue waits for the next start: ${error.message}`);
    return 'postponed';
  }
}

function tell({ log }: AdoptWorld, { kept, ...counts }: ImportReport): void {
  log.write('info', `Imported ${counts.imported} exports of the old queue`, {
    ...counts,
    kept_at: kept.join(' '),
  });
}
