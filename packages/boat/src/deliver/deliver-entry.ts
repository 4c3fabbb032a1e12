import type { ContentCoding } from '@d3kos/protocol';
import type { Entry, PartRow } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LicenseRefusal } from '../license/policy.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { cutFile, readPart } from '../spool/cut.ts';
import type { Outcome } from './outcome.ts';
import { decideVerdict, type Verdict } from './policy.ts';

/** A part below this is not cut further on a 413: a central that refuses 16 KiB refuses the export. */
const PART_SIZE_MIN_BYTES = 16 * 1024;

/** How delivering one entry ended for now. `spentBytes`: bodies sent since the last acknowledged part. */
export type EntryResult =
  | { readonly kind: 'delivered'; readonly entry: Entry }
  | {
      readonly kind: 'stopped';
      readonly verdict: Exclude<Verdict, { kind: 'delivered' | 'cut_smaller' }>;
      readonly wireSizeBytes: number;
    }
  /** Another entry's turn has come; what was acknowledged stays acknowledged. */
  | { readonly kind: 'paused' }
  /** The tier does not allow sending any more. */
  | { readonly kind: 'not_permitted'; readonly refusal: LicenseRefusal; readonly wireSizeBytes: number };

export interface DeliverEntryDeps {
  readonly world: World;
  readonly ledger: Ledger;
  readonly partSizeBytes: number;
  /** Asked before each part: the tier may have changed since the last one (spec: sources, Tier and licence). */
  readonly permit: (signal: AbortSignal) => Promise<LicenseRefusal | undefined>;
  /** Sends one part and says what happened, with how many bytes of body went out. */
  readonly send: (
    part: {
      readonly exportId: string;
      readonly part: { readonly index: number; readonly count: number };
      readonly body: Uint8Array;
    },
    signal: AbortSignal,
  ) => Promise<{ readonly outcome: Outcome; readonly wireSizeBytes: number }>;
  readonly clockSynchronized: () => Promise<boolean>;
  /** Asked after each acknowledged part: false ends this entry's turn. */
  readonly mayGoOn: () => boolean;
  readonly onPart: (progress: {
    readonly queueId: string;
    readonly partIndex: number;
    readonly partCount: number;
  }) => void;
  /** Central holds a part; its answer offered these codings. */
  readonly onAccepted: (offers: readonly ContentCoding[]) => void;
}

/**
 * Sends an `uploading` entry part by part until central holds all of it or something stops it. Each acknowledged part
 * is in the ledger before the next is sent, so an interruption repeats at most one part, under the same idempotency key.
 * Rejects when aborted (the entry stays `uploading`) and for failures of the disk or the ledger.
 */
export async function deliverEntry(
  deps: DeliverEntryDeps,
  entry: Entry,
  signal: AbortSignal,
): Promise<EntryResult> {
  const { world, ledger } = deps;
  let parts: readonly PartRow[];
  let partSizeBytes = entry.partSizeBytes ?? deps.partSizeBytes;
  try {
    parts = await planned(deps, entry, partSizeBytes);
  } catch (error) {
    return stopForFile(error);
  }
  for (;;) {
    const next = parts.find((part) => !part.acknowledged);
    if (next === undefined)
      throw new Error(`entry ${entry.queueId} is open and all its parts are acknowledged`);
    const count = parts.length;
    deps.onPart({ queueId: entry.queueId, partIndex: next.index, partCount: count });
    let body: Uint8Array;
    try {
      body = await readBody(deps, entry, next, count);
    } catch (error) {
      return stopForFile(error);
    }
    const refusal = await deps.permit(signal);
    if (refusal !== undefined) return { kind: 'not_permitted', refusal, wireSizeBytes: 0 };
    const part = { index: next.index, count };
    const { outcome, wireSizeBytes } = await deps.send({ exportId: entry.exportId, part, body }, signal);
    signal.throwIfAborted();
    if (outcome.kind === 'receipt') deps.onAccepted(outcome.offers);
    const verdict = decideVerdict(outcome, {
      canCut: canCut(next, partSizeBytes),
      clockSynchronized: await deps.clockSynchronized(),
    });
    switch (verdict.kind) {
      case 'delivered': {
        const acknowledged = {
          partIndex: next.index,
          receipt: verdict.receipt,
          atMs: world.clock.wall(),
          wireSizeBytes,
        };
        if (parts.every((other) => other === next || other.acknowledged))
          return { kind: 'delivered', entry: ledger.queue.complete(entry.entryNo, acknowledged) };
        ledger.queue.acknowledge(entry.entryNo, acknowledged);
        parts = parts.map((other) => (other === next ? { ...other, acknowledged: true } : other));
        if (!deps.mayGoOn()) return { kind: 'paused' };
        break;
      }
      case 'cut_smaller':
        partSizeBytes = Math.max(PART_SIZE_MIN_BYTES, Math.floor(Math.min(partSizeBytes, body.length) / 2));
        parts = await cutFrom(deps, entry, partSizeBytes, parts);
        world.log.write(
          'info',
          `Central takes smaller parts: ${entry.queueId} is cut to ${partSizeBytes} bytes`,
        );
        break;
      case 'unreachable':
      case 'unavailable':
      case 'blocked':
      case 'rejected':
        return { kind: 'stopped', verdict, wireSizeBytes };
      default:
        return verdict satisfies never;
    }
  }
}

/** A file that is gone or damaged fails its entry: its records go with the next export. Other failures are the world's. */
function stopForFile(error: unknown): EntryResult {
  if (!isExportError(error, 'EXPORT_FILE_MISSING') && !isExportError(error, 'EXPORT_FILE_DAMAGED'))
    throw error;
  return {
    kind: 'stopped',
    verdict: { kind: 'rejected', errorCode: error.code, detail: error.message },
    wireSizeBytes: 0,
  };
}

/** The entry's parts, cut when it is first sent: a file up to the part size is one part, itself. */
async function planned(
  deps: DeliverEntryDeps,
  entry: Entry,
  partSizeBytes: number,
): Promise<readonly PartRow[]> {
  const { world, ledger } = deps;
  const existing = ledger.queue.parts(entry.entryNo);
  if (existing.length > 0) return existing;
  const facts = await world.disk.stat(entry.exportFile);
  if (facts === undefined)
    throw new ExportError(
      'EXPORT_FILE_MISSING',
      `The export file ${entry.exportFile} is not there any more`,
      {
        op: 'send the export',
        hint: 'Its records go with the next export.',
      },
    );
  if (facts.sizeBytes <= partSizeBytes) return [{ index: 1, slices: undefined, acknowledged: false }];
  const cut = await cutFile(world.disk, world.clock, entry.exportFile, partSizeBytes, 0);
  ledger.queue.plan(
    entry.entryNo,
    partSizeBytes,
    cut.map(({ slices }, at) => ({ index: at + 1, slices })),
  );
  return ledger.queue.parts(entry.entryNo);
}

/** Cuts what is not acknowledged into smaller parts. Acknowledged parts keep their index, so their keys stay theirs. */
async function cutFrom(
  deps: DeliverEntryDeps,
  entry: Entry,
  partSizeBytes: number,
  parts: readonly PartRow[],
): Promise<readonly PartRow[]> {
  const acknowledged = parts.filter((part) => part.acknowledged);
  const fromOffset = parts.find((part) => !part.acknowledged)?.slices?.[0]?.offset ?? 0;
  const cut = await cutFile(deps.world.disk, deps.world.clock, entry.exportFile, partSizeBytes, fromOffset);
  deps.ledger.queue.plan(
    entry.entryNo,
    partSizeBytes,
    cut.map(({ slices }, at) => ({ index: acknowledged.length + at + 1, slices })),
  );
  return deps.ledger.queue.parts(entry.entryNo);
}

/** True when a smaller part size would split this part: it has more than one record and is above the smallest size. */
function canCut(part: PartRow, partSizeBytes: number): boolean {
  if (partSizeBytes <= PART_SIZE_MIN_BYTES) return false;
  return part.slices === undefined || part.slices.reduce((sum, slice) => sum + slice.count, 0) > 1;
}

async function readBody(
  deps: DeliverEntryDeps,
  entry: Entry,
  part: PartRow,
  count: number,
): Promise<Uint8Array> {
  const { disk } = deps.world;
  if (part.slices !== undefined) {
    const states = Object.fromEntries(
      Object.entries(entry.categories).map(([category, { state }]) => [category, state]),
    );
    return readPart(disk, entry.exportFile, { index: part.index, count, slices: part.slices, states });
  }
  const body = await disk.readRange(entry.exportFile, 0, entry.fileSizeBytes);
  if (body === undefined || body.length !== entry.fileSizeBytes)
    throw new ExportError(
      'EXPORT_FILE_DAMAGED',
      `The export file ${entry.exportFile} is not as it was written`,
      {
        op: 'read the export file',
        hint: 'Its records go with the next export.',
      },
    );
  return body;
}
