import type { Entry, PartRow } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ExportIdentity, ExportReader } from '../spool/export-reader.ts';
import type { Slice } from '../spool/policy.ts';
import type { CuttablePart } from './policy/part-size.ts';

/**
 * Returns the export identity that the entry's bodies must contain. It differs from the file's header if a new ledger has begun
 * since. Returns undefined for an adopted export from a lost ledger, whose file is sent unchanged.
 */
export function toIdentity(ledger: Ledger, { exportId, sequence }: Entry): ExportIdentity | undefined {
  return sequence === 0 ? undefined : { exportId, ledgerId: ledger.facts.ledgerId, sequence };
}

/**
 * Returns the entry's parts. A file no larger than the part size is sent as one part. A larger file is split when it is first
 * sent or bundled. The split is recorded because a key must always identify the same bytes (docs/spec/protocol.md R17, R64).
 * Throws EXPORT_FILE_DAMAGED.
 */
export async function planParts(
  ledger: Ledger,
  entry: Entry,
  reader: ExportReader,
  partSizeBytes: number,
): Promise<readonly PartRow[]> {
  const existing = ledger.queue.parts(entry.entryNo);
  if (existing.length > 0) return existing;
  if (reader.sizeBytes <= partSizeBytes) return [{ index: 1, slices: undefined, acknowledged: false }];
  const cut = await reader.cut(partSizeBytes);
  // The worker and the bundler may split the same entry concurrently, and parts from the first split may already be acknowledged.
  const planned = ledger.queue.parts(entry.entryNo);
  if (planned.length > 0) return planned;
  ledger.queue.plan(
    entry.entryNo,
    partSizeBytes,
    cut.map(({ slices }, at) => ({ index: at + 1, slices })),
  );
  return ledger.queue.parts(entry.entryNo);
}

/**
 * Splits the unacknowledged parts into smaller ones. Acknowledged parts keep their index and therefore their key. The new parts
 * take the free indexes. The number of parts never decreases, so no index is skipped. Throws EXPORT_FILE_DAMAGED.
 */
export async function cutAgain(
  ledger: Ledger,
  entry: Entry,
  reader: ExportReader,
  partSizeBytes: number,
  parts: readonly PartRow[],
): Promise<readonly PartRow[]> {
  const acknowledged = parts.filter((part) => part.acknowledged);
  const isOpen = createIsOutside(acknowledged.flatMap(({ slices }) => slices ?? []));
  const cut = await reader.cut(partSizeBytes, isOpen);
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

/** Creates a function that checks whether an offset is outside all slices. It must be called with offsets in ascending order. */
function createIsOutside(slices: readonly Slice[]): (offset: number) => boolean {
  const ordered = slices.toSorted((one, other) => one.offset - other.offset);
  let at = 0;
  return (offset) => {
    for (let slice = ordered[at]; slice !== undefined; slice = ordered[at]) {
      if (offset < slice.offset + slice.length) return offset < slice.offset;
      at += 1;
    }
    return true;
  };
}

/** Returns the exact bytes of a part's body before compression. Throws EXPORT_FILE_MISSING, EXPORT_FILE_DAMAGED. */
export async function readPartBody(
  entry: Entry,
  reader: ExportReader,
  part: PartRow,
  count: number,
): Promise<Uint8Array> {
  if (part.slices === undefined) return reader.readWhole(entry.fileSizeBytes);
  const states = Object.fromEntries(
    Object.entries(entry.categories).map(([category, { state }]) => [category, state]),
  );
  return reader.readPart({ index: part.index, count, slices: part.slices, states });
}

/**
 * Estimates the size of a part's body without reading it. For a part that consists of slices, the estimate is the size of its
 * records.
 */
export function estimateBodyBytes({ slices }: PartRow, entry: Entry): number {
  return slices === undefined ? entry.fileSizeBytes : slices.reduce((sum, { length }) => sum + length, 0);
}

/** Returns what determines whether a part can be split further. */
export function toCuttable(part: PartRow, partSizeBytes: number, bodyBytes: number): CuttablePart {
  const hasSeveralRecords =
    part.slices === undefined || part.slices.reduce((sum, slice) => sum + slice.count, 0) > 1;
  return { partSizeBytes, bodyBytes, hasSeveralRecords };
}
