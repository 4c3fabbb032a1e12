import type { ContentCoding } from '@d3kos/protocol';
import type { Entry, PartRow } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LicenseRefusal } from '../license/policy.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { cutFile, readHeaderLine } from '../spool/cut.ts';
import type { Slice } from '../spool/policy.ts';
import type { CutOffs } from './cut-offs.ts';
import { planParts, readPartBody } from './entry-parts.ts';
import { acknowledgeHeld, type HeldPartsResult, type HeldPartsQuery } from './held-parts.ts';
import type { Outcome } from './outcome.ts';
import { CUT_OFFS_BEFORE_CUT, type CuttablePart, isCutOff, smallerPartSize } from './policy/part-size.ts';
import { decideVerdict, type Verdict } from './policy/verdict.ts';

/** How delivering one entry ended for now. `spentBytes`: bodies sent since the last acknowledged part. */
export type EntryResult =
  | { readonly kind: 'delivered'; readonly entry: Entry }
  | {
      readonly kind: 'stopped';
      readonly verdict: Exclude<Verdict, { kind: 'delivered' | 'cut_smaller' }>;
      readonly wireSizeBytes: number;
    }
  /** The card did not give the export's file: others may still be read. */
  | { readonly kind: 'unreadable'; readonly detail: string }
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
  /** Asked before each part: the tier may have changed since the last one (docs/spec/sources.md, "Tier and licence"). */
  readonly permit: (signal: AbortSignal) => Promise<LicenseRefusal | undefined>;
  /** What central holds of an export; where there is no reason to ask, nothing, without asking. */
  readonly fetchHeldParts: (question: HeldPartsQuery, signal: AbortSignal) => Promise<HeldPartsResult>;
  readonly cutOffs: CutOffs;
  /** Sends one part and says what happened, with how many bytes of body went out. */
  readonly send: (
    part: {
      readonly exportId: string;
      readonly part: { readonly index: number; readonly count: number };
      readonly body: Uint8Array;
    },
    signal: AbortSignal,
  ) => Promise<{ readonly outcome: Outcome; readonly wireSizeBytes: number }>;
  readonly clockSynchronized: (signal: AbortSignal) => Promise<boolean>;
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
 * Rejects when aborted (the entry stays `uploading`) and for failures of the ledger.
 */
export async function deliverEntry(
  deps: DeliverEntryDeps,
  entry: Entry,
  signal: AbortSignal,
): Promise<EntryResult> {
  const { world, ledger } = deps;
  let prepared: Prepared;
  try {
    prepared = await prepareParts(deps, entry, signal);
  } catch (error) {
    return stopForFile(error);
  }
  if (prepared.kind === 'delivered') return prepared;
  let { parts, partSizeBytes } = prepared;
  for (;;) {
    const next = parts.find((part) => !part.acknowledged);
    if (next === undefined && parts.length === 0)
      return rejected('EXPORT_FILE_DAMAGED', 'The export holds no record that could be cut into parts');
    // The last part and the completion are one commit: only a card that lost half of it, though it said it synced, leaves this.
    if (next === undefined)
      return rejected(
        'LEDGER_FAILED',
        'The ledger holds proof of every part and not of the delivery; its records go with the next export',
      );
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
    if (isCutOff(outcome)) deps.cutOffs.count(entry.entryNo, next.index);
    const smallerBytes = smallerPartSize(toCuttable(next, partSizeBytes, body.length), 'refused');
    const verdict = decideVerdict(outcome, {
      canCut: smallerBytes !== undefined,
      // Asked only where it decides: a receipt goes into the ledger without a wait.
      clockSynchronized: outcome.kind === 'no_connection' && (await deps.clockSynchronized(signal)),
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
        partSizeBytes = smallerBytes ?? partSizeBytes;
        parts = await cutAgain(deps, entry, partSizeBytes, parts);
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

/** What is to be sent, or the entry where central turned out to hold all of it. */
type Prepared =
  | { readonly kind: 'open'; readonly parts: readonly PartRow[]; readonly partSizeBytes: number }
  | { readonly kind: 'delivered'; readonly entry: Entry };

/**
 * The entry's parts: planned, those that central proves to hold acknowledged, and the rest cut smaller where the link did
 * not carry the first of them (decision 0024). Only after central said that it does not hold that part: its answer may be
 * what was lost, and its key must not come with other bytes then. Throws EXPORT_FILE_MISSING, EXPORT_FILE_DAMAGED.
 */
async function prepareParts(deps: DeliverEntryDeps, entry: Entry, signal: AbortSignal): Promise<Prepared> {
  const { world, ledger, cutOffs } = deps;
  const partSizeBytes = entry.partSizeBytes ?? deps.partSizeBytes;
  await assertOwn(deps, entry);
  const planned = await planParts(deps, entry, partSizeBytes);
  const first = planned.find((part) => !part.acknowledged);
  const firstIndex = first?.index ?? 1;
  const smallerBytes =
    first !== undefined && cutOffs.times(entry.entryNo, firstIndex) >= CUT_OFFS_BEFORE_CUT
      ? smallerPartSize(toCuttable(first, partSizeBytes, toBodyBytes(first, entry)), 'cut_off')
      : undefined;
  const mayBeHeld = smallerBytes !== undefined;
  const held = await deps.fetchHeldParts({ exportId: entry.exportId, firstIndex, mayBeHeld }, signal);
  if (held.offers !== undefined) deps.onAccepted(held.offers);
  const after = await acknowledgeHeld(
    { disk: world.disk, ledger, atMs: () => world.clock.wall() },
    entry,
    planned,
    held.receipts,
  );
  if (after.kind === 'delivered') return after;
  const isHeld = held.receipts.some(({ part }) => part.index === firstIndex);
  if (smallerBytes === undefined || !held.isWhole || isHeld) return { ...after, partSizeBytes };
  const parts = await cutAgain(deps, entry, smallerBytes, after.parts);
  cutOffs.forget(entry.entryNo);
  world.log.write(
    'info',
    `The link carries less than a part: ${entry.queueId} is cut to ${smallerBytes} bytes`,
  );
  return { kind: 'open', parts, partSizeBytes: smallerBytes };
}

/** About the size of a part's body, without reading it. */
function toBodyBytes({ slices }: PartRow, entry: Entry): number {
  return slices === undefined ? entry.fileSizeBytes : slices.reduce((sum, { length }) => sum + length, 0);
}

/**
 * A file that is gone or damaged fails its entry: its records go with the next export. One that cannot be read must not keep
 * those behind it waiting. Other failures are the world's.
 */
function stopForFile(error: unknown): EntryResult {
  if (isExportError(error, 'DISK_FAILED')) return { kind: 'unreadable', detail: error.message };
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

/**
 * Cuts what is not acknowledged into smaller parts. Acknowledged parts keep their index, so their keys stay theirs, and the
 * new ones take those that are free: smaller parts are never fewer, so no key is left out.
 */
async function cutAgain(
  deps: DeliverEntryDeps,
  entry: Entry,
  partSizeBytes: number,
  parts: readonly PartRow[],
): Promise<readonly PartRow[]> {
  const { world, ledger } = deps;
  const acknowledged = parts.filter((part) => part.acknowledged);
  const isOpen = isOutside(acknowledged.flatMap(({ slices }) => slices ?? []));
  const cut = await cutFile(world.disk, world.clock, entry.exportFile, partSizeBytes, isOpen);
  const taken = new Set(acknowledged.map(({ index }) => index));
  let last = 0;
  const toFreeIndex = (): number => {
    do last += 1;
    while (taken.has(last));
    return last;
  };
  ledger.queue.plan(
    entry.entryNo,
    partSizeBytes,
    cut.map(({ slices }) => ({ index: toFreeIndex(), slices })),
  );
  return ledger.queue.parts(entry.entryNo);
}

/** Tells offsets, asked for in rising order, that lie in none of the slices. */
function isOutside(slices: readonly Slice[]): (offset: number) => boolean {
  const ends = slices.toSorted((one, other) => one.offset - other.offset);
  let at = 0;
  return (offset) => {
    for (let slice = ends[at]; slice !== undefined; slice = ends[at]) {
      if (offset < slice.offset + slice.length) return offset < slice.offset;
      at += 1;
    }
    return true;
  };
}

function toCuttable(part: PartRow, partSizeBytes: number, bodyBytes: number): CuttablePart {
  const hasSeveralRecords =
    part.slices === undefined || part.slices.reduce((sum, slice) => sum + slice.count, 0) > 1;
  return { partSizeBytes, bodyBytes, hasSeveralRecords };
}
