import { createHash } from 'node:crypto';
import {
  BUNDLE_MARK,
  type BundleEnd,
  type BundlePart,
  type BundleStart,
  readBundle,
  toIdempotencyKey,
} from '@d3kos/protocol';
import { type ImportOutcome, importBody } from '../import/import-body.ts';
import { RECORDS_MAX, VALUES_MAX } from '../import/records.ts';
import { newImportId } from '../import/new-import-id.ts';
import { installationNotFound } from '../installations/enroll.ts';
import { CentralFailure } from '../platform/errors.ts';
import type { OpenFile, RandomHex, ReadableFile, Store, WallClock } from '../platform/ports.ts';

/** Single faults named in a report; further ones are counted. */
const NAMED_MAX = 100;

export interface ImportBundleDeps {
  readonly store: Store;
  readonly wall: WallClock;
  readonly randomHex: RandomHex;
  readonly openFile: OpenFile;
  /** Largest part that is taken, as over the network. */
  readonly bodySizeMaxBytes: number;
}

/** A part that was whole and was not stored. */
export interface RefusedPart {
  readonly key: string;
  readonly reason: string;
}

/** A place that is not as the boat wrote it. */
export interface DamagedPlace {
  readonly offset: number;
  /** Whose body it was, where its line could be read. */
  readonly key: string | null;
  readonly reason: string;
}

/** What importing a bundle did; the documented JSON of the command. */
export interface BundleReport {
  readonly installation_id: string | null;
  readonly created: string | null;
  /** Parts that were whole. */
  readonly parts: number;
  readonly stored: number;
  /** Parts that were held before, by whatever way they came. */
  readonly repeated: number;
  readonly records_imported: Readonly<Record<string, number>>;
  readonly rejected_records: number;
  readonly refused_count: number;
  readonly refused: readonly RefusedPart[];
  readonly damaged_count: number;
  readonly damaged: readonly DamagedPlace[];
  /** Exports the boat could not read when it wrote the bundle; they are still on board. */
  readonly skipped: BundleEnd['skipped'];
}

/**
 * Stores what a bundle holds, part by part, each in a transaction of its own, as if it had come over the network: under the
 * same keys, with the same checks and receipts, so that a part that comes twice, by whatever ways, is stored once. One part
 * is in memory at a time. What is damaged is told and the rest is stored; an interrupted import is done again from the start.
 * The operator vouches for who brought the stick: there is no token. A bundle speaks for one installation, which must be
 * enrolled: that of its first line, or of its first document where that line is damaged.
 * Throws BUNDLE_UNREADABLE, INSTALLATION_NOT_FOUND, and what the store throws.
 * docs/spec/protocol.md R67: "Central MUST import a part of a bundle by the rules that hold for the network."
 */
export async function importBundle(deps: ImportBundleDeps, path: string): Promise<BundleReport> {
  const file = await deps.openFile(path);
  try {
    await requireBundle(file, path);
    const tally = createTally();
    let installationId: string | undefined;
    const source = {
      read: (offset: number, length: number) => file.read(offset, length),
      digest: (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'),
    };
    for await (const item of readBundle(source, deps.bodySizeMaxBytes))
      switch (item.kind) {
        case 'start':
          if (installationId === undefined) {
            installationId = item.start.installation_id;
            await requireEnrolled(deps.store, installationId);
            tally.start(item.start);
          } else if (installationId !== item.start.installation_id)
            tally.damage({
              offset: item.offset,
              key: null,
              reason: `a bundle of another boat begins, ${item.start.installation_id}: import it from a file of its own`,
            });
          break;
        case 'part': {
          const outcome = await importPart(deps, installationId, item.header, item.body);
          if (outcome.kind === 'stored' || outcome.kind === 'repeated') ({ installationId } = outcome);
          tally.part(item.header, outcome);
          break;
        }
        case 'damaged':
          tally.damage({ offset: item.offset, key: toKey(item.header), reason: item.reason });
          break;
        case 'end':
          tally.end(item.end);
          break;
      }
    return tally.report(installationId ?? null);
  } finally {
    await file.close();
  }
}

/** True where everything the boat wrote is held now. */
export function isWhole(report: BundleReport): boolean {
  return report.damaged_count === 0 && report.refused_count === 0;
}

function importPart(
  deps: ImportBundleDeps,
  installationId: string | undefined,
  header: BundlePart,
  bytes: Uint8Array,
): Promise<ImportOutcome> {
  return importBody(deps.store, {
    bytes,
    installationId,
    idempotencyKey: toIdempotencyKey(header.export_id, header.part.index),
    contentCoding: 'identity',
    // Nothing of it came over the network.
    wireSizeBytes: 0,
    receivedMs: deps.wall(),
    importId: newImportId(deps.randomHex),
  });
}

/** A file that has no line of a bundle near its start is another file, and nothing of it is looked at. */
async function requireBundle(file: ReadableFile, path: string): Promise<void> {
  const start = Buffer.from(await file.read(0, 1_048_576));
  if (start.includes(BUNDLE_MARK)) return;
  throw new CentralFailure('BUNDLE_UNREADABLE', `${path} is not a bundle of a boat`, {
    op: `read ${path}`,
    hint: 'give a file that `d3kos-export bundle` wrote: d3kos_<installation>_<time>.bundle',
  });
}

async function requireEnrolled(store: Store, installationId: string): Promise<void> {
  const [row] = await store.query('select 1 as found from installations where installation_id = $1::text', [
    installationId,
  ]);
  if (row === undefined) throw installationNotFound(installationId);
}

function toKey(header: BundlePart | undefined): string | null {
  return header === undefined ? null : toIdempotencyKey(header.export_id, header.part.index);
}

/** Why a whole part was not stored, or undefined where it is held. */
function toRefusal(outcome: ImportOutcome): string | undefined {
  switch (outcome.kind) {
    case 'stored':
    case 'repeated':
      return undefined;
    case 'conflict':
      return 'it was stored before with other content';
    case 'disabled':
      return 'its installation is disabled, or not enrolled';
    case 'mismatch':
      return 'it is of another installation than the bundle';
    case 'too_many_records':
      return `it holds more than ${RECORDS_MAX} records`;
    case 'too_many_values':
      return `it holds more than ${VALUES_MAX} values`;
    case 'invalid':
      return outcome.reason;
  }
}

function createTally() {
  let start: BundleStart | undefined;
  let end: BundleEnd | undefined;
  const counts = { parts: 0, stored: 0, repeated: 0, rejected: 0, refused: 0, damaged: 0 };
  const records: Record<string, number> = {};
  const refused: RefusedPart[] = [];
  const damaged: DamagedPlace[] = [];
  return {
    start: (line: BundleStart) => {
      start = line;
    },
    end: (line: BundleEnd) => {
      end = line;
    },
    part(header: BundlePart, outcome: ImportOutcome) {
      counts.parts += 1;
      const reason = toRefusal(outcome);
      if (reason !== undefined) {
        counts.refused += 1;
        if (refused.length < NAMED_MAX)
          refused.push({ key: toIdempotencyKey(header.export_id, header.part.index), reason });
      }
      if (outcome.kind === 'repeated') counts.repeated += 1;
      if (outcome.kind !== 'stored') return;
      counts.stored += 1;
      counts.rejected += outcome.receipt.rejected_records.length;
      for (const [category, count] of Object.entries(outcome.receipt.records_imported))
        records[category] = (records[category] ?? 0) + count;
    },
    damage(place: DamagedPlace) {
      counts.damaged += 1;
      if (damaged.length < NAMED_MAX) damaged.push(place);
    },
    report: (installationId: string | null): BundleReport => ({
      installation_id: installationId,
      created: start?.created ?? null,
      parts: counts.parts,
      stored: counts.stored,
      repeated: counts.repeated,
      records_imported: records,
      rejected_records: counts.rejected,
      refused_count: counts.refused,
      refused,
      damaged_count: counts.damaged,
      damaged,
      skipped: end?.skipped ?? [],
    }),
  };
}
