import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { CATEGORIES, type DocumentHeader, DocumentHeaderSchema, isTier } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { isDiskFull } from '../platform/disk-error.ts';
import { isExportError } from '../platform/errors.ts';
import type { WallMs, World } from '../platform/ports.ts';
import { decodeText } from '../platform/text.ts';
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
import { toNumberedName, toStamp } from '../ledger/labels.ts';
import { quarantineFile, type Quarantined } from './quarantine-file.ts';

/**
 * Maximum size of a legacy export file that adoption reads into memory, in bytes. A file of this size has about 100,000 boatlog
 * entries. Its text and parsed values together take about half of the 512 MB that the systemd unit allows.
 */
export const LEGACY_DOCUMENT_SIZE_MAX_BYTES = 32 * 1024 * 1024;

const documentHeader = Compile(DocumentHeaderSchema);

/** The result of adopting a file that has no entry. */
export type Adoption =
  | { readonly kind: 'adopted'; readonly entry: Entry }
  /** The file contains an export that already has an entry or has been delivered. */
  | { readonly kind: 'known' }
  | Quarantined
  /** The disk failed. The file was not moved, and the next start tries again. */
  | { readonly kind: 'postponed'; readonly reason: string };

/** The data cannot be adopted. The file was not changed. */
export interface Unusable {
  readonly kind: 'unusable';
  readonly reason: string;
}

export type AdoptWorld = Pick<World, 'clock' | 'disk' | 'random' | 'log'>;

const NO_LEGACY_FACTS: LegacyFacts = { queueId: undefined, createdAtMs: undefined, tier: undefined };

/**
 * Creates an entry for an export file that has none, so that it is delivered. Moves no cursor, so the next export contains the
 * records again, and central stores them once. A legacy export file is first rewritten with record IDs, and removed once the new
 * file has its entry. `legacyFacts` come from the legacy queue. Can be repeated after a power cut at any point and leaves exactly
 * one entry per file. Returns `postponed` for a file that currently cannot be read or written, because one file must not keep the
 * export manager from starting.
 */
export async function adoptFile(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  path: string,
  legacyFacts: LegacyFacts = NO_LEGACY_FACTS,
): Promise<Adoption> {
  return orPostponed(path, async () => {
    const boat = await readAdoptingBoat(world.disk, paths);
    const own = await readOwnHeader(world, path);
    if (own.kind === 'damaged') return quarantineFile(world, paths, path, own.reason);
    if (own.kind === 'own') {
      const owner = decideOwnership(own.header.installation_id, boat);
      if (owner.kind === 'refused') return quarantineFile(world, paths, path, owner.reason);
      return adoptOwn(world, ledger, path, own, legacyFacts);
    }
    const { adoption, isWhole } = await adoptLegacyFile(world, paths, ledger, path, legacyFacts, boat);
    if (adoption.kind === 'unusable') return quarantineFile(world, paths, path, adoption.reason);
    if (adoption.kind === 'postponed') return adoption;
    // Until the entry is durable, the legacy file is the export's only copy.
    if (isWhole) await world.disk.remove(path);
    else
      await quarantineFile(world, paths, path, 'a part of the file could not be parsed; the rest is queued');
    return adoption;
  });
}

/** Like `adoptFile`, but leaves the file unchanged, because it belongs to another program. */
export async function adoptCopy(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  path: string,
  legacyFacts: LegacyFacts,
): Promise<Adoption | Unusable> {
  return orPostponed(path, async () => {
    const boat = await readAdoptingBoat(world.disk, paths);
    return (await adoptLegacyFile(world, paths, ledger, path, legacyFacts, boat)).adoption;
  });
}

/** Runs `work`. Returns a disk failure for this file as a value instead of throwing it. Throws any other error. */
async function orPostponed<T>(
  path: string,
  work: () => Promise<T>,
): Promise<T | Extract<Adoption, { kind: 'postponed' }>> {
  try {
    return await work();
  } catch (error) {
    if (isDiskFull(error) || isExportError(error, 'DISK_FAILED'))
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
  legacyFacts: LegacyFacts,
): Promise<Adoption> {
  const facts = await disk.stat(path);
  // A creation time from the legacy queue is also wall-clock time, but only `Clock` returns the branded type.
  const createdAtMs = (legacyFacts.createdAtMs ??
    toWallMs(header.export_timestamp) ??
    clock.wall()) as WallMs;
  const entry = ledger.queue.adopt({
    queueId: freeQueueId(ledger, legacyFacts.queueId, toFileStamp(path) ?? toStamp(createdAtMs)),
    exportId: header.export_id,
    exportFile: path,
    exportType: header.export_type,
    trigger: header.trigger,
    // The schema already limits the tier to 0–3. The check narrows the type.
    tier: isTier(header.tier) ? header.tier : 0,
    // A sequence is meaningful only within its own ledger.
    sequence: header.ledger_id === ledger.facts.ledgerId ? header.sequence : 0,
    categoryCount: CATEGORIES.length,
    recordCount,
    categories,
    fileSizeBytes: facts?.sizeBytes ?? 0,
    createdAtMs,
  });
  return entry === undefined ? { kind: 'known' } : { kind: 'adopted', entry };
}

/** Returns the timestamp from the file name of an export or an archived failed export. */
function toFileStamp(path: string): string | undefined {
  return /^(?:export|q)_([0-9]{8}_[0-9]{6}(?:_[0-9]{1,6})?)(?:_failed)?\.json$/.exec(basename(path))?.[1];
}

function freeQueueId(ledger: Ledger, legacyFacts: string | undefined, stamp: string): string {
  if (legacyFacts !== undefined && ledger.queue.find(legacyFacts) === undefined) return legacyFacts;
  for (let attempt = 1; ; attempt += 1) {
    const queueId = `q_${toNumberedName(stamp, attempt)}`;
    if (ledger.queue.find(queueId) === undefined) return queueId;
  }
}

/** `isWhole` is false if part of the file was not adopted. */
interface LegacyAdoption {
  readonly adoption: Adoption | Unusable;
  readonly isWhole: boolean;
}

async function adoptLegacyFile(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  path: string,
  legacyFacts: LegacyFacts,
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
  const parsed = parseLegacyJson(decodeText(bytes));
  if (parsed === undefined) return unusable('the file is not JSON');
  const document = toLegacyDocument(undefined, parsed.value);
  if (document === undefined) return unusable('the file is not an export document');
  const stamp = toFileStamp(path);
  const adoption = await adoptDocument(
    world,
    paths,
    ledger,
    toExportId(ledger.facts.ledgerId, bytes),
    document,
    boat,
    {
      ...legacyFacts,
      queueId: legacyFacts.queueId ?? (stamp === undefined ? undefined : `q_${stamp}`),
    },
  );
  return { adoption, isWhole: document.isWhole };
}

/**
 * Returns a legacy export's export ID. The ID is the same each time this ledger imports the same content. A ledger that replaced
 * a lost one writes its own ID into the document, which makes it a different export.
 */
export function toExportId(ledgerId: string, content: Uint8Array | string): string {
  return `exp_${createHash('sha256').update(ledgerId).update(content).digest('hex').slice(0, 32)}`;
}

/**
 * Writes a legacy document in this program's export format and creates its entry. Repeating the call has no effect while the
 * ledger has the entry or its history.
 */
export async function adoptDocument(
  world: AdoptWorld,
  paths: SpoolPaths,
  ledger: Ledger,
  exportId: string,
  document: LegacyDocument,
  boat: AdoptingBoat,
  legacyFacts: LegacyFacts,
): Promise<Adoption | Unusable> {
  const owner = decideOwnership(document.installationId, boat);
  if (owner.kind === 'refused') return { kind: 'unusable', reason: owner.reason };
  if (countRecords(document) === 0) return { kind: 'unusable', reason: 'the export contains no records' };
  if (isHeld(ledger, exportId)) return { kind: 'known' };
  const file = await rewrite(world, paths, ledger, {
    exportId,
    installationId: owner.installationId,
    document,
    legacyFacts,
    readTime: boat.readTime,
  });
  const own = await readOwnHeader(world, file);
  if (own.kind !== 'own')
    return quarantineFile(world, paths, file, 'the rewritten file could not be read back');
  return adoptOwn(world, ledger, file, own, legacyFacts);
}
