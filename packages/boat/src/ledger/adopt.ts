import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import {
  CATEGORIES,
  type Category,
  type DocumentHeader,
  DocumentHeaderSchema,
  FORMAT_VERSION,
  isDocumentCategory,
  isInstallationId,
  isTier,
} from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { cutFile, readHeaderLine } from '../spool/cut.ts';
import { createExportWriter } from '../spool/export-file.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import type { Entry } from './entry.ts';
import type { Ledger } from './ledger.ts';
import { toNumberedName, toSeedTime, toStamp } from './policy.ts';
import { isPlainObject, toSeedRecords } from './seed-document.ts';

/** Largest export of an older exporter that is read whole to be rewritten: it built them in memory on the same boat. */
const SEED_DOCUMENT_SIZE_MAX_BYTES = 512 * 1024 * 1024;

const documentHeader = Compile(DocumentHeaderSchema);

/** What became of a file found without an entry. */
export type Adoption =
  | { readonly kind: 'adopted'; readonly entry: Entry }
  /** It says the same as an export that has an entry. */
  | { readonly kind: 'known' }
  /** It could not be understood; it was moved aside, whole. */
  | { readonly kind: 'set_aside'; readonly path: string; readonly reason: string };

type AdoptWorld = Pick<World, 'clock' | 'disk' | 'random' | 'log'>;

/**
 * Gives an export file without an entry its entry, so that it is delivered. No cursor moves: its records go again with
 * the next export, and central stores them once. A file of an older exporter is rewritten with record ids first.
 * Repeating it after a power cut at any point gives one entry for one file.
 */
export async function adoptFile(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  path: string,
): Promise<Adoption> {
  const own = await readOwnHeader(world, path);
  if (own.kind === 'own') return adoptOwn(world, ledger, path, own.header, own.recordCount);
  if (own.kind === 'damaged') return setAside(world, paths, path, own.reason);
  return adoptSeedDocument(world, paths, ledger, path);
}

/** Moves a file that cannot be used where a person can look at it; its name is kept, and never overwrites another. */
export async function setAside(
  { disk, log }: Pick<World, 'disk' | 'log'>,
  paths: SpoolPaths,
  path: string,
  reason: string,
): Promise<Extract<Adoption, { kind: 'set_aside' }>> {
  await disk.makeDirectory(paths.damaged);
  for (let attempt = 1; ; attempt += 1) {
    const target = join(paths.damaged, toNumberedName(basename(path), attempt));
    if ((await disk.stat(target)) !== undefined) continue;
    await disk.move(path, target);
    log.write('warn', `Set aside ${basename(path)}: ${reason}`, { kept_at: target });
    return { kind: 'set_aside', path: target, reason };
  }
}

type OwnHeader =
  | { readonly kind: 'own'; readonly header: DocumentHeader; readonly recordCount: number }
  | { readonly kind: 'other' }
  | { readonly kind: 'damaged'; readonly reason: string };

async function readOwnHeader({ disk, clock }: AdoptWorld, path: string): Promise<OwnHeader> {
  let header: unknown;
  try {
    header = JSON.parse((await readHeaderLine(disk, path)).replace(/,"data":\{$/, '}'));
  } catch (error) {
    if (isExportError(error, 'EXPORT_FILE_DAMAGED') || error instanceof SyntaxError) return { kind: 'other' };
    throw error;
  }
  if (!documentHeader.Check(header)) return { kind: 'other' };
  try {
    const parts = await cutFile(disk, clock, path, Number.MAX_SAFE_INTEGER, 0);
    const recordCount = parts.flatMap((part) => part.slices).reduce((sum, slice) => sum + slice.count, 0);
    return { kind: 'own', header, recordCount };
  } catch (error) {
    if (isExportError(error, 'EXPORT_FILE_DAMAGED')) return { kind: 'damaged', reason: error.message };
    throw error;
  }
}

async function adoptOwn(
  { clock, disk }: AdoptWorld,
  ledger: Ledger,
  path: string,
  header: DocumentHeader,
  recordCount: number,
): Promise<Adoption> {
  if (ledger.queue.findByExportId(header.export_id) !== undefined) return { kind: 'known' };
  const facts = await disk.stat(path);
  const nowMs = clock.wall();
  const stamp = /^export_([0-9]{8}_[0-9]{6}(?:_[0-9]+)?)\.json$/.exec(basename(path))?.[1];
  const entry = ledger.queue.adopt({
    queueId: freeQueueId(ledger, stamp ?? toStamp(nowMs)),
    exportId: header.export_id,
    exportFile: path,
    exportType: header.export_type,
    trigger: header.trigger,
    // The schema allows 0 to 3.
    tier: isTier(header.tier) ? header.tier : 0,
    // Another ledger's count says nothing about this one's.
    sequence: header.ledger_id === ledger.facts.ledgerId ? header.sequence : 0,
    categoryCount: CATEGORIES.length,
    recordCount,
    categories: {},
    fileSizeBytes: facts?.sizeBytes ?? 0,
    createdAtMs: nowMs,
  });
  return { kind: 'adopted', entry };
}

function freeQueueId(ledger: Ledger, stamp: string): string {
  for (let attempt = 1; ; attempt += 1) {
    const queueId = `q_${toNumberedName(stamp, attempt)}`;
    if (ledger.queue.find(queueId) === undefined) return queueId;
  }
}

async function adoptSeedDocument(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  path: string,
): Promise<Adoption> {
  const { disk } = world;
  const bytes = await disk.read(path, SEED_DOCUMENT_SIZE_MAX_BYTES);
  if (bytes === undefined) return { kind: 'known' };
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return setAside(world, paths, path, 'it is neither an export of this program nor JSON');
  }
  if (
    !isPlainObject(document) ||
    !isInstallationId(document['installation_id']) ||
    !isPlainObject(document['data'])
  )
    return setAside(world, paths, path, 'it is not an export document');

  const exportId = `exp_${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`;
  const known = ledger.queue.findByExportId(exportId);
  if (known === undefined) {
    const file = await rewrite(world, paths, ledger, {
      exportId,
      installationId: document['installation_id'],
      exportTimestamp: String(document['export_timestamp'] ?? '').slice(0, 40),
      data: document['data'],
    });
    const adopted = await adoptFile(world, paths, ledger, file);
    await disk.remove(path);
    return adopted;
  }
  await disk.remove(path);
  return { kind: 'known' };
}

/** Writes an older exporter's document as one of this program, and gives the new file's path. */
export async function rewrite(
  { clock, disk }: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  old: {
    readonly exportId: string;
    readonly installationId: string;
    readonly exportTimestamp: string;
    readonly data: Readonly<Record<string, unknown>>;
  },
): Promise<string> {
  await disk.makeDirectory(paths.exports);
  const file = join(paths.exports, `export_old_${old.exportId.slice(4, 20)}.json`);
  const header: DocumentHeader = {
    installation_id: old.installationId,
    export_timestamp: old.exportTimestamp === '' ? toSeedTime(clock.wall()) : old.exportTimestamp,
    format_version: FORMAT_VERSION,
    export_id: old.exportId,
    export_type: 'full',
    tier: 1,
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
      const records = toSeedRecords(category, old.data[category], header.export_timestamp);
      for (const record of records.slice(0, isDocumentCategory(category as Category) ? 1 : records.length))
        await writer.page({ lines: JSON.stringify(record), count: 1 });
      await writer.close({ state: records.length === 0 ? 'empty' : 'ok' });
    }
    await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return file;
}
