import type { CollectContext } from './collector.ts';
import { sha256 } from './digest.ts';
import type { SourceTable } from './source-table.ts';

/**
 * Number of row IDs at the end of a log whose rows are compared with what was exported: enough to cover a typical log of 10,000
 * rows. Comparing them takes about 20 ms, and their digests fit into one commit (see `BUFFERED_DIGESTS_MAX`). Changes to older
 * rows are exported only by a full export.
 */
export const COMPARED_ROWS = 15_872;

/** Number of row IDs that share one digest in the ledger. If one of these rows changes, all of them are exported again. */
const RANGE_ROWS = 64;

/** Maximum time spent comparing ranges before yielding to the event loop. */
const SLICE_MS = 10;

/**
 * Values of more than `halved` bytes are compared only by their size, beginning and end. Values of more than `sized` bytes are
 * compared only by their size.
 */
const COMPARED_BYTES = { halved: 4_096, part: 2_048, sized: 1024 * 1024 } as const;

/** Rows that have changed since they were exported: the row IDs after `after`, up to and including `through`. */
export interface ChangedRows {
  readonly after: number;
  readonly through: number;
  readonly count: number;
}

/** The comparison of a log with what was exported. */
export interface LogComparison {
  readonly changed: readonly ChangedRows[];
  /** The digests of changed and new ranges, by their IDs. They count once all rows have been exported. */
  readonly digests: ReadonlyMap<string, string>;
}

/**
 * Finds rows of the log `source` that have changed since they were exported (docs/spec/sources.md, "2 boatlog"), by comparing the
 * newest rows with their digests in the ledger. Returns the changed ranges up to `exported`, the cursor's row ID, and the digests of
 * all changed and new ranges. It must run before the rows are read, so that a row that changes in between is exported
 * again the next time instead of being missed. `exported` is undefined if every row is read in any case.
 */
export async function findChangedRows<Field extends string>(
  context: CollectContext,
  source: string,
  table: SourceTable<Field>,
  exported: number | undefined,
): Promise<LogComparison> {
  const changed: ChangedRows[] = [];
  const digests = new Map<string, string>();
  const last = table.db.prepare(`SELECT max(rowid) AS last FROM ${table.table}`).get()?.['last'];
  if (typeof last !== 'number' || !Number.isSafeInteger(last)) return { changed, digests };
  const digestRange = createRangeDigests(table);
  let sliceBeganMs = context.clock.monotonic();
  const lastRange = Math.floor(last / RANGE_ROWS);
  for (let range = Math.floor((last - COMPARED_ROWS) / RANGE_ROWS) + 1; range <= lastRange; range += 1) {
    const after = range * RANGE_ROWS - 1;
    const end = Math.min(after + RANGE_ROWS, last);
    const id = `range:${source}:${range}`;
    const known = context.digestOf(id);
    const present = digestRange(after, end);
    if (known !== present.digest) {
      digests.set(id, present.digest);
      const through = Math.min(end, exported ?? after);
      const before = through === end ? present : digestRange(after, through);
      if (through > after && before.count > 0 && known !== before.digest)
        changed.push({ after, through, count: before.count });
    }
    if (context.clock.monotonic() - sliceBeganMs < SLICE_MS) continue;
    context.signal.throwIfAborted();
    await context.clock.yield();
    sliceBeganMs = context.clock.monotonic();
  }
  return { changed, digests };
}

/** Creates a function that returns the digest and the number of rows after `after`, up to and including `through`. */
function createRangeDigests<Field extends string>({
  db,
  table,
  columns,
}: SourceTable<Field>): (
  after: number,
  through: number,
) => { readonly digest: string; readonly count: number } {
  const { halved, part, sized } = COMPARED_BYTES;
  const row = Object.values<string>(columns)
    .filter((column) => column !== 'NULL')
    .map(
      (c) => `CASE WHEN octet_length(${c}) > ${sized} THEN octet_length(${c})
        WHEN octet_length(${c}) > ${halved} THEN concat(octet_length(${c}), quote(substr(${c}, 1, ${part})), quote(substr(${c}, -${part})))
        ELSE quote(${c}) END`,
    )
    .join(`, ',', `);
  // The LIMIT ends the query if a damaged table has more rows in a range than there are row IDs.
  const select = db.prepare(
    `SELECT count(*) AS count, group_concat(line, ';') AS text
     FROM (SELECT concat(rowid, ':', ${row}) AS line FROM ${table} NOT INDEXED
           WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ${RANGE_ROWS})`,
  );
  return (after, through) => {
    const found = select.get(after, through);
    return {
      digest: `${through}:${sha256(String(found?.['text'] ?? ''))}`,
      count: Number(found?.['count'] ?? 0),
    };
  };
}
