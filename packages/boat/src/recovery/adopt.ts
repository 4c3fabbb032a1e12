import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { CATEGORIES, type DocumentHeader, DocumentHeaderSchema, isTier } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { isExportError } from '../platform/errors.ts';
import type { WallMs, World } from '../platform/ports.ts';
import { type ExportReader, openExportReader } from '../spool/export-reader.ts';
import { readSectionEnds } from '../spool/section-ends.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { type AdoptingBoat, decideOwnership, readAdoptingBoat } from './adopting-boat.ts';
import { isHeld, rewrite } from './rewrite-legacy-export.ts';
import type { CategoryCounts, Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type LegacyFacts, toWallMs } from './legacy-queue.ts';
import { countRecords, type LegacyDocument, toLegacyDocument } from './legacy-queue-data.ts';
import { parseLegacyJson } from './legacy-json.ts';
import { toNumberedName, toStamp } from '../ledger/policy.ts';
import { quarantineFile, type Quarantined } from './quarantine-file.ts';

/**
 * Largest export of an older exporter that is read whole to be rewritten: some 100,000 boatlog entries, and with its
 * text and its values in memory about half of the 512 MB that the unit allows.
 */
export const LEGACY_DOCUMENT_SIZE_MAX_BYTES = 32 * 1024 * 1024;

const documentHeader = Compile(DocumentHeaderSchema);

/** What became of a file found without an entry. */
export type Adoption =
  | { readonly kind: 'adopted'; readonly entry: Entry }
  /** It says the same as an export that has an entry, or had one and was delivered. */
  | { readonly kind: 'known' }
  | Quarantined
  /** The disk did not allow it now; the file is where it was, and the next start tries again. */
  | { readonly kind: 'postponed'; readonly reason: string };

/** A file that is another program's could not be understood; it was not touched. */
export interface Unusable {
  readonly kind: 'unusable';
  readonly reason: string;
}

export type AdoptWorld = Pick<World, 'clock' | 'disk' | 'random' | 'log'>;

const NOTHING_TOLD: LegacyFacts = { queueId: undefined, createdAtMs: undefined, tier: undefined };

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
  told: LegacyFacts = NOTHING_TOLD,
): Promise<Adoption> {
  return orPostponed(path, async () => {
    const boat = await readAdoptingBoat(world.disk, paths);
    const own = await readOwnHeader(world, path);
    if (own.kind === 'damaged') return quarantineFile(world, paths, path, own.reason);
    if (own.kind === 'own') {
      const owner = decideOwnership(own.header.installation_id, boat);
      if (owner.kind === 'refused') return quarantineFile(world, paths, path, owner.reason);
      return adoptOwn(world, ledger, path, own, told);
    }
    const { adoption, isWhole } = await adoptLegacyFile(world, paths, ledger, path, told, boat);
    if (adoption.kind === 'unusable') return quarantineFile(world, paths, path, adoption.reason);
    if (adoption.kind === 'postponed') return adoption;
    // Only now: before its entry was durable, the old file was all there was.
    if (isWhole) await world.disk.remove(path);
    else
      await quarantineFile(world, paths, path, 'a part of it was not understood; the rest of it is queued');
    return adoption;
  });
}

/** Adopts what another program's file says, and leaves the file as it is. Otherwise as `adoptFile`. */
export async function adoptCopy(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  path: string,
  told: LegacyFacts,
): Promise<Adoption | Unusable> {
  return orPostponed(path, async () => {
    const boat = await readAdoptingBoat(world.disk, paths);
    return (await adoptLegacyFile(world, paths, ledger, path, told, boat)).adoption;
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

interface OwnFile {
  readonly kind: 'own';
  readonly header: DocumentHeader;
  readonly recordCount: number;
  readonly categories: CategoryCounts;
}

type OwnHeader = OwnFile | { readonly kind: 'other' } | { readonly kind: 'damaged'; readonly reason: string };

async function readOwnHeader({ disk, clock }: AdoptWorld, path: string): Promise<OwnHeader> {
  let reader: ExportReader;
  let header: unknown;
  try {
    reader = await openExportReader({ disk, clock }, path);
    header = JSON.parse(await reader.headerJson());
  } catch (error) {
    if (isExportError(error, 'EXPORT_FILE_DAMAGED') || error instanceof SyntaxError) return { kind: 'other' };
    throw error;
  }
  if (!documentHeader.Check(header)) return { kind: 'other' };
  try {
    const parts = await reader.cut(Number.MAX_SAFE_INTEGER);
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
  told: LegacyFacts,
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
interface LegacyAdoption {
  readonly adoption: Adoption | Unusable;
  readonly isWhole: boolean;
}

async function adoptLegacyFile(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  path: string,
  told: LegacyFacts,
  boat: AdoptingBoat,
): Promise<LegacyAdoption> {
  const unusable = (reason: string): LegacyAdoption => ({
    adoption: { kind: 'unusable', reason },
    isWhole: false,
  });
  let bytes: Uint8Array | undefined;
  try {
    bytes = await world.disk.read(path, LEGACY_DOCUMENT_SIZE_MAX_BYTES);
  } catch (error) {
    if (isExportError(error, 'FILE_TOO_LARGE')) return unusable(error.message);
    throw error;
  }
  if (bytes === undefined) return { adoption: { kind: 'known' }, isWhole: true };
  const parsed = parseLegacyJson(new TextDecoder().decode(bytes));
  if (parsed === undefined) return unusable('it is neither an export of this program nor JSON');
  const document = toLegacyDocument(undefined, parsed.value);
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
  document: LegacyDocument,
  boat: AdoptingBoat,
  told: LegacyFacts,
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
  if (own.kind !== 'own') return quarantineFile(world, paths, file, 'it could not be read back');
  return adoptOwn(world, ledger, file, own, told);
}
