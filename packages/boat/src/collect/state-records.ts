import type { CollectContext, CollectOutcome, Page } from './collector.ts';
import { sha256 } from './digest.ts';
import { isPageFull, toLine, toPage } from './page.ts';

/** A record of a state category. */
export type StateRecord = { readonly record_id: string } & Readonly<Record<string, unknown>>;

/**
 * Gathers the records of a state category into pages: in incremental mode only those that are new or different from
 * what was last exported. A record told twice in one collection goes once.
 */
export interface StateRecords {
  /** Takes a record. */
  add(record: StateRecord): void;
  /** The page that is due, if one is; `end` gives what is left. */
  due(): Page | undefined;
  end(): Page | undefined;
  /** How many records the sources hold, gone before or not. */
  seen(): number;
  digests(): CollectOutcome['digests'];
}

export function createStateRecords(context: CollectContext): StateRecords {
  const digests = new Map<string, string>();
  let lines: string[] = [];
  let seen = 0;
  const take = (): Page | undefined => {
    if (lines.length === 0) return undefined;
    const page = toPage(lines);
    lines = [];
    return page;
  };
  const told = new Set<string>();
  return {
    add(record) {
      if (told.has(record.record_id)) return;
      told.add(record.record_id);
      seen += 1;
      const line = toLine(record);
      const digest = sha256(line);
      if (context.mode === 'incremental' && context.digestOf(record.record_id) === digest) return;
      digests.set(record.record_id, digest);
      lines.push(line);
    },
    due: () => (isPageFull(lines) ? take() : undefined),
    end: take,
    seen: () => seen,
    digests: () => [...digests].map(([recordId, digest]) => ({ recordId, digest })),
  };
}

/** How long records are made before the event loop gets its turn. */
const TURN_MS = 10;

/** Gives out the pages of `records` one after another, letting others run between turns of some milliseconds. */
export async function* toStatePages(
  context: CollectContext,
  records: StateRecords,
  source: Iterable<StateRecord>,
): AsyncGenerator<Page, void, void> {
  let beganMs = context.clock.monotonic();
  for (const record of source) {
    records.add(record);
    const page = records.due();
    if (page !== undefined) yield page;
    if (page === undefined && context.clock.monotonic() - beganMs < TURN_MS) continue;
    context.signal.throwIfAborted();
    await context.clock.yield();
    beganMs = context.clock.monotonic();
  }
  const last = records.end();
  if (last !== undefined) yield last;
}
