import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { CATEGORIES, type DocumentHeader, DocumentHeaderSchema, isTier } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { isExportError } from '../platform/errors.ts';
import type { WallMs, World } from '../platform/ports.ts';
import { cutFile, readHeaderLine } from '../spool/cut.ts';
import { readSectionEnds } from '../spool/section-ends.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { type AdoptingBoat, decideOwnership, readAdoptingBoat } from './adopt-boat.ts';
import { isHeld, rewrite } from './adopt-rewrite.ts';
import type { CategoryCounts, Entry } from './entry.ts';
import type { Ledger } from './ledger.ts';
import { type OldFacts, toWallMs } from './old-queue.ts';
import { countRecords, type OldDocument, toOldDocument } from './old-queue-data.ts';
import { parseOldJson } from './old-queue-json.ts';
import { toNumberedName, toStamp } from './policy.ts';

/**
 * Largest export of an older exporter that is read whole to be rewritten: some 100,000 boatlog entries, and with its
 * text and its values in memory about half of the 512 MB that the unit allows.
 */
export const SEED_DOCUMENT_SIZE_MAX_BYTES = 32 * 1024 * 1024;

const documentHeader = Compile(DocumentHeaderSchema);

/** What became of a file found without an entry. */
export type Adoption =
  | { readonly kind: 'adopted'; readonly entry: Entry }
  /** It says the same as an export that has an entry, or had one and was delivered. */
  | { readonly kind: 'known' }
  /** It could not be understood; it was moved aside, whole. */
  | { readonly kind: 'set_aside'; readonly path: string; readonly reason: string }
  /** The disk did not allow it now; the file is where it was, and the next start tries again. */
  | { readonly kind: 'postponed'; readonly reason: string };

/** A file that is another program's could not be understood; it was not touched. */
export interface Unusable {
  readonly kind: 'unusable';
  readonly reason: string;
}

export type AdoptWorld = Pick<World, 'clock' | 'disk' | 'random' | 'log'>;

const NOTHING_TOLD: OldFacts = { queueId: undefined, createdAtMs: undefined, tier: undefined };

/**
 * Gives an export file without an entry its entry, so that it is delivered. No cursor moves: its records go again with
 * the next export, and central stores them once. A file of an older exporter is rewritten with record ids first, and
 * removed when the new one has its entry. `told` is what an old queue said of it.
 * Repeating it after a power cut at any point gives one entry for one file. One file that cannot be read or written
 * now is told as `postponed`: it must not keep the export manager from starting.
 */
export async function adoptFile(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  path: string,
  told: OldFacts = NOTHING_TOLD,
): Promise<Adoption> {
  return orPostponed(path, async () => {
    const boat = await readAdoptingBoat(world.disk, paths);
    const own = await readOwnHeader(world, path);
    if (own.kind === 'damaged') return setAside(world, paths, path, own.reason);
    if (own.kind === 'own') {
      const owner = decideOwnership(own.header.installation_id, boat);
      if (owner.kind === 'refused') return setAside(world, paths, path, owner.reason);
      return adoptOwn(world, ledger, path, own, told);
    }
    const { adoption, isWhole } = await adoptSeedFile(world, paths, ledger, path, told, boat);
    if (adoption.kind === 'unusable') return setAside(world, paths, path, adoption.reason);
    if (adoption.kind === 'postponed') return adoption;
    // Only now: before its entry was durable, the old file was all there was.
    if (isWhole) await world.disk.remove(path);
    else await setAside(world, paths, path, 'a part of it was not understood; the rest of it is queued');
    return adoption;
  });
}

/** Adopts what another program's file says, and leaves the file as it is. Otherwise as `adoptFile`. */
export async function adoptCopy(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  path: string,
  told: OldFacts,
): Promise<Adoption | Unusable> {
  return orPostponed(path, async () => {
    const boat = await readAdoptingBoat(world.disk, paths);
    return (await adoptSeedFile(world, paths, ledger, path, told, boat)).adoption;
  });
}

/** The disk's refusal for one file as a value. What is wrong with the ledger, or with the whole disk, is thrown. */
async function orPostponed<T>(
  path: string,
  work: () => Promise<T>,
): Promise<T | Extract<Adoption, { kind: 'postponed' }>> {
  try {
    return await work();
  } catch (error) {
    if (isExportError(error, 'DISK_FULL') || isExportError(error, 'DISK_FAILED'))
      return { kind: 'postponed', reason: `${basename(path)}: ${error.message}` };
    throw error;
  }
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
    const there = await disk.stat(target);
    const isHere = there !== undefined && there.fileNo === (await disk.stat(path))?.fileNo;
    if (there !== undefined && !isHere) continue;
    // Power lost in an earlier move left it both names.
    if (isHere) await disk.remove(path);
    else await disk.move(path, target);
    log.write('warn', `Set aside ${basename(path)}: ${reason}`, { kept_at: target });
    return { kind: 'set_aside', path: target, reason };
  }
}

interface OwnFile {
  readonly kind: 'own';
  readonly header: DocumentHeader;
  readonly recordCount: number;
  readonly categories: CategoryCounts;
}

type OwnHeader = OwnFile | { readonly kind: 'other' } | { readonly kind: 'damaged'; readonly reason: string };

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
    const parts = await cutFile(disk, clock, path, Number.MAX_SAFE_INTEGER);
    const recordCount = parts.flatMap((part) => part.slices).reduce((sum, slice) => sum + slice.count, 0);
    return { kind: 'own', header, recordCount, categories: await readSectionEnds(disk, clock, path) };
  } catch (error) {
    if (isExportError(error, 'EXPORT_FILE_DAMAGED')) return { kind: 'damaged', reason: error.message };
    throw error;
  }
}

async function adoptOwn(
  { clock, disk }: AdoptWorld,
  ledger: Ledger,
  path: string,
  { header, recordCount, categories }: OwnFile,
  told: OldFacts,
): Promise<Adoption> {
  const facts = await disk.stat(path);
  // The world's clock gives a WallMs; a time that was told is a label of the same kind.
  const createdAtMs = (told.createdAtMs ?? toWallMs(header.export_timestamp) ?? clock.wall()) as WallMs;
  const entry = ledger.queue.adopt({
    queueId: freeQueueId(ledger, told.queueId, toFileStamp(path) ?? toStamp(createdAtMs)),
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
    categories,
    fileSizeBytes: facts?.sizeBytes ?? 0,
    createdAtMs,
  });
  return entry === undefined ? { kind: 'known' } : { kind: 'adopted', entry };
}

/** The stamp in the name of an export or of a failed one. */
function toFileStamp(path: string): string | undefined {
  return /^(?:export|q)_([0-9]{8}_[0-9]{6}(?:_[0-9]{1,6})?)(?:_failed)?\.json$/.exec(basename(path))?.[1];
}

function freeQueueId(ledger: Ledger, told: string | undefined, stamp: string): string {
  if (told !== undefined && ledger.queue.find(told) === undefined) return told;
  for (let attempt = 1; ; attempt += 1) {
    const queueId = `q_${toNumberedName(stamp, attempt)}`;
    if (ledger.queue.find(queueId) === undefined) return queueId;
  }
}

/** `isWhole` false: the file holds more than was adopted. */
interface SeedAdoption {
  readonly adoption: Adoption | Unusable;
  readonly isWhole: boolean;
}

async function adoptSeedFile(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  path: string,
  told: OldFacts,
  boat: AdoptingBoat,
): Promise<SeedAdoption> {
  const unusable = (reason: string): SeedAdoption => ({
    adoption: { kind: 'unusable', reason },
    isWhole: false,
  });
  let bytes: Uint8Array | undefined;
  try {
    bytes = await world.disk.read(path, SEED_DOCUMENT_SIZE_MAX_BYTES);
  } catch (error) {
    if (isExportError(error, 'FILE_TOO_LARGE')) return unusable(error.message);
    throw error;
  }
  if (bytes === undefined) return { adoption: { kind: 'known' }, isWhole: true };
  const parsed = parseOldJson(new TextDecoder().decode(bytes));
  if (parsed === undefined) return unusable('it is neither an export of this program nor JSON');
  const document = toOldDocument(undefined, parsed.value);
  if (document === undefined) return unusable('it is not an export document');
  const stamp = toFileStamp(path);
  const adoption = await adoptDocument(world, paths, ledger, toExportId(bytes), document, boat, {
    ...told,
    queueId: told.queueId ?? (stamp === undefined ? undefined : `q_${stamp}`),
  });
  return { adoption, isWhole: document.isWhole };
}

/** An old export's id: the same content gives the same id, however often it is read. */
export function toExportId(content: Uint8Array | string): string {
  return `exp_${createHash('sha256').update(content).digest('hex').slice(0, 32)}`;
}

/**
 * Writes an older exporter's document as an export of this program and gives it its entry. Repeating it gives nothing
 * new while the entry or its history is there.
 */
export async function adoptDocument(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  exportId: string,
  document: OldDocument,
  boat: AdoptingBoat,
  told: OldFacts,
): Promise<Adoption | Unusable> {
  const owner = decideOwnership(document.installationId, boat);
  if (owner.kind === 'refused') return { kind: 'unusable', reason: owner.reason };
  if (countRecords(document) === 0) return { kind: 'unusable', reason: 'it holds no record' };
  if (isHeld(ledger, exportId)) return { kind: 'known' };
  const file = await rewrite(world, paths, ledger, {
    exportId,
    installationId: owner.installationId,
    document,
    told,
    readTime: boat.readTime,
  });
  const own = await readOwnHeader(world, file);
  if (own.kind !== 'own') return setAside(world, paths, file, 'it could not be read back');
  return adoptOwn(world, ledger, file, own, told);
}
