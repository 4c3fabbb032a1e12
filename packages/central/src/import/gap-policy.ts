/** Consecutive sequences of a ledger that central does not hold completely. */
export interface GapRange {
  readonly first: number;
  readonly last: number;
  /** True if the boat withdrew them. Later exports contain their records. */
  readonly isWithdrawn: boolean;
}

/** Whether central holds an export completely, before and after a part is stored. */
export interface Wholeness {
  readonly wasWhole: boolean;
  readonly isWhole: boolean;
}

/**
 * Returns the sequences that become gaps when a part of `sequence` arrives: those between the previous highest sequence and this
 * one, and this one unless it is complete. Undefined if there are none. They are always consecutive. A ledger begins at sequence
 * 1, so all sequences below the first one that arrives are gaps (docs/spec/protocol.md R57, R87). `highest` is 0 for a ledger
 * that is new to central.
 */
export function findNewGap(
  highest: number,
  sequence: number,
  { wasWhole, isWhole }: Wholeness,
): { readonly first: number; readonly last: number } | undefined {
  if (sequence > highest) return toRange(highest + 1, isWhole ? sequence - 1 : sequence);
  return wasWhole && !isWhole ? toRange(sequence, sequence) : undefined;
}

function toRange(first: number, last: number) {
  return first > last ? undefined : { first, last };
}

/** A change to a ledger's gaps. */
export interface GapChange {
  /** The first sequence of each row to remove. */
  readonly removed: readonly number[];
  readonly inserted: readonly GapRange[];
  /** The changes to the numbers of missing and withdrawn sequences. */
  readonly missingDelta: number;
  readonly withdrawnDelta: number;
}

/** Sequences whose state changes, in any order. No sequence is in both lists, but `filled` may be in either. */
export interface ChangedSequences {
  /** The sequence that central now holds completely. */
  readonly filled: number | undefined;
  readonly withdrawn: readonly number[];
  /** Previously withdrawn, and now missing unless central holds them. */
  readonly reinstated: readonly number[];
}

/**
 * Returns the changes to a ledger's gaps. `touched` are stored ranges that contain at least one of the changed sequences; `added`
 * is a new gap.
 */
export function changeGaps(
  touched: readonly GapRange[],
  added: Pick<GapRange, 'first' | 'last'> | undefined,
  changed: ChangedSequences,
): GapChange {
  const before = [...touched];
  const candidates = added === undefined ? before : [...before, { ...added, isWithdrawn: false }];
  const inserted = candidates.flatMap((range) => cutRange(range, changed));
  return {
    removed: before.map(({ first }) => first),
    inserted,
    missingDelta: countSequences(inserted, false) - countSequences(before, false),
    withdrawnDelta: countSequences(inserted, true) - countSequences(before, true),
  };
}

/** Cuts `filled` out of a range, and splits off the sequences in it whose state changes as separate ranges. */
function cutRange(range: GapRange, { filled, withdrawn, reinstated }: ChangedSequences): GapRange[] {
  const changed = range.isWithdrawn ? reinstated : withdrawn;
  const points = filled === undefined ? changed : [...changed, filled];
  const inRange = points.filter((sequence) => sequence >= range.first && sequence <= range.last);
  const ranges: GapRange[] = [];
  let first = range.first;
  for (const at of [...new Set(inRange)].sort((a, b) => a - b)) {
    if (at > first) ranges.push({ ...range, first, last: at - 1 });
    if (at !== filled) ranges.push({ first: at, last: at, isWithdrawn: !range.isWithdrawn });
    first = at + 1;
  }
  if (first <= range.last) ranges.push({ ...range, first });
  return ranges;
}

function countSequences(ranges: readonly GapRange[], isWithdrawn: boolean): number {
  return ranges
    .filter((range) => range.isWithdrawn === isWithdrawn)
    .reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
