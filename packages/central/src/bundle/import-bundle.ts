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
import { RECORDS_MAX, VALUES_MAX } from '../import/document-limits.ts';
import { UNMEASURED } from '../import/import-stage.ts';
import { createInlinePreparer } from '../import/preparer.ts';
import { newImportId } from '../import/new-import-id.ts';
import { recordEvent } from '../installations/audit.ts';
import { COMMAND_LINE } from '../installations/enroll.ts';
import { CentralFailure } from '../platform/errors.ts';
import type { OpenFile, RandomHex, ReadableFile, Store, WallClock } from '../platform/ports.ts';
import { type BundleOrigin, examineOrigin } from './verify-bundle.ts';

/** Maximum number of faults of each kind listed in a report. Any beyond it are only counted. */
const NAMED_MAX = 100;

export interface ImportBundleDeps {
  readonly store: Store;
  readonly wall: WallClock;
  readonly randomHex: RandomHex;
  readonly openFile: OpenFile;
  /** Maximum size of a part, the same as over the network. */
  readonly bodySizeMaxBytes: number;
}

/** Which bundles the operator accepts. `signed_and_unsigned` includes bundles whose origin is not proven. */
export type AcceptedBundles = 'signed' | 'signed_and_unsigned';

/** An intact part that was not stored. */
export interface RefusedPart {
  readonly key: string;
  readonly reason: string;
}

/** A damaged section of the bundle. */
export interface DamagedSection {
  readonly offset: number;
  /** The key of the damaged part, if its line is readable. */
  readonly key: string | null;
  readonly reason: string;
}

/** The result of importing a bundle, which is also the command's JSON output. */
export interface BundleReport {
  readonly installation_id: string | null;
  readonly created: string | null;
  /** Whether the boat signed the bundle. */
  readonly signed: boolean;
  /** Intact parts. */
  readonly parts: number;
  readonly stored: number;
  /** Parts that central already held. */
  readonly repeated: number;
  readonly records_imported: Readonly<Record<string, number>>;
  readonly rejected_records: number;
  readonly refused_count: number;
  readonly refused: readonly RefusedPart[];
  readonly damaged_count: number;
  readonly damaged: readonly DamagedSection[];
  /** Exports that the boat could not read when it wrote the bundle. They are still on board. */
  readonly skipped: BundleEnd['skipped'];
}

/**
 * Stores the parts of a bundle, each in its own transaction. docs/spec/protocol.md R67: "Central MUST import parts of a bundle
 * by the same rules as parts from the network." A part that arrives twice, over the network or in a bundle, is therefore stored
 * once. One part is in memory at a time. Intact parts are stored, and damaged sections are reported. After an interruption, the
 * same file can be imported again. A bundle belongs to one enrolled installation, named by its first line or, if that line is
 * damaged, by its first document.
 *
 * R83: "Before it stores any part, central MUST refuse a bundle that is not signed with the key that it keeps for the
 * installation, unless the operator makes an exception for this bundle." The file is therefore read twice. Each part is checked
 * again when it is stored, because the file may change in between. If a bundle without proof of its origin is accepted, this is
 * recorded in the audit trail before its first part is stored. Throws BUNDLE_UNREADABLE, BUNDLE_NOT_SIGNED, BUNDLE_KEY_UNKNOWN,
 * INSTALLATION_NOT_FOUND, and the store's errors.
 */
export async function importBundle(
  deps: ImportBundleDeps,
  path: string,
  accepts: AcceptedBundles,
): Promise<BundleReport> {
  const file = await deps.openFile(path);
  try {
    await requireBundle(file, path);
    const source = {
      read: (offset: number, length: number) => file.read(offset, length),
      digest: (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'),
    };
    const origin = await examineOrigin(deps.store, source, deps.bodySizeMaxBytes);
    if (origin.kind === 'unproven') await acceptUnproven(deps, origin, path, accepts);
    const tally = createTally(origin);
    let installationId: string | undefined;
    for await (const item of readBundle(source, deps.bodySizeMaxBytes))
      switch (item.kind) {
        case 'start':
          if (installationId === undefined) {
            installationId = item.start.installation_id;
            tally.start(item.start);
          } else if (installationId !== item.start.installation_id)
            tally.damage({
              offset: item.line.offset,
              key: null,
              reason: `the bundle of a different boat (${item.start.installation_id}) begins here: import it from its own file`,
            });
          break;
        case 'part': {
          if (origin.kind === 'signed' && !origin.isSigned(item.line)) {
            tally.damage({
              offset: item.line.offset,
              key: toKey(item.header),
              reason: 'the file has changed since its signatures were checked',
            });
            break;
          }
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

/** True if central now holds every part that the boat wrote. */
export function isWhole(report: BundleReport): boolean {
  return report.damaged_count === 0 && report.refused_count === 0;
}

function importPart(
  deps: ImportBundleDeps,
  installationId: string | undefined,
  header: BundlePart,
  bytes: Uint8Array,
): Promise<ImportOutcome> {
  const world = {
    store: deps.store,
    preparer: createInlinePreparer(() => 0),
    rank: () => 0,
    charge: () => undefined,
    measure: UNMEASURED,
  };
  return importBody(world, {
    bytes,
    // The reader has checked this digest against the bytes.
    sha256: header.sha256,
    credential: undefined,
    installationId,
    idempotencyKey: toIdempotencyKey(header.export_id, header.part.index),
    arrival: { kind: 'bundle' },
    contentCoding: 'identity',
    // Nothing came over the network.
    wireSizeBytes: 0,
    receivedMs: deps.wall(),
    importId: newImportId(deps.randomHex),
  });
}

/** Throws if the first MiB of the file has no control line. Such a file is not a bundle. */
async function requireBundle(file: ReadableFile, path: string): Promise<void> {
  const start = Buffer.from(await file.read(0, 1_048_576));
  if (start.includes(BUNDLE_MARK)) return;
  throw new CentralFailure('BUNDLE_UNREADABLE', `${path} is not an offline bundle`, {
    op: `read ${path}`,
    hint: 'specify a file written by `d3kos-export bundle`: d3kos_<installation>_<time>.bundle',
  });
}

/** Throws unless the operator accepts a bundle without proof of its origin. If so, records this in the audit trail. */
async function acceptUnproven(
  { store, wall }: ImportBundleDeps,
  { installationId = '', failure }: Extract<BundleOrigin, { kind: 'unproven' }>,
  path: string,
  accepts: AcceptedBundles,
): Promise<void> {
  if (accepts === 'signed') throw failure;
  const event = { installationId, subject: failure.code, actor: COMMAND_LINE };
  await recordEvent(
    store,
    { ...event, event: 'unsigned_bundle_imported', detail: `${path}: ${failure.message}` },
    wall(),
  );
}

function toKey(header: BundlePart | undefined): string | null {
  return header === undefined ? null : toIdempotencyKey(header.export_id, header.part.index);
}

/** Returns why an intact part was not stored, or undefined if central holds it. */
function toRefusal(outcome: ImportOutcome): string | undefined {
  switch (outcome.kind) {
    case 'stored':
    case 'repeated':
      return undefined;
    case 'conflict':
      return 'a part with this key is stored with different content';
    case 'diverged':
      return 'central holds another export under its ledger and sequence; the boat will send its records in a new ledger';
    case 'disabled':
      return 'its installation is disabled, or not enrolled';
    case 'mismatch':
      return 'it belongs to a different installation than the bundle';
    case 'too_many_records':
      return `it holds more than ${RECORDS_MAX} records`;
    case 'too_many_values':
      return `it holds more than ${VALUES_MAX} values`;
    case 'too_costly':
      return `checking it would take too much ${outcome.limit}`;
    case 'revoked':
      return 'its sender is no longer authorized';
    case 'over_quota':
      return `it exceeds the quota of ${outcome.amount}`;
    case 'invalid':
      return outcome.reason;
  }
}

function createTally(origin: BundleOrigin) {
  let start: BundleStart | undefined;
  let end: BundleEnd | undefined;
  const counts = { parts: 0, stored: 0, repeated: 0, rejected: 0, refused: 0, damaged: 0 };
  const records: Record<string, number> = {};
  const refused: RefusedPart[] = [];
  const damaged: DamagedSection[] = [];
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
    damage(place: DamagedSection) {
      counts.damaged += 1;
      if (damaged.length < NAMED_MAX) damaged.push(place);
    },
    report: (installationId: string | null): BundleReport => ({
      installation_id: installationId,
      created: start?.created ?? null,
      signed: origin.kind === 'signed',
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
