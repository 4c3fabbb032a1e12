import type { CollectContext, Cursor, CursorMove, Page } from './collector.ts';
import { sha256 } from './digest.ts';
import { type ChangedRows, findChangedRows } from './find-changed-rows.ts';
import {
  ANCHOR_DIGEST_LENGTH,
  ANCHOR_DISTANCES,
  type Anchor,
  fitCursor,
  toCursor,
} from './policy/anchors.ts';
import { nextPageRows, PAGE_ROWS } from './policy/page-rows.ts';
import { type SourceOutcome, withDetails } from './policy/source-outcomes.ts';
import {
  type ColumnAliases,
  createDisorderedSource,
  openSourceTable,
  type SourceTable,
  toSourceDetail,
} from './source-table.ts';

/**
 * Maximum total size of the source strings on one page, in bytes. A single row may be larger. A page of this size is read and
 * converted to JSON in under 50 ms.
 */
const PAGE_SOURCE_BYTES_MAX = 4 * 1024 * 1024;

/** Maximum size of a value that is used to identify a row, in bytes. Ordinary rows are smaller than 1 kB. */
const ANCHOR_VALUE_MAX_BYTES = 1024 * 1024;

/** A position before the first row of any table. Rowids may be negative. */
const POSITION_BEFORE_ALL = Number.MIN_SAFE_INTEGER;

/** Rows of a log, read in one step. */
export interface RowsRead {
  readonly count: number;
  /** The rowid of the last row. Not meaningful if `count` is 0. */
  readonly last: number;
  /** Creates the page, outside any transaction. Returns undefined if none of the rows is exported from this database. */
  toPage(): Promise<Page | undefined>;
}

/** Reads rows of a log in rowid order. Runs synchronously within a read transaction of the source. */
export type RowsReader = (after: number, rowsMax: number) => RowsRead;

/**
 * Returns how many of the `rowsMax` rows after `after` the slow path may read, based on the size of their strings. The result is
 * at least 1.
 */
export type RowsFit = (after: number, rowsMax: number) => number;

/** A log table, to which rows are appended. Changes to its newest rows are also detected (see `findChangedRows`). */
export interface LogSource<Field extends string> {
  /** Path of the database below the boat's root, which is also the name of the cursor. */
  readonly name: string;
  readonly table: string;
  readonly aliases: ColumnAliases<Field>;
  /** The fields that may contain large strings. Their size limits the number of rows on a page. */
  readonly largeFields: readonly NoInfer<Field>[];
  /** Maximum number of rows on a page, for a reader that turns rows into objects, which add garbage to the daemon's memory. */
  readonly rowsMax?: number;
  createReader(table: SourceTable<Field>, fit: RowsFit): RowsReader;
}

/** The outcome of reading a log. `move` is present if rows were read. */
export interface LogOutcome extends SourceOutcome {
  readonly move?: CursorMove;
}

/**
 * Reads a log from its cursor. In full mode, or if the cursor no longer fits, reads the log from the start. Each page is
 * one short read transaction. No transaction is open while the page is consumed, so reading does not make the source's WAL grow.
 * If the log changes while it is being read (for example, if a VACUUM renumbers rows), the outcome is `error` and the next export
 * reads the log again.
 */
export async function* readLogTable<Field extends string>(
  context: CollectContext,
  source: LogSource<Field>,
): AsyncGenerator<Page, LogOutcome, void> {
  const opened = await openSourceTable(context, source.name, source.table, source.aliases);
  if (opened.kind === 'outcome') return opened.outcome;
  const { table } = opened;
  try {
    return withDetails(yield* readRows(context, source, table), table.unread);
  } catch (error) {
    return { state: 'error', detail: toSourceDetail(error, source.name, context) };
  } finally {
    table.db.close();
  }
}

async function* readRows<Field extends string>(
  context: CollectContext,
  source: LogSource<Field>,
  table: SourceTable<Field>,
): AsyncGenerator<Page, LogOutcome, void> {
  const anchors = createAnchorReader(table);
  const from = fitCursor(context.cursorOf(source.name), anchors.digestAt);
  const readPage = source.createReader(table, createFit(source, table));
  const start = context.mode === 'full' ? undefined : from;
  const { changed, digests } = await findChangedRows(context, source.name, table, start?.position);
  for (const range of changed) yield* readChanged(context, table, readPage, range);
  let position = start?.position ?? POSITION_BEFORE_ALL;
  let positionDigest = start === undefined ? undefined : anchors.digestAt(position);
  let rowsMax: number = PAGE_ROWS.first;
  for (;;) {
    context.signal.throwIfAborted();
    const beganMs = context.clock.monotonic();
    const rows = inReadTransaction(table, () => {
      if (positionDigest !== undefined && anchors.digestAt(position) !== positionDigest) return undefined;
      const read = readPage(position, rowsMax);
      if (read.count === 0) return read;
      if (read.last <= position) throw createDisorderedSource();
      position = read.last;
      positionDigest = anchors.digestAt(read.last);
      return read;
    });
    if (rows === undefined) return { state: 'error', detail: `${source.name} changed during the export` };
    if (rows.count === 0) break;
    rowsMax = Math.min(
      nextPageRows(rowsMax, context.clock.monotonic() - beganMs),
      source.rowsMax ?? PAGE_ROWS.max,
    );
    const page = await rows.toPage();
    if (page !== undefined) yield page;
    await context.clock.yield();
  }
  for (const [id, digest] of digests) context.addDigest(id, digest);
  return toLogOutcome(source.name, from, start, position, anchors);
}

/** Exports the rows in a range again. If a row is deleted in the meantime, the range just has fewer rows. */
async function* readChanged<Field extends string>(
  context: CollectContext,
  table: SourceTable<Field>,
  readPage: RowsReader,
  { after, through, count }: ChangedRows,
): AsyncGenerator<Page, void, void> {
  let position = after;
  let left = count;
  while (left > 0 && position < through) {
    context.signal.throwIfAborted();
    const rows = inReadTransaction(table, () => readPage(position, left));
    if (rows.count === 0) return;
    if (rows.last <= position) throw createDisorderedSource();
    position = rows.last;
    left -= rows.count;
    const page = await rows.toPage();
    if (page !== undefined) yield page;
    await context.clock.yield();
  }
}

function toLogOutcome(
  source: string,
  from: Cursor | undefined,
  start: Cursor | undefined,
  position: number,
  anchors: AnchorReader,
): LogOutcome {
  if (position === POSITION_BEFORE_ALL) return { state: 'empty' };
  if (position === start?.position) return { state: 'ok' };
  const to = toCursor(anchors.anchorsFrom(position));
  return to === undefined ? { state: 'empty' } : { state: 'ok', move: { source, from, to } };
}

/** Runs `read` in one read transaction, which ends synchronously. */
function inReadTransaction<T>({ db }: { readonly db: SourceTable<string>['db'] }, read: () => T): T {
  db.exec('BEGIN');
  try {
    return read();
  } finally {
    // Some SQLite errors end the transaction.
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

interface AnchorReader {
  digestAt(position: number): string | undefined;
  /** Returns the anchors for a cursor at `position`, in descending order. */
  anchorsFrom(position: number): readonly Anchor[];
}

function createAnchorReader<Field extends string>({ db, table, columns }: SourceTable<Field>): AnchorReader {
  // quote() distinguishes text, numbers and blobs, so values of different types have different digests. For a long value, only
  // the size counts, so that its text is not read.
  const row = Object.values<string>(columns)
    .map(
      (column) =>
        `CASE WHEN octet_length(${column}) > ${ANCHOR_VALUE_MAX_BYTES} THEN octet_length(${column}) ELSE quote(${column}) END`,
    )
    .join(` || ',' || `);
  const at = db.prepare(`SELECT rowid AS position, ${row} AS content FROM ${table} WHERE rowid = ?`);
  const before = db.prepare(
    `SELECT rowid AS position, ${row} AS content FROM ${table} WHERE rowid <= ? ORDER BY rowid DESC LIMIT 1`,
  );
  const toAnchor = (found: Record<string, unknown> | undefined): Anchor | undefined =>
    found === undefined
      ? undefined
      : {
          position: Number(found['position']),
          digest: sha256(String(found['content'])).slice(0, ANCHOR_DIGEST_LENGTH),
        };
  return {
    digestAt: (position) => toAnchor(at.get(position))?.digest,
    anchorsFrom(position) {
      const anchors: Anchor[] = [];
      for (const distance of ANCHOR_DISTANCES) {
        const anchor = toAnchor(before.get(position - distance));
        if (anchor === undefined) break;
        if (anchors.at(-1)?.position !== anchor.position) anchors.push(anchor);
      }
      return anchors;
    },
  };
}

/**
 * Limits the number of rows on a page so that their strings stay within `PAGE_SOURCE_BYTES_MAX`. SQLite returns lengths without
 * reading the strings.
 */
function createFit<Field extends string>(
  source: LogSource<Field>,
  { db, table, columns }: SourceTable<Field>,
): RowsFit {
  const lengths = source.largeFields.map((field) => `ifnull(octet_length(${columns[field]}), 0)`).join(' + ');
  const measure = db.prepare(
    `SELECT total(bytes) AS bytes FROM (SELECT ${lengths} AS bytes FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ?)`,
  );
  return (after, rowsMax) => {
    let rows = rowsMax;
    while (rows > 1 && Number(measure.get(after, rows)?.['bytes']) > PAGE_SOURCE_BYTES_MAX)
      rows = Math.ceil(rows / 4);
    return rows;
  };
}
