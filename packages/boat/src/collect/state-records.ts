import type { CollectContext, Page } from './collector.ts';
import { createDigestCounts } from './digest-counts.ts';
import { sha256 } from './digest.ts';
import { createLineBuffer, toLine } from './page.ts';

/** A record of a state category. */
export type StateRecord = { readonly record_id: string } & Readonly<Record<string, unknown>>;

/**
 * Gathers the records of a state category into pages: in incremental mode only those that are new or different from
 * what was last exported. A record told twice in one collection goes once. Of what is told it keeps 16 bytes a record.
 */
export interface StateRecords {
  /** Takes a record. */
  add(record: StateRecord): void;
  /** The page that is due, if one is; `end` gives what is left. */
  due(): Page | undefined;
  end(): Page | undefined;
  /** How many records the sources hold, gone before or not. */
  seen(): number;
  /** Whether records have been made for as long as the event loop may wait; `rest` gives it its turn. */
  isTurnOver(): boolean;
  rest(): Promise<void>;
}

/** How long records are made before the event loop gets its turn. */
const TURN_MS = 10;

export function createStateRecords(context: CollectContext): StateRecords {
  const lines = createLineBuffer();
  let seen = 0;
  const told = createDigestCounts();
  // Of the whole collection: a source is told in many pieces, each of which takes less than a turn.
  let turnBeganMs = context.clock.monotonic();
  return {
    add(record) {
      if (told.add(sha256(record.record_id)) > 0) return;
      seen += 1;
      const line = toLine(record);
      const digest = sha256(line);
      if (context.mode === 'incremental' && context.digestOf(record.record_id) === digest) return;
      context.addDigest(record.record_id, digest);
      lines.add(line);
    },
    due: () => (lines.isFull() ? lines.take() : undefined),
    end: lines.take,
    seen: () => seen,
    isTurnOver: () => context.clock.monotonic() - turnBeganMs >= TURN_MS,
    async rest() {
      context.signal.throwIfAborted();
      await context.clock.yield();
      turnBeganMs = context.clock.monotonic();
    },
  };
}

/** Gives out the pages of `records` one after another, letting others run between turns of some milliseconds. */
export async function* toStatePages(
  records: StateRecords,
  source: Iterable<StateRecord>,
): AsyncGenerator<Page, void, void> {
  for (const record of source) {
    records.add(record);
    const page = records.due();
    if (page !== undefined) yield page;
    if (page !== undefined || records.isTurnOver()) await records.rest();
  }
  const last = records.end();
  if (last !== undefined) yield last;
}
