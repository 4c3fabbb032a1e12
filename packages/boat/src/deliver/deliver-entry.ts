import type { ContentCoding } from '@d3kos/protocol';
import type { Entry, PartRow } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LicenseRefusal } from '../license/policy.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { cutFile, readHeaderLine } from '../spool/cut.ts';
import { planParts, readPartBody } from './entry-parts.ts';
import { acknowledgeHeld, type HeldAnswer } from './held.ts';
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
  /** Whose exports this boat sends: one made for another installation fails alone instead of blocking the rest. */
  readonly installationId: () => string | undefined;
  /** Asked before each part: the tier may have changed since the last one (spec: sources, Tier and licence). */
  readonly permit: (signal: AbortSignal) => Promise<LicenseRefusal | undefined>;
  /** What central holds of an export that may have come to it on a stick; nothing for every other, without asking. */
  readonly askHeld: (exportId: string, signal: AbortSignal) => Promise<HeldAnswer>;
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
    await assertOwn(deps, entry);
    parts = await planParts(deps, entry, partSizeBytes);
    const held = await deps.askHeld(entry.exportId, signal);
    if (held.offers !== undefined) deps.onAccepted(held.offers);
    const after = await acknowledgeHeld(
      { disk: world.disk, ledger, atMs: () => world.clock.wall() },
      entry,
      parts,
      held.receipts,
    );
    if (after.kind === 'delivered') return after;
    parts = after.parts;
  } catch (error) {
    return stopForFile(error);
  }
  for (;;) {
    const next = parts.find((part) => !part.acknowledged);
    if (next === undefined && parts.length === 0)
      return rejected('EXPORT_FILE_DAMAGED', 'The export holds no record that could be cut into parts');
    if (next === undefined)
      throw new Error(`entry ${entry.queueId} is open and all its parts are acknowledged`);
    const count = parts.length;
    deps.onPart({ queueId: entry.queueId, partIndex: next.index, partCount: count });
    let body: Uint8Array;
    try {
      body = await readPartBody(world.disk, entry, next, count);
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
        // Nothing was spent of anybody's budget where no connection came about.
        return {
          kind: 'stopped',
          verdict,
          wireSizeBytes: outcome.kind === 'no_connection' ? 0 : wireSizeBytes,
        };
      default:
        return verdict satisfies never;
    }
  }
}

/** A file that is gone or damaged fails its entry: its records go with the next export. Other failures are the world's. */
function stopForFile(error: unknown): EntryResult {
  if (!isExportError(error, 'EXPORT_FILE_MISSING') && !isExportError(error, 'EXPORT_FILE_DAMAGED'))
    throw error;
  return rejected(error.code, error.message);
}

function rejected(errorCode: string, detail: string): EntryResult {
  return { kind: 'stopped', verdict: { kind: 'rejected', errorCode, detail }, wireSizeBytes: 0 };
}

/** Throws EXPORT_FILE_DAMAGED for an export that was made for another installation, as on a card that was copied. */
async function assertOwn({ world, installationId }: DeliverEntryDeps, entry: Entry): Promise<void> {
  const own = installationId();
  const line = await readHeaderLine(world.disk, entry.exportFile);
  const made = /^\{"installation_id":"([0-9a-f]{16})"/.exec(line)?.[1];
  if (own === undefined || made === own) return;
  throw new ExportError(
    'EXPORT_FILE_DAMAGED',
    `The export was made for installation ${made ?? 'unknown'}, this boat is ${own}`,
    {
      op: 'send the export',
      hint: 'Its records go with the next export of this boat.',
    },
  );
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
