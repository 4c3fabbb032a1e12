import type { CollectContext, Page } from './collector.ts';
import { createDigestCounts } from './digest-counts.ts';
import { sha256 } from './digest.ts';
import { createLineBuffer, toLine } from './page.ts';

/** A record of a state category. */
export type StateRecord = { readonly record_id: string } & Readonly<Record<string, unknown>>;

/** The line of a record that is new or has changed, and the digest that reports it as exported. */
export interface ChangedRecord {
  readonly recordId: string;
  readonly digest: string;
  readonly line: string;
}

/**
 * Collects a state category's records into pages. In incremental mode, the pages contain only records that are new or have
 * changed since they were last exported. A record that is added twice in one collection is exported only once. A record's digest is
 * reported when the page with its line is returned, so a record that a failed source leaves without a page is exported the next
 * time. Each record takes 16 bytes of memory.
 */
export interface StateRecords {
  add(record: StateRecord): void;
  /**
   * Like `add`, but returns the record's line instead of adding it to the page. The caller appends it, possibly with values that
   * do not count as a change to the record. Returns undefined if the record should not be exported.
   */
  take(record: StateRecord): ChangedRecord | undefined;
  /** Adds a record that `take` returned. */
  append(changed: ChangedRecord): void;
  /** Returns the next page if it is complete. */
  due(): Page | undefined;
  /** Returns the last page. */
  end(): Page | undefined;
  /** Number of distinct records added, including records that were exported before. */
  seen(): number;
  /** Returns true once the event loop has been blocked for a full time slice. */
  isSliceOver(): boolean;
  /** Yields to the event loop and starts a new time slice. Rejects when aborted. */
  yieldSlice(): Promise<void>;
}

/** Maximum time spent processing records before yielding to the event loop. */
const SLICE_MS = 10;

export function createStateRecords(context: CollectContext): StateRecords {
  const lines = createLineBuffer();
  /** The records of the next page. */
  let paged: ChangedRecord[] = [];
  let seen = 0;
  const added = createDigestCounts();
  // A slice may span several calls to `toStatePages`, because a single call may take less than a slice.
  let sliceBeganMs = context.clock.monotonic();
  const take = (record: StateRecord): ChangedRecord | undefined => {
    if (added.add(sha256(record.record_id)) > 0) return undefined;
    seen += 1;
    const line = toLine(record);
    const digest = sha256(line);
    if (context.mode === 'incremental' && context.digestOf(record.record_id) === digest) return undefined;
    return { recordId: record.record_id, digest, line };
  };
  const append = (changed: ChangedRecord): void => {
    lines.add(changed.line);
    paged.push(changed);
  };
  const takePage = (): Page | undefined => {
    for (const { recordId, digest } of paged) context.addDigest(recordId, digest);
    paged = [];
    return lines.take();
  };
  return {
    add(record) {
      const changed = take(record);
      if (changed !== undefined) append(changed);
    },
    take,
    append,
    due: () => (lines.isFull() ? takePage() : undefined),
    end: takePage,
    seen: () => seen,
    isSliceOver: () => context.clock.monotonic() - sliceBeganMs >= SLICE_MS,
    async yieldSlice() {
      context.signal.throwIfAborted();
      await context.clock.yield();
      sliceBeganMs = context.clock.monotonic();
    },
  };
}

/** Adds the records of `source` and yields the pages. Yields to the event loop after each time slice. */
export async function* toStatePages(
  records: StateRecords,
  source: Iterable<StateRecord>,
): AsyncGenerator<Page, void, void> {
  for (const record of source) {
    records.add(record);
    const page = records.due();
    if (page !== undefined) yield page;
    if (page !== undefined || records.isSliceOver()) await records.yieldSlice();
  }
  const last = records.end();
  if (last !== undefined) yield last;
}
